import {
  bytes,
  chainHash,
  channelId,
  feerate32,
  flag,
  msat64,
  point,
  rest,
  restScript,
  sat64,
  shortChannelId,
  signature,
  specAs,
  type TypeOf,
  tlvs,
  txid,
  u8,
  u16,
  u32,
} from "../codec/index.ts";
import { message } from "./message.ts";

// In version 1 the BOLT calls the temporary id plain bytes; it stands in for the channel's id all the same.
const temporaryChannelId = specAs(bytes(32).spec, channelId);

const openingRecords = {
  /** The only script that the sender will accept in `shutdown`; empty for none. */
  upfrontShutdownScript: { type: 0, codec: restScript },
  /** The features of the commitment format: see `decodeChannelType`. */
  channelType: { type: 1, codec: rest },
} as const;

const openingRecordsV2 = {
  ...openingRecords,
  /** The sender wants only confirmed inputs in the funding transaction. */
  requireConfirmedInputs: { type: 2, codec: flag },
} as const;

/** Asks to open a channel that the sender funds (version 1). Basepoints are the sender's. */
export const openChannel = message(
  { type: "open_channel", number: 32, section: 'BOLT 2, "The open_channel Message"' },
  {
    chainHash,
    temporaryChannelId,
    fundingSatoshis: sat64,
    pushMsat: msat64,
    dustLimitSatoshis: sat64,
    maxHtlcValueInFlightMsat: msat64,
    channelReserveSatoshis: sat64,
    htlcMinimumMsat: msat64,
    feeratePerKw: feerate32,
    /** Blocks that the receiver's delayed outputs wait. */
    toSelfDelay: u16,
    maxAcceptedHtlcs: u16,
    fundingPubkey: point,
    revocationBasepoint: point,
    paymentBasepoint: point,
    delayedPaymentBasepoint: point,
    htlcBasepoint: point,
    firstPerCommitmentPoint: point,
    /** Bit 0: announce the channel. */
    channelFlags: u8,
    tlvs: tlvs("open_channel_tlvs", openingRecords),
  },
);
/** @ldk lightning::ln::msgs::OpenChannel */
export interface OpenChannel extends TypeOf<typeof openChannel> {}

/** Agrees to `open_channel`, with the receiver's terms and keys. */
export const acceptChannel = message(
  { type: "accept_channel", number: 33, section: 'BOLT 2, "The accept_channel Message"' },
  {
    temporaryChannelId,
    dustLimitSatoshis: sat64,
    maxHtlcValueInFlightMsat: msat64,
    channelReserveSatoshis: sat64,
    htlcMinimumMsat: msat64,
    minimumDepth: u32,
    toSelfDelay: u16,
    maxAcceptedHtlcs: u16,
    fundingPubkey: point,
    revocationBasepoint: point,
    paymentBasepoint: point,
    delayedPaymentBasepoint: point,
    htlcBasepoint: point,
    firstPerCommitmentPoint: point,
    tlvs: tlvs("accept_channel_tlvs", openingRecords),
  },
);
/** @ldk lightning::ln::msgs::AcceptChannel */
export interface AcceptChannel extends TypeOf<typeof acceptChannel> {}

/** The funding outpoint, and the opener's signature for the accepter's first commitment transaction. */
export const fundingCreated = message(
  { type: "funding_created", number: 34, section: 'BOLT 2, "The funding_created Message"' },
  { temporaryChannelId, fundingTxid: txid, fundingOutputIndex: u16, signature },
);
/** @ldk lightning::ln::msgs::FundingCreated */
export interface FundingCreated extends TypeOf<typeof fundingCreated> {}

/** The accepter's signature for the opener's first commitment transaction: from now on the funding may be broadcast. */
export const fundingSigned = message(
  { type: "funding_signed", number: 35, section: 'BOLT 2, "The funding_signed Message"' },
  { channelId, signature },
);
/** @ldk lightning::ln::msgs::FundingSigned */
export interface FundingSigned extends TypeOf<typeof fundingSigned> {}

/** The funding has the confirmations that the sender asks for (or none are needed). */
export const channelReady = message(
  { type: "channel_ready", number: 36, section: 'BOLT 2, "The channel_ready Message"' },
  {
    channelId,
    secondPerCommitmentPoint: point,
    tlvs: tlvs("channel_ready_tlvs", {
      /** An alias by which the receiver may call the channel. */
      shortChannelId: { type: 1, codec: shortChannelId },
    }),
  },
);
/** @ldk lightning::ln::msgs::ChannelReady */
export interface ChannelReady extends TypeOf<typeof channelReady> {}

/** Asks to open a channel that both may fund (version 2); its transaction is built interactively. */
export const openChannel2 = message(
  { type: "open_channel2", number: 64, section: 'BOLT 2, "The open_channel2 Message"' },
  {
    chainHash,
    temporaryChannelId: channelId,
    fundingFeeratePerkw: feerate32,
    commitmentFeeratePerkw: feerate32,
    fundingSatoshis: sat64,
    dustLimitSatoshis: sat64,
    maxHtlcValueInFlightMsat: msat64,
    htlcMinimumMsat: msat64,
    toSelfDelay: u16,
    maxAcceptedHtlcs: u16,
    locktime: u32,
    fundingPubkey: point,
    revocationBasepoint: point,
    paymentBasepoint: point,
    delayedPaymentBasepoint: point,
    htlcBasepoint: point,
    firstPerCommitmentPoint: point,
    secondPerCommitmentPoint: point,
    channelFlags: u8,
    tlvs: tlvs("opening_tlvs", openingRecordsV2),
  },
);
/** @ldk lightning::ln::msgs::OpenChannelV2 */
export interface OpenChannel2 extends TypeOf<typeof openChannel2> {}

/** Agrees to `open_channel2`, with what the receiver adds. */
export const acceptChannel2 = message(
  { type: "accept_channel2", number: 65, section: 'BOLT 2, "The accept_channel2 Message"' },
  {
    temporaryChannelId: channelId,
    fundingSatoshis: sat64,
    dustLimitSatoshis: sat64,
    maxHtlcValueInFlightMsat: msat64,
    htlcMinimumMsat: msat64,
    minimumDepth: u32,
    toSelfDelay: u16,
    maxAcceptedHtlcs: u16,
    fundingPubkey: point,
    revocationBasepoint: point,
    paymentBasepoint: point,
    delayedPaymentBasepoint: point,
    htlcBasepoint: point,
    firstPerCommitmentPoint: point,
    secondPerCommitmentPoint: point,
    tlvs: tlvs("accept_tlvs", openingRecordsV2),
  },
);
/** @ldk lightning::ln::msgs::AcceptChannelV2 */
export interface AcceptChannel2 extends TypeOf<typeof acceptChannel2> {}
