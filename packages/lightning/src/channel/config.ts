import type { FeeratePerKw, Msat, Sat } from "../util/units.ts";

/** What is agreed when a channel opens. @ldk lightning::util::config::ChannelHandshakeConfig */
export interface ChannelHandshakeConfig {
  /** Confirmations of the funding transaction that we ask for, at least 1. Default 6. */
  readonly minimumDepth: number;
  /** Blocks that the peer's own outputs are delayed on its commitment, at least 144 by default. */
  readonly ourToSelfDelay: number;
  /** Smallest HTLC that the peer may offer us. Default 1. */
  readonly ourHtlcMinimum: Msat;
  /** Cap on the value that the peer has in flight towards us, in percent of an announced channel. Default 25. */
  readonly announcedMaxInboundHtlcValueInFlightPercent: number;
  /** The same for unannounced channels. Default 100. */
  readonly unannouncedMaxInboundHtlcValueInFlightPercent: number;
  /** Use `option_scid_alias`: our real short channel id is never told to payers. Default false. */
  readonly negotiateScidPrivacy: boolean;
  /** Announce the channel to the network. Default false. */
  readonly announceForForwarding: boolean;
  /** Commit to a closing script when opening. Default true. */
  readonly commitUpfrontShutdownPubkey: boolean;
  /** What the peer must keep, in millionths of the capacity; at least 1,000 sat. Default 10,000. */
  readonly theirChannelReserveProportionalMillionths: number;
  /** Ask for `option_anchors`. Default true. */
  readonly negotiateAnchorsZeroFeeHtlcTx: boolean;
  /**
   * Ask for `zero_fee_commitments` before `option_anchors`, and take such channels. To be published, their commitments
   * need a way to miners that relays packages of version 3 with pay-to-anchor outputs and ephemeral dust: Bitcoin Core
   * 29 and later. As with anchors, on-chain funds must be at hand to pay for them. Default false.
   */
  readonly negotiateAnchorZeroFeeCommitments: boolean;
  /** How many HTLCs the peer may offer at once, at most 483, or 114 with `zero_fee_commitments`. Default 50. */
  readonly ourMaxAcceptedHtlcs: number;
}

/** What we accept from a peer when a channel opens. @ldk lightning::util::config::ChannelHandshakeLimits */
export interface ChannelHandshakeLimits {
  readonly minFunding: Sat;
  readonly maxHtlcMinimum: Msat;
  readonly minMaxHtlcValueInFlight: Msat;
  readonly maxChannelReserve: Sat;
  readonly minMaxAcceptedHtlcs: number;
  readonly maxMinimumDepth: number;
  /** Take channels without confirmations from peers when we fund them. Default true. */
  readonly trustOwnFunding0conf: boolean;
  /** Refuse channels that are announced when we would not announce them, and the other way round. Default true. */
  readonly forceAnnouncedChannelPreference: boolean;
  /** Longest delay that the peer may impose on us. Default 2,016. */
  readonly theirToSelfDelay: number;
}

/**
 * The cap on value that would be lost to fees if the channel closed now.
 *
 * @ldk lightning::util::config::MaxDustHTLCExposure
 */
export type MaxDustHtlcExposure =
  | { readonly kind: "fixed"; readonly limit: Msat }
  /**
   * The limit is `multiplier` x the estimate for `maximum-fee-estimate` in sat per 1,000 weight, as millisatoshis; in
   * channels without feerates, `multiplier` x 250.
   */
  | { readonly kind: "feerate-multiplier"; readonly multiplier: number };

/** What can be changed while a channel is open. @ldk lightning::util::config::ChannelConfig */
export interface ChannelConfig {
  readonly forwardingFeeProportionalMillionths: number;
  readonly forwardingFeeBase: Msat;
  /** Blocks between what we accept and what we offer; at least 48. Default 72. */
  readonly cltvExpiryDelta: number;
  readonly maxDustHtlcExposure: MaxDustHtlcExposure;
  /**
   * Above the ordinary closing feerate, what the opener pays rather than see a cooperative close fail. Default 1,000.
   */
  readonly forceCloseAvoidanceMaxFee: Sat;
  readonly acceptUnderpayingHtlcs: boolean;
}

/** Some of a channel's settings: those that are left out stay. @ldk lightning::util::config::ChannelConfigUpdate */
export type ChannelConfigUpdate = Partial<ChannelConfig>;

/**
 * HTLCs that are told of by `htlc-intercepted` instead of being forwarded, to be added up in
 * `UserConfig.htlcInterceptionFlags`. Private channels are those that are not announced; an HTLC is intercepted when
 * any flag fits.
 *
 * @ldk lightning::util::config::HTLCInterceptionFlags
 */
export const htlcInterceptionFlags = {
  /** The next hop is named by an id of `getInterceptScid`: for channels that are to be opened yet. */
  toInterceptScids: 1,
  /** The next peer is not connected and the channel to it private: it may have to be woken. */
  toOfflinePrivateChannels: 2,
  toOnlinePrivateChannels: 4,
  toPublicChannels: 8,
  /** The HTLC came over a private channel. */
  fromPrivateChannels: 16,
  fromPublicToPrivateChannels: 32,
  fromPublicToPublicChannels: 64,
  /** The next hop is named by an id that means nothing to us. */
  toUnknownScids: 128,
  toAllKnownScids: 1 | 2 | 4 | 8,
  allValidHtlcs: 0xff,
} as const;

/**
 * How much of an outgoing channel the HTLCs of one upstream peer may take up while there are others who could want it:
 * jamming by one peer leaves them room. 100 is no limit. Our own payments are not limited.
 */
export interface ForwardingBudget {
  /** Of the HTLCs that the next peer accepts at once; one slot at least. */
  readonly maxSlotsPercent: number;
  /** Of what the channel can carry: our balance, or what the next peer accepts in flight if that is less. */
  readonly maxLiquidityPercent: number;
}

/** What a trampoline node asks of a payment: BOLT 4, "Trampoline Payments". */
export interface TrampolineRelayTerms {
  /** 0..2^32-1. */
  readonly feeBaseMsat: number;
  /** 0..2^32-1. */
  readonly feeProportionalMillionths: number;
  /** Blocks between the first expiry of what comes in and the last of what goes out: 48 are kept at least. */
  readonly cltvExpiryDelta: number;
}

/** All settings of a node. @ldk lightning::util::config::UserConfig */
export interface UserConfig {
  readonly channelHandshakeConfig: ChannelHandshakeConfig;
  readonly channelHandshakeLimits: ChannelHandshakeLimits;
  readonly channelConfig: ChannelConfig;
  /** Forward to channels that are not announced. Default false. */
  readonly acceptForwardsToPrivChannels: boolean;
  /**
   * Take part in trampoline payments (a proposal for BOLT 4): relay those that ask for no more than `trampolineRelay`
   * leaves, be paid by them, and say so in `init`, announcements and invoices. Default false.
   */
  readonly acceptTrampolineForwards: boolean;
  /**
   * What a payment that is relayed must leave us, beside what its own way costs. Default: 1 sat, 0.1 % and 72 blocks.
   */
  readonly trampolineRelay: TrampolineRelayTerms;
  /** When false, every `open_channel` is refused; otherwise the user decides by `OpenChannelRequest`. Default true. */
  readonly acceptInboundChannels: boolean;
  /** Which HTLCs are intercepted: a sum of `htlcInterceptionFlags`. Default 0: none. */
  readonly htlcInterceptionFlags: number;
  /** Default 80 percent of both. */
  readonly forwardingBudget: ForwardingBudget;
}

/** The feerates that channels ask for, as the host's `FeeEstimator` gives them. */
export interface ChannelFeerates {
  readonly maximumFeeEstimate: FeeratePerKw;
  readonly minAllowedAnchorChannelRemoteFee: FeeratePerKw;
  readonly minAllowedNonAnchorChannelRemoteFee: FeeratePerKw;
  readonly anchorChannelFee: FeeratePerKw;
  readonly nonAnchorChannelFee: FeeratePerKw;
  readonly channelCloseMinimum: FeeratePerKw;
}

const msat = (value: bigint): Msat => value as Msat;
const sat = (value: bigint): Sat => value as Sat;

/** LDK's defaults. */
export const defaultUserConfig: UserConfig = {
  channelHandshakeConfig: {
    minimumDepth: 6,
    ourToSelfDelay: 144,
    ourHtlcMinimum: msat(1n),
    announcedMaxInboundHtlcValueInFlightPercent: 25,
    unannouncedMaxInboundHtlcValueInFlightPercent: 100,
    negotiateScidPrivacy: false,
    announceForForwarding: false,
    commitUpfrontShutdownPubkey: true,
    theirChannelReserveProportionalMillionths: 10_000,
    negotiateAnchorsZeroFeeHtlcTx: true,
    negotiateAnchorZeroFeeCommitments: false,
    ourMaxAcceptedHtlcs: 50,
  },
  channelHandshakeLimits: {
    minFunding: sat(1_000n),
    maxHtlcMinimum: msat(0xffff_ffff_ffff_ffffn),
    minMaxHtlcValueInFlight: msat(0n),
    maxChannelReserve: sat(0xffff_ffff_ffff_ffffn),
    minMaxAcceptedHtlcs: 0,
    maxMinimumDepth: 144,
    trustOwnFunding0conf: true,
    forceAnnouncedChannelPreference: true,
    theirToSelfDelay: 2_016,
  },
  channelConfig: {
    forwardingFeeProportionalMillionths: 0,
    forwardingFeeBase: msat(1_000n),
    cltvExpiryDelta: 72,
    maxDustHtlcExposure: { kind: "feerate-multiplier", multiplier: 10_000 },
    forceCloseAvoidanceMaxFee: sat(1_000n),
    acceptUnderpayingHtlcs: false,
  },
  acceptForwardsToPrivChannels: false,
  acceptTrampolineForwards: false,
  trampolineRelay: { feeBaseMsat: 1_000, feeProportionalMillionths: 1_000, cltvExpiryDelta: 72 },
  acceptInboundChannels: true,
  htlcInterceptionFlags: 0,
  forwardingBudget: { maxSlotsPercent: 80, maxLiquidityPercent: 80 },
};
