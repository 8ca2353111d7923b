import type { PaymentFailureReason } from "../handlers/event.ts";
import type { RouteHintHop } from "../routing/route.ts";
import type { NodeId, PaymentHash, PaymentId, ShortChannelId } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";

/** Whom a payment of ours pays, and how. Enough to try again after a restart. */
export interface PaymentTerms {
  readonly paymentHash: PaymentHash;
  readonly payee: NodeId;
  /** What reaches the payee. */
  readonly amount: Msat;
  /** The invoice's secret; absent for a spontaneous payment. */
  readonly paymentSecret?: Uint8Array;
  readonly paymentMetadata?: Uint8Array;
  /** Set for a spontaneous payment. */
  readonly preimage?: Uint8Array;
  readonly finalCltvExpiryDelta: number;
  readonly routeHints: readonly (readonly RouteHintHop[])[];
  readonly maxFee: Msat;
  /** Seconds since 1970 from which the payment is not tried again; absent when it never lapses. */
  readonly expiresAt?: number;
}

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
  /** Channels at which a part failed. */
  readonly failedChannels: readonly ShortChannelId[];
  /** Ticks since the payment ended with no HTLC left; the record goes after seven. */
  readonly ticksSinceEnd: number;
}

/** Whether HTLCs of the payment may still be offered. */
export function mayRetry(payment: OutboundPayment, now: number): boolean {
  const { status, attemptsLeft, terms } = payment;
  return (
    status.kind === "pending" && attemptsLeft > 0 && (terms.expiresAt === undefined || now < terms.expiresAt)
  );
}

/** Ticks for which the id of an ended payment stays taken. @ldk IDEMPOTENCY_TIMEOUT_TICKS */
export const idempotencyTicks = 7;
