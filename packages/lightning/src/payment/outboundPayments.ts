import type { Event, PaymentFailureReason } from "../handlers/event.ts";
import type { InFlightHtlcs } from "../routing/route.ts";
import type { ChannelId, PaymentHash, PaymentId } from "../util/ids.ts";
import { invariant, present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, minusOrZero, plus, zeroMsat } from "../util/units.ts";
import { type Blame, blameOf, type FailedRemoval, firstHopBlame, fulfillHoldTimes } from "./blame.ts";
import { LiquidityInFlight, type LocalSource, type PartInFlight, PartsInFlight } from "./inFlightParts.ts";
import {
  idempotencyTicks,
  isExpired,
  type OutboundPayment,
  type PaymentTerms,
  type TrampolineDemand,
} from "./outboundPayment.ts";
import { Probes } from "./probes.ts";

/** Why a payment is not even begun. @ldk lightning::ln::outbound_payment::RetryableSendFailure */
export type SendRefusal =
  | { readonly kind: "duplicate-payment"; readonly text: string }
  | { readonly kind: "payment-expired"; readonly text: string };

/**
 * What failed about an outgoing HTLC of ours: the packet that came back, or that our own channel or peer did not take
 * it.
 */
export type PartFailure =
  | { readonly kind: "packet"; readonly removal: FailedRemoval }
  | { readonly kind: "first-hop" }
  /** Our channel did not take the part, beside others of the same attempt that it took: it may take another one. */
  | { readonly kind: "limits" };

/** An outgoing HTLC as its channel knows it. */
export interface SentHtlc {
  readonly paymentHash: PaymentHash;
  readonly amount: Msat;
}

/** What is remembered of a payment, as its user sees it. @ldk lightning::ln::channelmanager::RecentPaymentDetails */
export type RecentPaymentDetails = { readonly paymentId: PaymentId; readonly paymentHash: PaymentHash } & (
  | {
      readonly kind: "pending";
      /** What the recipient is to get. */
      readonly totalAmount: Msat;
      /** How much of it is under way, by how many parts, and the fees of these. */
      readonly amountInFlight: Msat;
      readonly partsInFlight: number;
      readonly feesInFlight: Msat;
    }
  /** It was given up; parts may still be under way, and even succeed. */
  | { readonly kind: "abandoned"; readonly reason: PaymentFailureReason; readonly partsInFlight: number }
  | { readonly kind: "fulfilled"; readonly preimage: Uint8Array; readonly feePaid: Msat }
  | { readonly kind: "failed"; readonly reason: PaymentFailureReason }
);

interface Tracked {
  payment: OutboundPayment;
  readonly parts: PartsInFlight;
  /** Of a relayed payment: what a trampoline node behind its end has to say to the payer. */
  beyond?: Uint8Array;
  /** A trampoline node asks for more: the payment is tried again on other terms once nothing of it is under way. */
  demand?: TrampolineDemand | undefined;
  /** Of a relayed payment: why there was no way for it. */
  noWay?: NoWay;
}

/** Why there is no way on for what is relayed. */
export type NoWay =
  /** The next node is unknown. */
  | { readonly kind: "unknown-next" }
  /** There is one, which takes these fees in all, and whose first HTLC expires then at the latest. */
  | { readonly kind: "dearer"; readonly fee: Msat; readonly firstExpiry: number };

/** A payment that was relayed, and failed. */
export interface FailedRelay {
  readonly paymentId: PaymentId;
  /** For the payer, from a trampoline node behind the next one. */
  readonly beyond: Uint8Array | undefined;
  readonly noWay?: NoWay | undefined;
}

/** Failed channels, nodes and blinded paths that a payment remembers of each. */
const mostRemembered = 100;

/** Two to three minutes: a peer is back by then, or not for long. */
const ticksToWait = 3;

/**
 * All payments of ours: the key is the `PaymentId`, and a second send with the same one is refused as long as the
 * first is remembered. What it decides it hands out through `takeEvents`, `takeRetries` and `takeChanged`.
 *
 * @ldk lightning::ln::outbound_payment::OutboundPayments
 */
export class OutboundPayments {
  readonly probes: Probes;
  readonly #payments = new Map<PaymentId, Tracked>();
  readonly #liquidity = new LiquidityInFlight();
  #events: Event[] = [];
  #changed = new Set<PaymentId>();
  #retries = new Set<PaymentId>();
  #failedRelays: FailedRelay[] = [];
  /** Payments that lost a part with a connection, until they have been tried again; and the ticks since then. */
  readonly #interrupted = new Map<PaymentId, number>();

  /** `probeSecret`: 32 bytes that stay the same over restarts. */
  constructor(probeSecret: Uint8Array) {
    this.probes = new Probes(probeSecret);
  }

  /** Takes in a payment that was stored; its HTLCs that are still there come by `partSent`. */
  restore(payment: OutboundPayment): void {
    this.#payments.set(payment.paymentId, { payment, parts: new PartsInFlight() });
  }

  /** After a restart: what was not signed has gone. */
  restored(): void {
    for (const { payment, parts } of this.#payments.values()) {
      if (parts.amount < payment.terms.routeParameters.finalValue) this.#interrupt(payment.paymentId);
    }
  }

  get(paymentId: PaymentId): OutboundPayment | undefined {
    return this.#payments.get(paymentId)?.payment;
  }

  list(): readonly RecentPaymentDetails[] {
    const own = [...this.#payments.values()].filter(({ payment }) => payment.terms.relay === undefined);
    return own.map(detailsOf);
  }

  /** Payments of others that pass through us. */
  relayed(): readonly OutboundPayment[] {
    const all = [...this.#payments.values()].map(({ payment }) => payment);
    return all.filter(({ terms }) => terms.relay !== undefined);
  }

  /** What our HTLCs under way, probes too, take of others' channels. @ldk ChannelManager::compute_inflight_htlcs */
  inFlightHtlcs(): readonly InFlightHtlcs[] {
    return this.#liquidity.list();
  }

  /** Begins a payment: the id is taken from now on. */
  begin(payment: OutboundPayment, now: number): Result<OutboundPayment, SendRefusal> {
    const { paymentId, terms } = payment;
    if (this.#payments.has(paymentId)) {
      const text = `payment ${paymentId} was begun before: look it up among the recent payments, or use another id`;
      return err({ kind: "duplicate-payment", text });
    }
    if (isExpired(payment, now)) {
      const { expiryTime } = terms.routeParameters.paymentParameters;
      const text = `the invoice expired at ${expiryTime}, it is ${now}: ask for a new one`;
      return err({ kind: "payment-expired", text });
    }
    this.#payments.set(paymentId, { payment, parts: new PartsInFlight() });
    this.#changed.add(paymentId);
    if (terms.relay !== undefined) {
      // Like a forward, it waits a moment for channels that are not in step just now.
      this.#interrupted.set(paymentId, 0);
      this.#retries.add(paymentId);
    }
    return ok(payment);
  }

  /** The channel is asked to take a part, of a payment or a probe: it is under way. */
  partSent(source: LocalSource, { amount, paymentHash }: SentHtlc): void {
    const part: PartInFlight = { source, htlcAmount: amount };
    const parts = this.#isProbe(source, paymentHash)
      ? this.probes.inFlight
      : this.#payments.get(source.paymentId)?.parts;
    if (parts === undefined) return;
    parts.add(part);
    this.#liquidity.add(part);
  }

  /** The parts of a payment that are under way. */
  partsInFlight(paymentId: PaymentId): Iterable<PartInFlight> {
    return this.#payments.get(paymentId)?.parts.values() ?? [];
  }

  /** What no HTLC carries yet, and the fee that may still be spent on it. */
  remaining(paymentId: PaymentId): { readonly amount: Msat; readonly maxFee: Msat } {
    const { payment, parts } = present(this.#payments.get(paymentId), "a payment");
    const { finalValue, maxFee } = payment.terms.routeParameters;
    return { amount: minusOrZero(finalValue, parts.amount), maxFee: minusOrZero(maxFee, parts.fees) };
  }

  /** An attempt is used up, unless it only makes good for what a lost connection took. */
  attempted(paymentId: PaymentId): void {
    if (this.#interrupted.delete(paymentId)) return;
    this.#update(paymentId, (payment) => ({
      ...payment,
      attemptsLeft: Math.max(0, payment.attemptsLeft - 1),
    }));
  }

  /** A preimage: the payee has been paid, whatever the other parts do. The first one counts: whether it was that. */
  fulfilled(source: LocalSource, preimage: Uint8Array): boolean {
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return false;
    const { paymentId, terms, status } = tracked.payment;
    if (status.kind === "fulfilled") return false;
    const ownFees = terms.trampoline?.own?.fees ?? zeroMsat;
    const feePaid = plus(tracked.parts.fees, ownFees);
    this.#update(paymentId, (payment) => ({ ...payment, status: { kind: "fulfilled", preimage, feePaid } }));
    const { paymentHash, routeParameters } = terms;
    const amount = minusOrZero(routeParameters.finalValue, ownFees);
    this.#tell(terms, { kind: "payment-sent", paymentId, paymentHash, preimage, amount, feePaid });
    this.#retries.delete(paymentId);
    this.#interrupted.delete(paymentId);
    return true;
  }

  /** A fulfilled part's HTLC is gone for good; `attribution` data came with the preimage, if a peer showed it. */
  settled(
    source: LocalSource,
    { paymentHash, amount, channelId }: SentHtlc & { readonly channelId?: ChannelId },
    attribution?: Uint8Array,
  ): void {
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return;
    this.#removePart(tracked.parts, source);
    const { paymentId, terms } = tracked.payment;
    this.#tell(terms, {
      kind: "payment-path-successful",
      paymentId,
      paymentHash,
      path: source.path,
      finalValue: source.amount,
      ...(channelId && { sent: { channelId, amount } }),
      ...told(fulfillHoldTimes(source, attribution)),
    });
  }

  /** A part, or a probe, failed for good. */
  failed(source: LocalSource, htlc: SentHtlc, failure: PartFailure): void {
    const trampoline = this.get(source.paymentId)?.terms.trampoline;
    const blame =
      failure.kind === "packet" ? blameOf(source, failure.removal, trampoline) : firstHopBlame(source);
    if (this.#isProbe(source, htlc.paymentHash)) {
      this.#removePart(this.probes.inFlight, source);
      this.#events.push(this.probes.endOf(source, blame));
      return;
    }
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return;
    this.#removePart(tracked.parts, source);
    const { paymentId, terms } = tracked.payment;
    if (failure.kind !== "limits") this.#remember(paymentId, source, blame);
    const { shortChannelId, failureCode, failureName, networkUpdate } = blame;
    if (blame.beyond !== undefined) tracked.beyond ??= blame.beyond;
    if (blame.demand !== undefined) tracked.demand = blame.demand;
    this.#tell(terms, {
      kind: "payment-path-failed",
      paymentId,
      paymentHash: terms.paymentHash,
      path: source.path,
      finalValue: source.amount,
      paymentFailedPermanently: blame.byRecipient,
      ...(shortChannelId !== undefined && { shortChannelId }),
      ...(networkUpdate && { networkUpdate }),
      ...(failureCode !== undefined && { failureCode }),
      ...(failureName !== undefined && { failureName }),
      ...told(blame.holdTimes),
    });
    // One that is given up already still has to learn that this was its last part.
    const reason = blame.byRecipient ? "recipient-rejected" : "route-not-found";
    const givenUp = (blame.byRecipient || blame.stuck === true) && this.abandon(paymentId, reason);
    if (!givenUp) this.#withoutParts(paymentId);
  }

  /**
   * A part was never signed. When that is since the connection went away before (`isInterrupted`), it is tried again
   * once there is a way, and costs no attempt.
   */
  dropped(source: LocalSource, htlc: SentHtlc, isInterrupted: boolean): void {
    if (this.#isProbe(source, htlc.paymentHash) || !isInterrupted) {
      this.failed(source, htlc, { kind: "first-hop" });
      return;
    }
    const tracked = this.#payments.get(source.paymentId);
    if (tracked === undefined) return;
    this.#removePart(tracked.parts, source);
    this.#interrupt(source.paymentId);
  }

  /** Whether the payment waits for channels to be usable again rather than fail for want of a route. */
  isInterrupted(paymentId: PaymentId): boolean {
    return this.#interrupted.has(paymentId);
  }

  /** What a trampoline node asks before the payment may be tried again. */
  demand(paymentId: PaymentId): TrampolineDemand | undefined {
    return this.#payments.get(paymentId)?.demand;
  }

  /**
   * What is left of the payment is tried on other terms: those that a trampoline node asked for. Nothing is under way.
   */
  revise(paymentId: PaymentId, terms: PaymentTerms): OutboundPayment {
    const tracked = present(this.#payments.get(paymentId), "a payment to revise");
    invariant(tracked.parts.size === 0, "parts of the former terms are under way");
    tracked.demand = undefined;
    this.#update(paymentId, (payment) => ({ ...payment, terms }));
    return tracked.payment;
  }

  /** There may be a way that there was not before. */
  channelsChanged(): void {
    for (const paymentId of this.#interrupted.keys()) this.#retries.add(paymentId);
  }

  /**
   * No further part is tried; the payment fails once the last one has. `noWay`: of a relayed one, what its payer is
   * told.
   */
  abandon(paymentId: PaymentId, reason: PaymentFailureReason, noWay?: NoWay): boolean {
    const tracked = this.#payments.get(paymentId);
    if (tracked === undefined || tracked.payment.status.kind !== "pending") return false;
    if (noWay !== undefined) tracked.noWay = noWay;
    this.#update(paymentId, (payment) => ({ ...payment, status: { kind: "abandoned", reason } }));
    this.#retries.delete(paymentId);
    this.#interrupted.delete(paymentId);
    this.#withoutParts(paymentId);
    return true;
  }

  /**
   * Forgets payments that ended long enough ago, unless the user has still to hear of it (`untold`), and looks whether
   * those that wait have expired, or have waited for long enough.
   */
  tick(untold: ReadonlySet<PaymentId>): void {
    this.channelsChanged();
    for (const [paymentId, ticks] of this.#interrupted) {
      if (ticks + 1 < ticksToWait) this.#interrupted.set(paymentId, ticks + 1);
      else this.#interrupted.delete(paymentId);
    }
    for (const [paymentId, { payment, parts }] of this.#payments) {
      const ended = payment.status.kind === "fulfilled" || payment.status.kind === "failed";
      if (!ended || parts.size > 0 || untold.has(paymentId)) continue;
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

  /** Relayed payments that failed since the last call. */
  takeFailedRelays(): readonly FailedRelay[] {
    const failed = this.#failedRelays;
    this.#failedRelays = [];
    return failed;
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

  /** The probes' ids are random: none is a payment's. */
  #isProbe({ paymentId }: LocalSource, paymentHash: PaymentHash): boolean {
    return !this.#payments.has(paymentId) && this.probes.isProbe(paymentId, paymentHash);
  }

  #update(paymentId: PaymentId, change: (payment: OutboundPayment) => OutboundPayment): void {
    const tracked = present(this.#payments.get(paymentId), "a payment to update");
    tracked.payment = change(tracked.payment);
    this.#changed.add(paymentId);
  }

  #removePart(parts: PartsInFlight, source: LocalSource): void {
    const part = parts.remove(source);
    if (part !== undefined) this.#liquidity.remove(part);
  }

  /** What is to be left out the next time. */
  #remember(paymentId: PaymentId, { blindedTail }: LocalSource, blame: Blame): void {
    const { shortChannelId, nodeId } = blame;
    const blindedPath = blame.withinBlindedPath === true ? blindedTail?.index : undefined;
    if (shortChannelId === undefined && nodeId === undefined && blindedPath === undefined) return;
    this.#update(paymentId, (payment) => ({
      ...payment,
      failedChannels: appended(payment.failedChannels, shortChannelId),
      failedNodes: appended(payment.failedNodes, nodeId),
      failedBlindedPaths: appended(payment.failedBlindedPaths, blindedPath),
    }));
  }

  #interrupt(paymentId: PaymentId): void {
    if (this.get(paymentId)?.status.kind === "pending") this.#interrupted.set(paymentId, 0);
    this.#withoutParts(paymentId);
  }

  /**
   * With less under way than is to be paid, a pending payment is tried again; without any part, an abandoned one fails.
   */
  #withoutParts(paymentId: PaymentId): void {
    const { payment, parts, beyond, demand, noWay } = present(this.#payments.get(paymentId), "a payment");
    if (payment.status.kind === "pending") {
      if (demand === undefined || parts.size === 0) this.#retries.add(paymentId);
      return;
    }
    if (payment.status.kind !== "abandoned" || parts.size > 0) return;
    const { reason } = payment.status;
    this.#update(paymentId, (failing) => ({ ...failing, status: { kind: "failed", reason } }));
    const { paymentHash, relay } = payment.terms;
    if (relay !== undefined) this.#failedRelays.push({ paymentId, beyond, noWay });
    this.#tell(payment.terms, { kind: "payment-failed", paymentId, paymentHash, reason });
  }

  /** Of what is relayed for others, the user hears elsewhere. */
  #tell({ relay }: PaymentTerms, event: Event): void {
    if (relay === undefined) this.#events.push(event);
  }
}

function told(holdTimes: readonly number[]): { readonly holdTimes?: readonly number[] } {
  return holdTimes.length > 0 ? { holdTimes } : {};
}

/** The last hundred of `values`, with `value` among them. */
function appended<T>(values: readonly T[], value: T | undefined): readonly T[] {
  return value === undefined || values.includes(value) ? values : [...values, value].slice(-mostRemembered);
}

function detailsOf({ payment, parts }: Tracked): RecentPaymentDetails {
  const { paymentId, terms, status } = payment;
  const named = { paymentId, paymentHash: terms.paymentHash };
  switch (status.kind) {
    case "pending":
      return {
        ...named,
        kind: "pending",
        totalAmount: minusOrZero(terms.routeParameters.finalValue, terms.trampoline?.own?.fees ?? zeroMsat),
        amountInFlight: parts.amount,
        partsInFlight: parts.size,
        feesInFlight: parts.fees,
      };
    case "abandoned":
      return { ...named, ...status, partsInFlight: parts.size };
    case "fulfilled":
    case "failed":
      return { ...named, ...status };
  }
}
