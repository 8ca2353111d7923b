import {
  newPayment,
  type OutboundPayment,
  type PaymentPlan,
  type PaymentTerms,
  type Retry,
} from "../payment/outboundPayment.ts";
import { htlcAmountOf } from "../payment/paymentPart.ts";
import {
  finalValueOf,
  type Path,
  paymentParameters,
  type Route,
  type RouteHop,
  type RouteParameters,
} from "../routing/route.ts";
import { encodePayment } from "../storage/v1/payment.ts";
import { type PaymentHash, type PaymentId, paymentIdOf, type ShortChannelId } from "../util/ids.ts";
import { messageOf } from "../util/text.ts";
import { type Msat, plus, times, zeroMsat } from "../util/units.ts";
import { ApiError } from "./apiError.ts";
import type { ManagerCore } from "./managerCore.ts";
import { beyondUs } from "./ownIntroduction.ts";

/** How often a payment is tried unless told otherwise: once, and three times again. */
const defaultRetry: Retry = { kind: "attempts", count: 3 };

/** Begins a payment, and tries it for the first time. */
export function pay(
  core: ManagerCore,
  paymentId: PaymentId,
  order: { terms: PaymentTerms; retry: Retry | undefined },
): void {
  begin(core, paymentId, beyondUs(core, order.terms), { retry: order.retry ?? defaultRetry });
  core.attempt(paymentId, () => core.payer.attempt(paymentId, core.now));
}

/** Begins a payment along ways that are given. */
export function payAlong(
  core: ManagerCore,
  paymentId: PaymentId,
  { terms, route }: { terms: PaymentTerms; route: Route },
): void {
  if (route.paths.length === 0 || route.paths.some(({ hops }) => hops.length === 0)) {
    throw new ApiError("api-misuse", "the route has a path without hops, or no path: give one with hops");
  }
  const payment = begin(core, paymentId, terms, { retry: { kind: "attempts", count: 0 }, route });
  core.attempt(paymentId, () => core.payer.send(payment, route));
}

function begin(
  core: ManagerCore,
  paymentId: PaymentId,
  terms: PaymentTerms,
  plan: Omit<PaymentPlan, "now">,
): OutboundPayment {
  const { retry } = plan;
  const many = retry.kind === "attempts" ? retry.count : retry.seconds;
  if (!Number.isSafeInteger(many) || many < 0) {
    throw new ApiError("api-misuse", `${many} retries: give a whole number from 0 on`);
  }
  const payment = newPayment(paymentId, terms, { ...plan, now: core.now });
  checkStorable(payment);
  const begun = core.payments.begin(payment, core.now);
  if (begun.ok) return begun.value;
  throw new ApiError(begun.error.kind, begun.error.text);
}

/**
 * An id that is no hex, or a number out of its range, is to be told to the caller, not to stop the node when it is
 * stored.
 */
function checkStorable(payment: OutboundPayment): void {
  try {
    encodePayment(payment);
  } catch (error) {
    const text = messageOf(error);
    throw new ApiError(
      "api-misuse",
      `this payment cannot be stored, one of its fields is out of range: ${text}`,
    );
  }
}

/** A probe that was sent. */
export interface SentProbe {
  readonly paymentHash: PaymentHash;
  readonly paymentId: PaymentId;
}

/** Sends an HTLC along a path that its end will refuse. @ldk ChannelManager::send_probe */
export function sendProbe(core: ManagerCore, path: Path): SentProbe {
  if (path.hops.length < 2) {
    throw new ApiError(
      "api-misuse",
      "a probe of our own channel tells nothing: give a path of two hops at least",
    );
  }
  const { entropy } = core.environment;
  const paymentId = paymentIdOf(entropy.randomBytes(32));
  const paymentHash = core.payments.probes.paymentHash(paymentId);
  const nodeId = path.hops.at(-1)?.nodeId ?? core.environment.nodeSigner.nodeId;
  const refusal = core.payer.sendProbe(probeTerms(core, { paymentHash, nodeId, path }), paymentId, path);
  if (refusal !== undefined) throw new ApiError("channel-refused", refusal);
  return { paymentHash, paymentId };
}

/**
 * Probes the ways that a payment would take, but not private channels at their ends, whose nodes would see it coming,
 * nor blinded paths. A part of which its first channel could not carry `liquidityLimitMultiplier` times as much is
 * left out: the payment itself needs that channel. Throws `ApiError` when there is no route.
 *
 * @ldk ChannelManager::send_preflight_probes
 */
export function sendPreflightProbes(
  core: ManagerCore,
  parameters: RouteParameters,
  liquidityLimitMultiplier = 3n,
): readonly SentProbe[] {
  const route = core.payer.findRoute(parameters);
  if (!route.ok) throw new ApiError("route-not-found", route.error.text);
  const limits = new Map<ShortChannelId, Msat>();
  for (const { shortChannelId, maximum } of core.payer.firstHops()) limits.set(shortChannelId, maximum);
  const used = new Map<ShortChannelId, Msat>();
  const sent: SentProbe[] = [];
  for (const whole of route.value.paths) {
    const path = publicPart(whole, parameters);
    const first = path.hops[0]?.shortChannelId;
    if (first === undefined || path.hops.length < 2) continue;
    const amount = plus(used.get(first) ?? zeroMsat, htlcAmountOf(path));
    if (times(amount, liquidityLimitMultiplier) > (limits.get(first) ?? zeroMsat)) continue;
    used.set(first, amount);
    sent.push(sendProbe(core, path));
  }
  return sent;
}

/** The path as far as the network knows it; what was to go further ends there. */
function publicPart({ hops, blindedTail }: Path, { paymentParameters }: RouteParameters): Path {
  const { payee } = paymentParameters;
  const hints = payee.kind === "clear" ? payee.routeHints.flat() : [];
  const hinted = new Set(hints.map(({ shortChannelId }) => shortChannelId));
  const kept: RouteHop[] = [...hops];
  let beyond = blindedTail?.finalValue ?? zeroMsat;
  while (kept.length > 1 && hinted.has(kept.at(-1)?.shortChannelId ?? (0n as ShortChannelId))) {
    beyond = plus(beyond, kept.pop()?.fee ?? zeroMsat);
  }
  const last = kept.pop();
  if (last !== undefined) kept.push({ ...last, fee: plus(last.fee, beyond) });
  return { hops: kept };
}

function probeTerms(
  core: ManagerCore,
  { paymentHash, nodeId, path }: { paymentHash: PaymentHash; nodeId: RouteHop["nodeId"]; path: Path },
): PaymentTerms {
  const paymentSecret = core.environment.entropy.randomBytes(32);
  const finalValue = finalValueOf(path);
  return {
    paymentHash,
    recipientOnion: { paymentSecret },
    routeParameters: {
      paymentParameters: paymentParameters({
        kind: "clear",
        nodeId,
        routeHints: [],
        finalCltvExpiryDelta: 0,
      }),
      finalValue,
      maxFee: zeroMsat,
    },
  };
}
