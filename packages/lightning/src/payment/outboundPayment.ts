import type { HtlcRef } from "../channel/disposition.ts";
import type { PaymentFailureReason } from "../handlers/event.ts";
import type { Route, RouteParameters } from "../routing/route.ts";
import type { Point } from "../util/bytes.ts";
import type { NodeId, PaymentHash, PaymentId, ShortChannelId } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import type { RecipientOnionFields } from "./recipientOnion.ts";

/** What one trampoline node is given for its part of the way. */
export interface GivenTrampolineStep {
  readonly nodeId: NodeId;
  readonly fee: Msat;
  /** In blocks. */
  readonly cltvExpiryDelta: number;
}

/** The onion within the onion, for the trampoline node that the route leads to: BOLT 4, "Trampoline Payments". */
export interface TrampolineTerms {
  readonly packet: Uint8Array;
  /** For that node, when the payment is relayed within a blinded path. */
  readonly pathKey?: Point;
  /** Of a payment of ours; a relayed one's packet is its payer's. */
  readonly own?: {
    /** The inner onion's: reads what trampoline nodes answer. */
    readonly sessionKey: Uint8Array;
    /** The trampoline nodes in their order, the payee last. */
    readonly nodeIds: readonly NodeId[];
    /** What the trampoline nodes are given beside what the payee gets. */
    readonly fees: Msat;
    /**
     * Of what the onion was made, so that another one can give more. Absent in records of old, and along given ways.
     */
    readonly plan?: {
      readonly steps: readonly GivenTrampolineStep[];
      /** What the payee is paid, without trampoline nodes. */
      readonly terms: PaymentTerms;
    };
  };
}

/** What a trampoline node asks for its part of the way (BOLT 4, `trampoline_fee_or_expiry_insufficient`). */
export interface TrampolineDemand {
  /** Its place among the trampoline nodes, from 0. */
  readonly index: number;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

/** What a payment is relayed for. */
export interface RelayTerms {
  /** The incoming HTLCs that pay for it. */
  readonly incoming: readonly HtlcRef[];
  /** The last expiry that an HTLC of ours may have. */
  readonly latestExpiry: number;
  /** The expiry that the next trampoline node is to be offered; absent when blinded paths lead on. */
  readonly outgoingCltv?: number;
}

/** Whom a payment of ours pays, and how. Enough to try again after a restart. */
export interface PaymentTerms {
  readonly paymentHash: PaymentHash;
  readonly recipientOnion: RecipientOnionFields;
  /** Set for a spontaneous payment: it travels in the onion (bLIP 3). */
  readonly preimage?: Uint8Array;
  readonly trampoline?: TrampolineTerms;
  /** The payment is somebody else's: its user never hears of it. */
  readonly relay?: RelayTerms;
  /** All that a route must keep to. */
  readonly routeParameters: RouteParameters;
}

/** How long failed parts are tried again. @ldk lightning::ln::outbound_payment::Retry */
export type Retry =
  /** So many times, after the first. */
  | { readonly kind: "attempts"; readonly count: number }
  /** For so many seconds. Time is what the manager was told of last: it moves about once a minute. */
  | { readonly kind: "timeout"; readonly seconds: number };

/**
 * A payment of ours. Its parts are the outgoing HTLCs whose source names it; this record has what they do not.
 *
 * @ldk lightning::ln::outbound_payment::PendingOutboundPayment
 */
export interface OutboundPayment {
  readonly paymentId: PaymentId;
  readonly terms: PaymentTerms;
  readonly status:
    | { readonly kind: "pending" }
    /** No new part is tried; HTLCs may still be under way. */
    | { readonly kind: "abandoned"; readonly reason: PaymentFailureReason }
    | { readonly kind: "fulfilled"; readonly preimage: Uint8Array; readonly feePaid: Msat }
    | { readonly kind: "failed"; readonly reason: PaymentFailureReason };
  readonly attemptsLeft: number;
  /** Seconds since 1970 from which nothing is tried again. */
  readonly retryUntil?: number;
  /** The only ways to take, when the user gave them. */
  readonly route?: Route;
  /** Channels at which a part failed. */
  readonly failedChannels: readonly ShortChannelId[];
  /** Nodes that failed a part for their own sake. */
  readonly failedNodes: readonly NodeId[];
  /** Blinded paths, by their index, within which a part failed. */
  readonly failedBlindedPaths: readonly number[];
  /** Ticks since the payment ended with no HTLC left; the record goes after seven. */
  readonly ticksSinceEnd: number;
}

/** Most attempts of a payment that is tried for a time: a route that is refused at once must not keep us busy. */
const mostAttempts = 100;

/** How a payment is to be tried. */
export interface PaymentPlan {
  readonly retry: Retry;
  /** Seconds since 1970. */
  readonly now: number;
  /** The only ways to take. */
  readonly route?: Route;
}

/** A payment before its first attempt. */
export function newPayment(
  paymentId: PaymentId,
  terms: PaymentTerms,
  { retry, now, route }: PaymentPlan,
): OutboundPayment {
  const { paymentParameters } = terms.routeParameters;
  return {
    paymentId,
    terms,
    status: { kind: "pending" },
    ...attemptsOf(retry, now),
    ...(route && { route }),
    failedChannels: paymentParameters.previouslyFailedChannels,
    failedNodes: paymentParameters.previouslyFailedNodes,
    failedBlindedPaths: paymentParameters.previouslyFailedBlindedPathIndexes,
    ticksSinceEnd: 0,
  };
}

/** The attempts and the end of them that `retry` stands for, from `now` on. */
function attemptsOf(retry: Retry, now: number): Pick<OutboundPayment, "attemptsLeft" | "retryUntil"> {
  return retry.kind === "attempts"
    ? { attemptsLeft: Math.min(retry.count + 1, 0xffff_ffff) }
    : { attemptsLeft: mostAttempts, retryUntil: now + retry.seconds };
}

/** Whether the invoice has lapsed. */
export function isExpired({ terms }: OutboundPayment, now: number): boolean {
  const { expiryTime } = terms.routeParameters.paymentParameters;
  return expiryTime !== undefined && now >= expiryTime;
}

/** Whether HTLCs of the payment may still be offered. */
export function mayRetry(payment: OutboundPayment, now: number): boolean {
  const { status, attemptsLeft, retryUntil } = payment;
  return status.kind === "pending" && attemptsLeft > 0 && (retryUntil === undefined || now <= retryUntil);
}

/** Ticks for which the id of an ended payment stays taken. @ldk IDEMPOTENCY_TIMEOUT_TICKS */
export const idempotencyTicks = 7;
