import type {
  ChannelId,
  InterceptId,
  NodeId,
  OutPoint,
  PaymentHash,
  PaymentId,
  ShortChannelId,
} from "../util/ids.ts";
import type { Msat, Sat } from "../util/units.ts";
import type { SpendableOutputDescriptor } from "./spendableOutput.ts";

/**
 * Why a channel ended. LDK's `OutdatedChannelManager` cannot happen here, since channels and monitors share one truth.
 *
 * @ldk lightning::events::ClosureReason
 */
export type ClosureReason =
  | { readonly kind: "counterparty-force-closed"; readonly peerMessage: string }
  | {
      readonly kind: "holder-force-closed";
      readonly message: string;
      /** Whether our commitment was given to be published. Absent in events of before this was told. */
      readonly broadcastedLatestTxn?: boolean;
    }
  | { readonly kind: "locally-initiated-cooperative-closure" }
  | { readonly kind: "counterparty-initiated-cooperative-closure" }
  | { readonly kind: "commitment-transaction-confirmed" }
  | { readonly kind: "funding-timed-out" }
  /** An HTLC, the first of those due, had to be settled on chain. */
  | { readonly kind: "htlcs-timed-out"; readonly paymentHash: PaymentHash }
  | { readonly kind: "processing-error"; readonly error: string }
  | { readonly kind: "disconnected-peer" }
  | { readonly kind: "counterparty-coop-closed-unfunded-channel" }
  | { readonly kind: "locally-coop-closed-unfunded-channel" }
  | { readonly kind: "peer-feerate-too-low"; readonly peerFeerate: bigint; readonly requiredFeerate: bigint }
  | { readonly kind: "lost-channel-state" };

/** Why a payment of ours failed for good. @ldk lightning::events::PaymentFailureReason */
export type PaymentFailureReason =
  | "recipient-rejected"
  | "user-abandoned"
  | "retries-exhausted"
  | "payment-expired"
  | "route-not-found"
  | "unexpected-error";

/**
 * What a failure says of the network to those who keep a graph of it.
 *
 * @ldk lightning::routing::gossip::NetworkUpdate
 */
export type NetworkUpdate =
  | {
      readonly kind: "channel-failure";
      readonly shortChannelId: ShortChannelId;
      readonly isPermanent: boolean;
    }
  | { readonly kind: "node-failure"; readonly nodeId: NodeId; readonly isPermanent: boolean };

/**
 * What a failure on a path says about the network. Short channel ids are those of the payer's view.
 *
 * @ldk lightning::events::PathFailure
 */
export interface PathFailure {
  readonly paymentId: PaymentId;
  readonly paymentHash: PaymentHash;
  readonly path: readonly { readonly nodeId: NodeId; readonly shortChannelId: ShortChannelId }[];
  /** What was to reach the end of the path. Absent from events of before it was told. */
  readonly finalValue?: Msat;
  /** BOLT 4 code, absent when the failure could not be read. */
  readonly failureCode?: number;
  /** The BOLT's name of `failureCode`. */
  readonly failureName?: string;
  /** The channel to blame, if one is. */
  readonly shortChannelId?: ShortChannelId;
  /** For the graph: `BackgroundProcessor` hands it on. */
  readonly networkUpdate?: NetworkUpdate;
  readonly paymentFailedPermanently: boolean;
  readonly holdTimes?: HoldTimeReport;
}

/**
 * How long the nodes of a path held a payment, in units of 100 milliseconds, from the first node as far as they tell:
 * BOLT 4, "Returning Errors". Each counts the time of those behind it as well. Absent when none told.
 */
export type HoldTimeReport = readonly number[];

/** Who pays for what. @ldk lightning::events::PaymentPurpose */
export type PaymentPurpose =
  | {
      readonly kind: "bolt11-invoice";
      readonly paymentPreimage?: Uint8Array;
      readonly paymentSecret: Uint8Array;
    }
  | { readonly kind: "spontaneous"; readonly paymentPreimage: Uint8Array };

/**
 * What the payer wrote to us beside the amounts, as far as all parts of the payment agree.
 *
 * @ldk lightning::ln::outbound_payment::RecipientOnionFields
 */
export interface ReceivedOnionFields {
  /** Absent from a spontaneous payment of one part. */
  readonly paymentSecret?: Uint8Array;
  /** What the invoice was given, in clear; of a spontaneous payment, what the payer wrote. */
  readonly paymentMetadata?: Uint8Array;
  /** Of types from 65,536 on, in their order. Who does not know one of an even type should not claim the payment. */
  readonly customTlvs: readonly { readonly type: bigint; readonly value: Uint8Array }[];
  /** The sum of all parts that the payer promised. */
  readonly totalAmount: Msat;
}

/** One HTLC of a payment that was claimed. @ldk lightning::events::ClaimedHTLC */
export interface ClaimedHtlc {
  readonly channelId: ChannelId;
  readonly userChannelId: bigint;
  /** Absolute block height. */
  readonly cltvExpiry: number;
  readonly value: Msat;
  /** What the peer kept of it. */
  readonly counterpartySkimmedFee: Msat;
}

/** An HTLC of a channel, and with whom. @ldk lightning::events::HTLCLocator */
export interface HtlcLocator {
  readonly channelId: ChannelId;
  readonly amount: Msat;
  /** Absent in events of before it was told, as all that follows. */
  readonly htlcId?: bigint;
  readonly userChannelId?: bigint;
  readonly nodeId?: NodeId;
}

/** What was tried with an HTLC that failed. @ldk lightning::events::HTLCHandlingFailureType */
export type HtlcHandlingFailureType =
  | { readonly kind: "forward"; readonly nodeId?: NodeId; readonly channelId: ChannelId }
  /** The payer named no channel that we forward to; or, in a blinded path, no node. */
  | { readonly kind: "invalid-forward"; readonly requestedForwardScid?: ShortChannelId }
  | { readonly kind: "invalid-onion" }
  | { readonly kind: "receive"; readonly paymentHash: PaymentHash }
  | { readonly kind: "trampoline-forward" };

/** Who failed an HTLC. @ldk lightning::events::HTLCHandlingFailureReason */
export type HtlcHandlingFailureReason =
  /** A node behind us, for a reason that only the payer can read. */
  { readonly kind: "downstream" } | { readonly kind: "local"; readonly reason: LocalHtlcFailureReason };

/**
 * Why we failed an HTLC; the payer is told less. The names are LDK's, except for `forwarding-budget`: its peer has too
 * much in flight over the next channel (`UserConfig.forwardingBudget`).
 *
 * @ldk lightning::ln::onion_utils::LocalHTLCFailureReason
 */
export type LocalHtlcFailureReason =
  | "temporary-node-failure"
  | "invalid-onion-version"
  | "invalid-onion-hmac"
  | "invalid-onion-key"
  | "invalid-onion-payload"
  | "invalid-onion-blinding"
  | "temporary-channel-failure"
  | "unknown-next-peer"
  | "private-channel-forward"
  | "amount-below-minimum"
  | "fee-insufficient"
  | "incorrect-cltv-expiry"
  | "cltv-expiry-too-soon"
  | "outgoing-cltv-too-soon"
  | "cltv-expiry-too-far"
  | "forward-expiry-buffer"
  | "channel-disabled"
  | "channel-not-ready"
  | "channel-closed"
  | "peer-offline"
  | "on-chain-timeout"
  | "dust-limit-holder"
  | "dust-limit-counterparty"
  | "fee-spike-buffer"
  | "htlc-minimum"
  | "htlc-maximum"
  | "channel-balance-overdrawn"
  | "forwarding-budget"
  | "incorrect-payment-details"
  | "final-incorrect-cltv-expiry"
  | "final-incorrect-htlc-amount"
  | "mpp-timeout"
  | "required-node-feature"
  | "payment-claim-buffer"
  | "payment-secret-required"
  | "invalid-keysend-preimage";

/**
 * What a node tells its user. Events are stored with a rising index in the same batch as what caused them, and are
 * delivered at least once, until the index is acknowledged.
 *
 * @ldk lightning::events::Event
 */
export type Event =
  /**
   * Build a transaction that pays `channelValue` to `outputScript`, do not broadcast it, and call
   * `fundingTransactionGenerated`.
   */
  | {
      readonly kind: "funding-generation-ready";
      readonly temporaryChannelId: ChannelId;
      readonly counterparty: NodeId;
      readonly channelValue: Sat;
      readonly outputScript: Uint8Array;
      readonly userChannelId: bigint;
    }
  /** A peer wants to open a channel: `acceptInboundChannel` or `forceClose`. */
  | {
      readonly kind: "open-channel-request";
      readonly temporaryChannelId: ChannelId;
      readonly counterparty: NodeId;
      readonly funding: Sat;
      readonly pushed: Msat;
      readonly channelType: string;
      readonly announced: boolean;
    }
  /** Both sides signed; the funding transaction waits for confirmations. */
  | {
      readonly kind: "channel-pending";
      readonly channelId: ChannelId;
      readonly formerTemporaryChannelId: ChannelId;
      readonly counterparty: NodeId;
      readonly userChannelId: bigint;
      readonly funding: OutPoint;
    }
  | {
      readonly kind: "channel-ready";
      readonly channelId: ChannelId;
      readonly counterparty: NodeId;
      readonly userChannelId: bigint;
      readonly channelType: string;
    }
  | {
      readonly kind: "channel-closed";
      readonly channelId: ChannelId;
      readonly counterparty: NodeId;
      readonly userChannelId: bigint;
      readonly reason: ClosureReason;
      readonly capacity?: Sat;
      readonly lastLocalBalance?: Msat;
      readonly funding?: OutPoint;
    }
  /** A funding transaction will not be used: its inputs are free again. */
  | { readonly kind: "discard-funding"; readonly channelId: ChannelId; readonly funding: OutPoint }
  /**
   * All parts of a payment are here: `claimFunds` or `failHtlcBackwards` before `claimDeadline`. A notice: the truth is
   * `listClaimablePayments`.
   */
  | {
      readonly kind: "payment-claimable";
      readonly paymentHash: PaymentHash;
      readonly amount: Msat;
      readonly purpose: PaymentPurpose;
      readonly claimDeadline: number;
      readonly viaChannelIds: readonly ChannelId[];
      /** Us, or the phantom node. Absent, as all that follows, from events of before this was told. */
      readonly receiverNodeId?: NodeId;
      /** What peers kept of the payment (`acceptUnderpayingHtlcs`): `amount` is without it. */
      readonly counterpartySkimmedFee?: Msat;
      readonly onionFields?: ReceivedOnionFields;
      /** Another one if the same invoice is paid again. */
      readonly paymentId?: PaymentId;
    }
  | {
      readonly kind: "payment-claimed";
      readonly paymentHash: PaymentHash;
      readonly amount: Msat;
      readonly purpose: PaymentPurpose;
      readonly receiverNodeId?: NodeId;
      readonly htlcs?: readonly ClaimedHtlc[];
      readonly senderIntendedTotal?: Msat;
      readonly onionFields?: ReceivedOnionFields;
      readonly paymentId?: PaymentId;
    }
  | {
      readonly kind: "payment-sent";
      readonly paymentId: PaymentId;
      readonly paymentHash: PaymentHash;
      readonly preimage: Uint8Array;
      readonly amount: Msat;
      readonly feePaid: Msat;
    }
  | {
      readonly kind: "payment-failed";
      readonly paymentId: PaymentId;
      readonly paymentHash: PaymentHash;
      readonly reason: PaymentFailureReason;
    }
  | {
      readonly kind: "payment-path-successful";
      readonly paymentId: PaymentId;
      readonly paymentHash: PaymentHash;
      readonly path: PathFailure["path"];
      /** What has reached the end of the path. Absent from events of before it was told. */
      readonly finalValue?: Msat;
      /** Our channel that carried it, and what it took from there: `finalValue` and the fees. */
      readonly sent?: { readonly channelId: ChannelId; readonly amount: Msat };
      readonly holdTimes?: HoldTimeReport;
    }
  | ({ readonly kind: "payment-path-failed" } & PathFailure)
  /** A probe reached the end of its path: that amount could have been paid along it. */
  | {
      readonly kind: "probe-successful";
      readonly paymentId: PaymentId;
      readonly paymentHash: PaymentHash;
      readonly path: PathFailure["path"];
      /** What has reached the end of the path. Absent from events of before it was told. */
      readonly finalValue?: Msat;
    }
  | {
      readonly kind: "probe-failed";
      readonly paymentId: PaymentId;
      readonly paymentHash: PaymentHash;
      readonly path: PathFailure["path"];
      /** What was to reach the end of the path. Absent from events of before it was told. */
      readonly finalValue?: Msat;
      /** The channel that did not carry it, if the failure tells. */
      readonly shortChannelId?: ShortChannelId;
      readonly networkUpdate?: NetworkUpdate;
    }
  /**
   * A payment went through us, and its preimage has come back. `totalFeeEarned` is what the HTLCs that came in carry
   * more than those that went out, `skimmedFee` included; what the chain may cost is not taken off.
   */
  | {
      readonly kind: "payment-forwarded";
      readonly prevHtlcs: readonly HtlcLocator[];
      readonly nextHtlcs: readonly HtlcLocator[];
      readonly totalFeeEarned: Msat;
      /** What we kept beyond the forwarding fee, as the user chose in `forwardInterceptedHtlc`. */
      readonly skimmedFee?: Msat;
      /** The next peer claimed by a transaction. */
      readonly claimFromOnchainTx: boolean;
      readonly outboundAmountForwarded: Msat;
    }
  /** An HTLC that came in was failed back. */
  | {
      readonly kind: "htlc-handling-failed";
      readonly prevChannelIds: readonly ChannelId[];
      readonly paymentHash: PaymentHash;
      readonly failureType: HtlcHandlingFailureType;
      /** Absent in events of before it was told. */
      readonly failureReason?: HtlcHandlingFailureReason;
    }
  /**
   * An HTLC of a kind that `UserConfig.htlcInterceptionFlags` selects waits: `forwardInterceptedHtlc` or
   * `failInterceptedHtlc`, within seconds. Nobody has checked that it pays what its way asks for, unless
   * `requestedNextHopScid` is that of a channel. Told again after a restart as long as nothing was decided.
   */
  | {
      readonly kind: "htlc-intercepted";
      readonly interceptId: InterceptId;
      /**
       * What the payer calls the next hop: a channel's, one of `getInterceptScid`, or one that we do not know. Absent
       * when a blinded path names the next node instead.
       */
      readonly requestedNextHopScid?: ShortChannelId;
      readonly paymentHash: PaymentHash;
      readonly inboundAmount: Msat;
      /** What the payer wants to reach the next node. */
      readonly expectedOutboundAmount: Msat;
      /** Height from which the next peer may no longer be paid; forward well before. */
      readonly outgoingHtlcExpiryBlockHeight: number;
    }
  /**
   * A closed channel left outputs that are ours alone: to be spent to the wallet, when it suits, by `OutputSweeper` or
   * `KeysManager.spendSpendableOutputs`. Each is told of once, so store them before the event is acknowledged.
   */
  | {
      readonly kind: "spendable-outputs";
      readonly channelId: ChannelId;
      readonly counterparty: NodeId;
      readonly outputs: readonly SpendableOutputDescriptor[];
      /** The `ChainMonitor` told its sweeper of them, which may have seen them spent by now. */
      readonly isTracked?: boolean;
    };

/** An event and its place in the sequence of all events, from 1. */
export interface IndexedEvent {
  readonly index: number;
  readonly event: Event;
}
