import type { FundedChannel } from "../channel/state.ts";
import type { PaymentFailureReason } from "../handlers/event.ts";
import { isExpired, mayRetry, type OutboundPayment, type PaymentTerms } from "../payment/outboundPayment.ts";
import type { NoWay, OutboundPayments } from "../payment/outboundPayments.ts";
import { htlcAmountOf, type PaymentPart, partOf } from "../payment/paymentPart.ts";
import {
  type FirstHop,
  feesOf,
  finalValueOf,
  type Path,
  type PaymentParameters,
  type Route,
  type RouteParameters,
  type RouteRefusal,
} from "../routing/route.ts";
import type { PaymentId, ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, minus, msat, plus, sum } from "../util/units.ts";
import { isUsable, shortChannelIdsOf } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";
import type { ForwardingBudgets } from "./forwardingBudget.ts";
import { checkedTerms } from "./paymentTerms.ts";
import { meetingDemand } from "./trampolineTerms.ts";

/** Turns payments into HTLCs on our channels: finds ways, makes the onions, and tries again when parts fail. */
export class Payer {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #payments: OutboundPayments;
  readonly #budgets: ForwardingBudgets;

  constructor(
    environment: ManagerEnvironment,
    channels: Channels,
    parts: { readonly payments: OutboundPayments; readonly budgets: ForwardingBudgets },
  ) {
    this.#environment = environment;
    this.#channels = channels;
    this.#payments = parts.payments;
    this.#budgets = parts.budgets;
  }

  /**
   * Tries what is left of a payment once. Without attempts it is given up, and without a way, unless a connection was
   * lost over it: then it waits for channels that are not in step now.
   */
  attempt(paymentId: PaymentId, now: number): void {
    const begun = this.#payments.get(paymentId);
    if (begun === undefined || begun.status.kind !== "pending") return;
    if (this.#payments.remaining(paymentId).amount === 0n) return;
    const end = this.#endOf(begun, now);
    if (end !== undefined) {
      this.#giveUp(begun, end, "it has lapsed, or failed too often");
      return;
    }
    const payment = this.#onPresentTerms(begun);
    if (payment === undefined) return;
    const { amount, maxFee } = this.#payments.remaining(paymentId);
    const route = payment.route
      ? this.#missing(payment, payment.route)
      : this.#find(payment, { finalValue: amount, maxFee });
    if (route.ok) {
      this.send(payment, route.value);
      return;
    }
    if (this.#payments.isInterrupted(paymentId) && this.#expectsChannels()) {
      this.#log("info", `payment ${paymentId} waits for its channels: ${route.error.text}`);
      return;
    }
    this.#giveUp(payment, route.error.reason, route.error.text, this.#noWay(payment, route.error));
  }

  /**
   * The payment, with what a trampoline node asked for; `undefined` when that is more than may be given, and then it is
   * given up, or while parts are under way whose failures only the former terms can read.
   */
  #onPresentTerms(payment: OutboundPayment): OutboundPayment | undefined {
    const { paymentId, terms } = payment;
    const demand = this.#payments.demand(paymentId);
    if (demand === undefined) return payment;
    if ([...this.#payments.partsInFlight(paymentId)].length > 0) return undefined;
    const { entropy } = this.#environment;
    const revised = meetingDemand(terms, demand, { entropy, height: this.#channels.context.bestHeight });
    if (revised !== undefined) return this.#payments.revise(paymentId, checkedTerms(revised));
    this.#giveUp(payment, "route-not-found", "a trampoline node asks for more than may be spent");
    return undefined;
  }

  /** Why what is relayed cannot go on, for its payer: whether there would be a way for more money, or more blocks. */
  #noWay(payment: OutboundPayment, { refusal }: NoRoute): NoWay | undefined {
    const { relay, routeParameters } = payment.terms;
    if (relay === undefined || refusal === undefined) return undefined;
    const { payee, maxTotalCltvExpiryDelta } = routeParameters.paymentParameters;
    if (
      refusal === "payee-unknown" &&
      payee.kind === "clear" &&
      this.#channels.peers.channelsOf(payee.nodeId).length === 0
    ) {
      return { kind: "unknown-next" };
    }
    const { amount } = this.#payments.remaining(payment.paymentId);
    const paymentParameters = {
      ...this.#parametersOf(payment.terms),
      maxTotalCltvExpiryDelta,
      previouslyFailedChannels: payment.failedChannels,
      previouslyFailedNodes: payment.failedNodes,
      previouslyFailedBlindedPathIndexes: payment.failedBlindedPaths,
    };
    const found = this.findRoute({
      finalValue: amount,
      maxFee: plus(amount, dearestBase),
      paymentParameters,
    });
    if (!found.ok) return undefined;
    const { paths } = found.value;
    const firstExpiry = this.#channels.context.bestHeight + 1 + Math.max(0, ...paths.map(blocksOf));
    return { kind: "dearer", fee: sum(paths.map(feesOf)), firstExpiry };
  }

  /** Sends a payment, or what is left of it, along a route. */
  send(payment: OutboundPayment, route: Route): void {
    const { paymentId, terms } = payment;
    this.#payments.attempted(paymentId);
    const parts: PaymentPart[] = [];
    for (const path of route.paths) {
      const part = this.#partOf(terms, paymentId, path);
      if (part === undefined) return;
      parts.push(part);
    }
    const used = new Set<ShortChannelId>();
    for (const { shortChannelId, htlc } of parts) {
      this.#payments.partSent(htlc.source, htlc);
      const refusal = this.#offer({ shortChannelId, htlc });
      if (refusal !== undefined) {
        this.#log("info", refusal);
        // What is left of a channel after another part may be less than was to be expected: it is asked anew.
        const kind = used.has(shortChannelId) ? "limits" : "first-hop";
        this.#payments.failed(htlc.source, htlc, { kind });
      }
      used.add(shortChannelId);
    }
  }

  /** Sends one HTLC that is not a payment's. Says why, when its channel does not take it. */
  sendProbe(terms: PaymentTerms, paymentId: PaymentId, path: Path): string | undefined {
    const part = partOf(terms, this.#planOf(paymentId, path));
    if (!part.ok) return part.error.text;
    const { htlc } = part.value;
    const refusal = this.#offer(part.value);
    if (refusal === undefined) this.#payments.partSent(htlc.source, htlc);
    return refusal;
  }

  /** A route for what `parameters` say, from where our channels are now. */
  findRoute(parameters: RouteParameters): Result<Route, RouteRefusal> {
    return this.#environment.router.findRoute({
      payer: this.#environment.nodeSigner.nodeId,
      parameters,
      firstHops: this.firstHops(),
      inFlightHtlcs: this.#payments.inFlightHtlcs(),
      randomSeed: this.#environment.entropy.randomBytes(32),
    });
  }

  /** Our channels that can carry a payment now. */
  firstHops(): readonly FirstHop[] {
    const hops: FirstHop[] = [];
    for (const [channelId] of this.#channels.all()) {
      const details = this.#channels.details(channelId);
      const channel = this.#channels.funded(channelId);
      if (channel === undefined || details === undefined || details.nextOutboundHtlcLimit === 0n) continue;
      const { counterparty, nextOutboundHtlcMinimum: minimum, nextOutboundHtlcLimit: maximum } = details;
      hops.push({ counterparty, shortChannelId: nameOf(channel), minimum, maximum });
    }
    return hops;
  }

  /** Why no further attempt is due. What a lost connection dropped is sent again whatever the attempts were. */
  #endOf(payment: OutboundPayment, now: number): PaymentFailureReason | undefined {
    if (isExpired(payment, now)) return "payment-expired";
    if (this.#payments.isInterrupted(payment.paymentId) || mayRetry(payment, now)) return undefined;
    return "retries-exhausted";
  }

  /** A route for what is `left` of a payment. */
  #find(
    { terms, failedChannels, failedNodes, failedBlindedPaths }: OutboundPayment,
    left: Pick<RouteParameters, "finalValue" | "maxFee">,
  ): Result<Route, NoRoute> {
    const { finalValue } = terms.routeParameters;
    const parameters = this.#parametersOf(terms);
    const found = this.findRoute({
      ...left,
      paymentParameters: {
        ...parameters,
        previouslyFailedChannels: failedChannels,
        previouslyFailedNodes: failedNodes,
        previouslyFailedBlindedPathIndexes: failedBlindedPaths,
      },
    });
    if (!found.ok) {
      const { kind: refusal, text } = found.error;
      return err({ reason: "route-not-found", text, refusal });
    }
    const fault = faultOf(found.value, {
      ...left,
      total: finalValue,
      blocks: parameters.maxTotalCltvExpiryDelta,
    });
    if (fault === undefined) return found;
    return err({ reason: "unexpected-error", text: `the router's answer cannot be used: ${fault}` });
  }

  /** What is relayed has expiries to keep to, however late it is. */
  #parametersOf({ relay, routeParameters }: PaymentTerms): PaymentParameters {
    const { paymentParameters } = routeParameters;
    if (relay === undefined) return paymentParameters;
    // One block is added to every expiry: see `partOf`.
    const next = this.#channels.context.bestHeight + 1;
    const { payee } = paymentParameters;
    const finalCltvExpiryDelta = Math.max(0, (relay.outgoingCltv ?? next) - next);
    return {
      ...paymentParameters,
      maxTotalCltvExpiryDelta: Math.max(0, relay.latestExpiry - next),
      payee: payee.kind === "clear" ? { ...payee, finalCltvExpiryDelta } : payee,
    };
  }

  /**
   * Of a route that the user gave, the paths that are not under way; an error while a channel of theirs is not in use.
   */
  #missing({ paymentId }: OutboundPayment, { paths }: Route): Result<Route, NoRoute> {
    const underWay = new Map<string, number>();
    for (const { source } of this.#payments.partsInFlight(paymentId)) {
      const key = keyOf(source.path, source.amount);
      underWay.set(key, (underWay.get(key) ?? 0) + 1);
    }
    const missing: Path[] = [];
    for (const path of paths) {
      const key = keyOf(path.hops, finalValueOf(path));
      const count = underWay.get(key) ?? 0;
      if (count > 0) underWay.set(key, count - 1);
      else missing.push(path);
    }
    for (const { hops } of missing) {
      const name = present(hops[0], "a hop").shortChannelId;
      const channelId = this.#channels.named(name);
      const entry = channelId && this.#channels.get(channelId);
      if (entry === undefined || !isUsable(entry.state))
        return err({ reason: "route-not-found", text: `channel ${name} cannot be used now` });
    }
    return ok({ paths: missing });
  }

  #giveUp(
    { paymentId }: OutboundPayment,
    ...[reason, text, noWay]: [PaymentFailureReason, string, NoWay?]
  ): void {
    this.#log("info", `payment ${paymentId} is given up: ${text}`);
    this.#payments.abandon(paymentId, reason, noWay);
  }

  #expectsChannels(): boolean {
    for (const [, { state }] of this.#channels.all())
      if (state.kind === "offline" || state.kind === "syncing") return true;
    return false;
  }

  #partOf(terms: PaymentTerms, paymentId: PaymentId, path: Path): PaymentPart | undefined {
    const part = partOf(terms, this.#planOf(paymentId, path));
    if (part.ok) return part.value;
    this.#log("warn", part.error.text);
    this.#payments.abandon(paymentId, "unexpected-error");
    return undefined;
  }

  #planOf(paymentId: PaymentId, path: Path) {
    const sessionKey = this.#environment.entropy.randomBytes(32);
    return { paymentId, path, height: this.#channels.context.bestHeight, sessionKey };
  }

  /** Why our channel does not take a part; `undefined` when it does. */
  #offer({ shortChannelId, htlc }: PaymentPart): string | undefined {
    const channelId = this.#channels.named(shortChannelId);
    if (channelId === undefined) return `no channel ${shortChannelId}`;
    const [channel, peer] = [this.#channels.funded(channelId), this.#budgets.peerOf(htlc.source)];
    if (channel !== undefined && peer !== undefined && !this.#budgets.allows(peer, channel, htlc.amount))
      return `what is relayed for ${peer} takes up its share of channel ${shortChannelId}`;
    return this.#channels.command(channelId, { kind: "add-htlc", htlc })?.text;
  }

  #log(level: "info" | "warn", text: string): void {
    this.#environment.logger.log({ level, module: "payment", text });
  }
}

/** Fees that are asked about on somebody else's behalf, above the amount itself. */
const dearestBase = msat(1_000_000n);

interface NoRoute {
  readonly reason: PaymentFailureReason;
  readonly text: string;
  /** The router's. */
  readonly refusal?: RouteRefusal["kind"];
}

/** The real short channel id when it may be known, so that the route knows the channel from the graph. */
function nameOf(channel: FundedChannel): ShortChannelId {
  return present(shortChannelIdsOf(channel)[0], "a name");
}

/** Two parts of one payment over the same channels with the same amount are alike. */
function keyOf(hops: readonly { readonly shortChannelId: ShortChannelId }[], amount: Msat): string {
  return `${amount} ${hops.map(({ shortChannelId }) => shortChannelId).join(" ")}`;
}

/** From the next block until the expiry of the first HTLC. */
function blocksOf({ hops, blindedTail }: Path): number {
  const excess = blindedTail?.excessFinalCltvExpiryDelta ?? 0;
  return hops.reduce((total, hop) => total + hop.cltvExpiryDelta, excess);
}

/**
 * What is wrong with a route: it must bring what is left, and with what is under way no more than a tenth above the
 * whole, for no more than the fees that are left; and expire in time, since what is relayed was given to us until then.
 */
function faultOf(
  { paths }: Route,
  left: {
    readonly finalValue: Msat;
    readonly maxFee: Msat;
    readonly total: Msat;
    readonly blocks: number;
  },
): string | undefined {
  if (paths.length === 0 || paths.some(({ hops }) => hops.length === 0)) return "a path without hops";
  const blocks = Math.max(...paths.map(blocksOf));
  if (blocks > left.blocks) return `it takes ${blocks} blocks, at most ${left.blocks} are allowed`;
  const brought = sum(paths.map(finalValueOf));
  const sent = sum(paths.map(htlcAmountOf));
  if (brought < left.finalValue) return `it brings ${brought} msat of ${left.finalValue}`;
  if (brought - left.finalValue > left.total / 10n)
    return `it brings ${brought} msat, ${left.finalValue} are asked for`;
  if (sent > plus(left.finalValue, left.maxFee))
    return `it costs ${minus(sent, left.finalValue)} msat, at most ${left.maxFee} are allowed`;
  return undefined;
}
