import type { OutPoint } from "@fulmen/bitcoin/primitives";
import type { ChannelId, Msat, NodeId, PaymentHash, Sat, Txid } from "@fulmen/lightning/util";
import type { PaymentAttempt, PaymentFailure } from "./payments.ts";

/** What a node tells. New kinds may come: ignore what you do not know. */
export type NodeEvent =
  | {
      readonly kind: "payment-received";
      readonly paymentId: string;
      readonly paymentHash: PaymentHash;
      readonly amount: Msat;
    }
  /** A hold invoice was paid: `claim` or `failHeld` before the height of `claimDeadline`. */
  | {
      readonly kind: "payment-held";
      readonly paymentId: string;
      readonly paymentHash: PaymentHash;
      readonly amount: Msat;
      readonly claimDeadline: number;
    }
  | {
      readonly kind: "payment-sent";
      readonly paymentId: string;
      readonly paymentHash: PaymentHash;
      readonly amount: Msat;
      readonly fee: Msat;
    }
  | {
      readonly kind: "payment-failed";
      readonly paymentId: string;
      readonly paymentHash: PaymentHash;
      readonly failure: PaymentFailure;
    }
  | { readonly kind: "payment-attempt"; readonly paymentId: string; readonly attempt: PaymentAttempt }
  | {
      readonly kind: "payment-forwarded";
      readonly from: readonly ChannelId[];
      readonly to: readonly ChannelId[];
      readonly amount: Msat;
      readonly fee: Msat;
    }
  /** An HTLC that came in was failed back. */
  | {
      readonly kind: "forward-failed";
      readonly from: readonly ChannelId[];
      readonly paymentHash: PaymentHash;
      readonly reason: PaymentFailure;
    }
  | {
      readonly kind: "channel-pending";
      readonly channelId: ChannelId;
      readonly peer: NodeId;
      readonly funding: OutPoint;
    }
  | { readonly kind: "channel-ready"; readonly channelId: ChannelId; readonly peer: NodeId }
  /** `reason.code` is the tag of `ClosureReason`. */
  | {
      readonly kind: "channel-closed";
      readonly channelId: ChannelId;
      readonly peer: NodeId;
      readonly reason: PaymentFailure;
      readonly capacity?: Sat;
      readonly local?: Msat;
    }
  /** A peer wanted to open a channel, and was refused. */
  | {
      readonly kind: "channel-refused";
      readonly peer: NodeId;
      readonly funding: Sat;
      readonly reason: string;
    }
  /** Money of a closed channel is final and goes to the wallet. */
  | { readonly kind: "close-settled"; readonly channelId: ChannelId; readonly amount: Sat }
  /** The wallet got or spent coins, by a transaction that was first seen or first confirmed. */
  | {
      readonly kind: "onchain-transaction";
      readonly txid: Txid;
      /** Satoshis, below zero when they went out. */
      readonly change: bigint;
      readonly height?: number;
    };

/** An event with its place. */
export interface StoredNodeEvent {
  /** Counts up, never given twice, the same for every reader and after every restart. */
  readonly index: number;
  /** Seconds since 1970. */
  readonly at: number;
  readonly event: NodeEvent;
}

export interface EventQuery {
  /** Events behind this index: the last one that was dealt with. Default: those from now on. */
  readonly after?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}
