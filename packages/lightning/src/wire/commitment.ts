import {
  array16,
  bytes,
  bytes32,
  channelId,
  feerate32,
  htlcId,
  msat64,
  paymentHash,
  point,
  sha256,
  signature,
  struct,
  type TypeOf,
  tlvs,
  txid,
  u8,
  u16,
  u32,
  u64,
  varBytes,
} from "../codec/index.ts";
import { message } from "./message.ts";

/** Offers an HTLC. */
export const updateAddHtlc = message(
  { type: "update_add_htlc", number: 128, section: 'BOLT 2, "Adding an HTLC: update_add_htlc"' },
  {
    channelId,
    id: htlcId,
    amountMsat: msat64,
    paymentHash,
    /** Block height. */
    cltvExpiry: u32,
    onionRoutingPacket: bytes(1366),
    tlvs: tlvs("update_add_htlc_tlvs", {
      /** The key of the blinded path that this HTLC goes along. */
      blindedPath: { type: 0, codec: point },
      /** What the sender kept of the amount that its onion asks it to forward (bLIP 25). */
      extraFee: { type: 65537, codec: msat64 },
    }),
  },
);
/** @ldk lightning::ln::msgs::UpdateAddHTLC */
export interface UpdateAddHtlc extends TypeOf<typeof updateAddHtlc> {}

const removing =
  'BOLT 2, "Removing an HTLC: update_fulfill_htlc, update_fail_htlc, and update_fail_malformed_htlc"';

/** Hold times and truncated HMACs of up to 20 hops; both stay bytes, which onions shift and encrypt as a whole. */
const attributionData = struct("attribution_data", {
  htlcHoldTimes: bytes(80, "20*u32"),
  truncatedHmacs: bytes(840, "210*sha256[..4]"),
});
/** @ldk lightning::ln::onion_utils::AttributionData */
export interface AttributionData extends TypeOf<typeof attributionData> {}

/** Claims an HTLC by its preimage. */
export const updateFulfillHtlc = message(
  { type: "update_fulfill_htlc", number: 130, section: removing },
  {
    channelId,
    id: htlcId,
    paymentPreimage: bytes32,
    tlvs: tlvs("update_fulfill_htlc_tlvs", { attributionData: { type: 1, codec: attributionData } }),
  },
);
/** @ldk lightning::ln::msgs::UpdateFulfillHTLC */
export interface UpdateFulfillHtlc extends TypeOf<typeof updateFulfillHtlc> {}

/** Fails an HTLC, with a failure that only the payer can read. */
export const updateFailHtlc = message(
  { type: "update_fail_htlc", number: 131, section: removing },
  {
    channelId,
    id: htlcId,
    /** The encrypted failure, for the payer only. */
    reason: varBytes,
    tlvs: tlvs("update_fail_htlc_tlvs", { attributionData: { type: 1, codec: attributionData } }),
  },
);
/** @ldk lightning::ln::msgs::UpdateFailHTLC */
export interface UpdateFailHtlc extends TypeOf<typeof updateFailHtlc> {}

/** Fails an HTLC whose onion could not be read; the receiver wraps the failure for the payer. */
export const updateFailMalformedHtlc = message(
  { type: "update_fail_malformed_htlc", number: 135, section: removing },
  { channelId, id: htlcId, sha256OfOnion: sha256, failureCode: u16 },
);
/** @ldk lightning::ln::msgs::UpdateFailMalformedHTLC */
export interface UpdateFailMalformedHtlc extends TypeOf<typeof updateFailMalformedHtlc> {}

/** The next `batchSize` messages belong together: one `commitment_signed` for each funding that is active. */
export const startBatch = message(
  { type: "start_batch", number: 127, section: 'BOLT 2, "Batching channel messages"' },
  {
    channelId,
    batchSize: u16,
    tlvs: tlvs("start_batch_tlvs", {
      /** The type that all messages of the batch have. */
      messageType: { type: 1, codec: u16 },
    }),
  },
);
/** @ldk lightning::ln::msgs::StartBatch */
export interface StartBatch extends TypeOf<typeof startBatch> {}

/** Signs the receiver's next commitment transaction and its HTLC transactions. */
export const commitmentSigned = message(
  {
    type: "commitment_signed",
    number: 132,
    section: 'BOLT 2, "Committing Updates So Far: commitment_signed"',
  },
  {
    channelId,
    signature,
    /** In the order of the HTLC outputs in the transaction. */
    htlcSignatures: array16(signature),
    tlvs: tlvs("commitment_signed_tlvs", {
      /** Which funding is spent, where there are several. */
      fundingTxid: { type: 1, codec: txid },
    }),
  },
);
/** @ldk lightning::ln::msgs::CommitmentSigned */
export interface CommitmentSigned extends TypeOf<typeof commitmentSigned> {}

/** Gives up the sender's previous commitment transaction, and agrees to the updates in its new one. */
export const revokeAndAck = message(
  {
    type: "revoke_and_ack",
    number: 133,
    section: 'BOLT 2, "Completing the Transition to the Updated State: revoke_and_ack"',
  },
  { channelId, perCommitmentSecret: bytes32, nextPerCommitmentPoint: point },
);
/** @ldk lightning::ln::msgs::RevokeAndACK */
export interface RevokeAndAck extends TypeOf<typeof revokeAndAck> {}

/** Sets the feerate of the commitment transactions; only the opener may. */
export const updateFee = message(
  { type: "update_fee", number: 134, section: 'BOLT 2, "Updating Fees: update_fee"' },
  { channelId, feeratePerKw: feerate32 },
);
/** @ldk lightning::ln::msgs::UpdateFee */
export interface UpdateFee extends TypeOf<typeof updateFee> {}

/** First message about a channel after a reconnection: where the sender stands. */
export const channelReestablish = message(
  { type: "channel_reestablish", number: 136, section: 'BOLT 2, "Message Retransmission"' },
  {
    channelId,
    /** Number of the commitment that the sender expects next: any u64, a hostile one included. */
    nextCommitmentNumber: u64,
    /** Number of the commitment whose revocation the sender expects next. */
    nextRevocationNumber: u64,
    yourLastPerCommitmentSecret: bytes32,
    /** Nothing is derived from it any more. */
    myCurrentPerCommitmentPoint: point,
    tlvs: tlvs("channel_reestablish_tlvs", {
      /** The interactive transaction whose signatures the sender still lacks. Bit 0: also `commitment_signed`. */
      nextFunding: {
        type: 1,
        codec: struct("next_funding", { nextFundingTxid: txid, retransmitFlags: u8 }),
      },
      /** The last funding that the sender has locked. Bit 0: also `announcement_signatures`. */
      myCurrentFundingLocked: {
        type: 5,
        codec: struct("my_current_funding_locked", {
          myCurrentFundingLockedTxid: txid,
          retransmitFlags: u8,
        }),
      },
    }),
  },
);
/** @ldk lightning::ln::msgs::ChannelReestablish */
export interface ChannelReestablish extends TypeOf<typeof channelReestablish> {}
