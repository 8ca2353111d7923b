import type { HtlcSource } from "../channel/disposition.ts";
import type { Event, PaymentFailureReason } from "../handlers/event.ts";
import type { Route } from "../routing/route.ts";
import type { PaymentId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, minus, minusOrZero, plus, sum, zeroMsat } from "../util/units.ts";
import { blameOf, type FailedRemoval, firstHopBlame, fulfillHoldTimes } from "./blame.ts";
import { idempotencyTicks, type OutboundPayment, type PaymentTerms } from "./outboundPayment.ts";
import { type PaymentPart, partOf } from "./paymentPart.ts";

export type LocalSource = Extract<HtlcSource, { readonly kind: "local" }>;

/** Why a payment is not even begun. @ldk lightning::ln::outbound_payment::RetryableSendFailure */
export type SendRefusal =
  | { readonly kind: "duplicate-payment"; readonly text: string }
  | { readonly kind: "payment-expired"; readonly text: string }
  | { readonly kind: "onion-too-large"; readonly text: string };

/** A payment that is under way, and how many HTLCs carry it. */
interface Tracked {
  payment: OutboundPayment;
  /** Amounts that reach the payee, by part; a part is an HTLC that is offered or on its way to be. */
  inFlight: Msat[];
  feesInFlight: Msat;
}

/**
 * All payments of ours: the key is the `PaymentId`, and a second send with the same one is refused as long as the
 * first is remembered. What it decides it hands out through `takeEvents`, `takeRetries` and `takeChanged`.
 *
 * @ldk lightning::ln::outbound_payment::OutboundPayments
 */
export class OutboundPayments {
  readonly #payments = new Map<PaymentId, Tracked>();
  #events: Event[] = [];
  #changed = new Set<PaymentId>();
  #retries = new Set<PaymentId>();
  /** Payments that lost a part with a connection, until they have been tried again. */
  readonly #interrupted = new Set<PaymentId>();

  /** Takes in a payment that was stored, and the sources of its HTLCs that are still there. */
  restore(
    payment: OutboundPayment,
    parts: readonly { readonly source: LocalSource; readonly amount: Msat }[],
  ): void {
    const inFlight = parts.map(({ source }) => source.amount);
    const fees = sum(parts.map(({ source, amount }) => minus(amount, source.amount)));
    this.#payments.set(payment.paymentId, { payment, inFlight, feesInFlight: fees });
    if (parts.length === 0) this.#interrupt(payment.paymentId);
  }

  get(paymentId: PaymentId): OutboundPayment | undefined {
    return this.#payments.get(paymentId)?.payment;
  }

  list(): readonly OutboundPayment[] {
    return [...this.#payments.values()].map(({ payment }) => payment);
  }

  /** Begins a payment: the id is taken from now on. */
  begin(
    paymentId: PaymentId,
    terms: PaymentTerms,
    how: { readonly attempts: number; readonly now: number },
  ): Result<OutboundPayment, SendRefusal> {
    if (this.#payments.has(paymentId)) {
      return err({ kind: "duplicate-payment", text: `payment ${paymentId} was begun before` });
    }
    if (terms.expiresAt !== undefined && how.now >= terms.expiresAt) {
      return err({
        kind: "payment-expired",
        text: `the invoice expired at ${terms.expiresAt}, it is ${how.now}`,
      });
    }
    const payment: OutboundPayment = {
      paymentId,
      terms,
      status: { kind: "pending" },
      attemptsLeft: how.attempts,
      failedChannels: [],
      ticksSinceEnd: 0,
    };
    this.#payments.set(paymentId, { payment, inFlight: [], feesInFlight: zeroMsat });
    this.#changed.add(paymentId);
    return ok(payment);
  }

  /** The HTLCs of one attempt. `height` is the best block's; one session key of 32 random bytes for each path. */
  partsOf(
    payment: OutboundPayment,
    route: Route,
    at: { readonly height: number; readonly sessionKeys: readonly Uint8Array[] },
  ): Result<readonly PaymentPart[], SendRefusal> {
    const parts: PaymentPart[] = [];
    for (const [i, path] of route.paths.entries()) {
      const sessionKey = present(at.sessionKeys[i], "a session key for each path");
      const part = partOf(payment, path, { height: at.height, sessionKey });
      if (!part.ok) return part;
      parts.push(part.value);
    }
    return ok(parts);
  }

  /** The channel took a part: it is under way. */
  partSent(paymentId: PaymentId, part: PaymentPart): void {
    const tracked = present(this.#payments.get(paymentId), "a payment whose part was sent");
    const source = part.htlc.source;
    if (source.kind !== "local") return;
    tracked.inFlight.push(source.amount);
    tracked.feesInFlight = plus(tracked.feesInFlight, minus(part.htlc.amount, source.amount));
  }

  /** What no HTLC carries yet, and the fee that may still be spent on it. */
  remaining(paymentId: PaymentId): { readonly amount: Msat; readonly maxFee: Msat } {
    const { payment, inFlight, feesInFlight } = present(this.#payments.get(paymentId), "a payment");
    const { amount, maxFee } = payment.terms;
    return { amount: minusOrZero(amount, sum(inFlight)), maxFee: minusOrZero(maxFee, feesInFlight) };
  }

  /** An attempt is used up. */
  attempted(paymentId: PaymentId): void {
    this.#interrupted.delete(paymentId);
    this.#update(paymentId, (payment) => ({
      ...payment,
      attemptsLeft: Math.max(0, payment.attemptsLeft - 1),
    }));
  }

  /** A preimage: the payee has been paid, whatever the other parts do. The first one counts. */
  fulfilled(source: LocalSource, preimage: Uint8Array): void {
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined || tracked.payment.status.kind === "fulfilled") return;
    const { paymentId, terms } = tracked.payment;
    const feePaid = tracked.feesInFlight;
    this.#update(paymentId, (payment) => ({ ...payment, status: { kind: "fulfilled", preimage, feePaid } }));
    const { paymentHash, amount } = terms;
    this.#events.push({ kind: "payment-sent", paymentId, paymentHash, preimage, amount, feePaid });
    this.#retries.delete(paymentId);
    this.#interrupted.delete(paymentId);
  }

  /** A fulfilled part's HTLC is gone for good; `attribution` data came with the preimage, if a peer showed it. */
  settled(source: LocalSource, htlcAmount: Msat, attribution?: Uint8Array): void {
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return;
    this.#removePart(tracked, source, htlcAmount);
    const { paymentId, terms } = tracked.payment;
    this.#events.push({
      kind: "payment-path-successful",
      paymentId,
      paymentHash: terms.paymentHash,
      path: source.path,
      ...told(fulfillHoldTimes(source, attribution)),
    });
  }

  /** A part failed for good; `removal` is the packet that came back, or what the first peer said of a malformed onion. */
  failed(source: LocalSource, htlcAmount: Msat, removal: FailedRemoval | "first-hop"): void {
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return;
    this.#removePart(tracked, source, htlcAmount);
    const { paymentId, terms } = tracked.payment;
    const blame = removal === "first-hop" ? firstHopBlame(source) : blameOf(source, removal);
    const shortChannelId = blame.shortChannelId;
    if (shortChannelId !== undefined) {
      this.#update(paymentId, (payment) => ({
        ...payment,
        failedChannels: [...payment.failedChannels, shortChannelId].slice(-100),
      }));
    }
    this.#events.push({
      kind: "payment-path-failed",
      paymentId,
      paymentHash: terms.paymentHash,
      path: source.path,
      paymentFailedPermanently: blame.byRecipient,
      ...(shortChannelId !== undefined && { shortChannelId }),
      ...(blame.failureCode !== undefined && { failureCode: blame.failureCode }),
      ...(blame.failureName !== undefined && { failureName: blame.failureName }),
      ...told(blame.holdTimes),
    });
    // One that is given up already still has to learn that this was its last part.
    const givenUp = blame.byRecipient && this.abandon(paymentId, "recipient-rejected");
    if (!givenUp) this.#withoutParts(paymentId);
  }

  /** A part was never signed, since the connection went away before: it is tried again once there is a way. */
  dropped(source: LocalSource, htlcAmount: Msat): void {
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return;
    this.#removePart(tracked, source, htlcAmount);
    this.#interrupt(source.paymentId);
  }

  /** Whether the payment waits for channels to be usable again rather than fail for want of a route. */
  isInterrupted(paymentId: PaymentId): boolean {
    return this.#interrupted.has(paymentId);
  }

  /** There may be a way that there was not before. */
  channelsChanged(): void {
    for (const paymentId of this.#interrupted) this.#retries.add(paymentId);
  }

  /** No further part is tried; the payment fails once the last one has. */
  abandon(paymentId: PaymentId, reason: PaymentFailureReason): boolean {
    const tracked = this.#payments.get(paymentId);
    if (tracked === undefined || tracked.payment.status.kind !== "pending") return false;
    this.#update(paymentId, (payment) => ({ ...payment, status: { kind: "abandoned", reason } }));
    this.#retries.delete(paymentId);
    this.#interrupted.delete(paymentId);
    this.#withoutParts(paymentId);
    return true;
  }

  /** Forgets payments that ended long enough ago, and looks whether those that wait have expired. */
  tick(): void {
    this.channelsChanged();
    for (const [paymentId, { payment, inFlight }] of this.#payments) {
      const ended = payment.status.kind === "fulfilled" || payment.status.kind === "failed";
      if (!ended || inFlight.length > 0) continue;
      if (payment.ticksSinceEnd >= idempotencyTicks) {
        this.#payments.delete(paymentId);
        this.#changed.add(paymentId);
      } else {
        this.#update(paymentId, (ending) => ({ ...ending, ticksSinceEnd: ending.ticksSinceEnd + 1 }));
      }
    }
  }

  takeEvents(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  get hasRetries(): boolean {
    return this.#retries.size > 0;
  }

  /** Payments to try again now. */
  takeRetries(): readonly PaymentId[] {
    const retries = [...this.#retries];
    this.#retries.clear();
    return retries;
  }

  /** Payments whose record must be written, or deleted when `undefined`. */
  takeChanged(): ReadonlyMap<PaymentId, OutboundPayment | undefined> {
    const changed = new Map([...this.#changed].map((id) => [id, this.get(id)]));
    this.#changed.clear();
    return changed;
  }

  #update(paymentId: PaymentId, change: (payment: OutboundPayment) => OutboundPayment): void {
    const tracked = present(this.#payments.get(paymentId), "a payment to update");
    tracked.payment = change(tracked.payment);
    this.#changed.add(paymentId);
  }

  #removePart(tracked: Tracked, source: LocalSource, htlcAmount: Msat): void {
    const index = tracked.inFlight.indexOf(source.amount);
    if (index < 0) return;
    tracked.inFlight.splice(index, 1);
    tracked.feesInFlight = minus(tracked.feesInFlight, minus(htlcAmount, source.amount));
  }

  #interrupt(paymentId: PaymentId): void {
    if (this.get(paymentId)?.status.kind === "pending") this.#interrupted.add(paymentId);
    this.#withoutParts(paymentId);
  }

  /** With no part left, a pending payment is tried again or fails, and an abandoned one fails. */
  #withoutParts(paymentId: PaymentId): void {
    const tracked = present(this.#payments.get(paymentId), "a payment");
    const { payment, inFlight } = tracked;
    if (payment.status.kind === "pending") {
      this.#retries.add(paymentId);
      return;
    }
    if (payment.status.kind !== "abandoned" || inFlight.length > 0) return;
    this.#fail(paymentId, payment.status.reason);
  }

  #fail(paymentId: PaymentId, reason: PaymentFailureReason): void {
    this.#update(paymentId, (payment) => ({ ...payment, status: { kind: "failed", reason } }));
    const { paymentHash } = present(this.get(paymentId), "a payment").terms;
    this.#events.push({ kind: "payment-failed", paymentId, paymentHash, reason });
  }
}

function told(holdTimes: readonly number[]): { readonly holdTimes?: readonly number[] } {
  return holdTimes.length > 0 ? { holdTimes } : {};
}
