import type { HtlcRef } from "../channel/disposition.ts";
import type { OutboundPayment } from "../payment/outboundPayment.ts";
import { mayRetry } from "../payment/outboundPayment.ts";
import type { OutboundPayments } from "../payment/outboundPayments.ts";
import type { PaymentPart } from "../payment/paymentPart.ts";
import { type FirstHop, paymentParameters, type Route } from "../routing/route.ts";
import type { PaymentId, ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { channelDetails, shortChannelIdsOf } from "./channelDetails.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";

/** Turns payments into HTLCs on our channels: finds a way, makes the onions, and tries again when a part fails. */
export class Payer {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #payments: OutboundPayments;

  constructor(environment: ManagerEnvironment, channels: Channels, payments: OutboundPayments) {
    this.#environment = environment;
    this.#channels = channels;
    this.#payments = payments;
  }

  /**
   * Tries what is left of a payment once. Without attempts it is given up, and without a way, unless a connection was
   * lost over it: then it waits for channels that are not in step now.
   */
  attempt(paymentId: PaymentId, now: number): void {
    const payment = this.#payments.get(paymentId);
    if (payment === undefined || payment.status.kind !== "pending") return;
    if (!mayRetry(payment, now)) {
      const expired = payment.terms.expiresAt !== undefined && now >= payment.terms.expiresAt;
      this.#payments.abandon(paymentId, expired ? "payment-expired" : "retries-exhausted");
      return;
    }
    const { amount, maxFee } = this.#payments.remaining(paymentId);
    if (amount === 0n) return;
    const { terms, failedChannels } = payment;
    const { payee, routeHints, finalCltvExpiryDelta } = terms;
    const route = this.#environment.router.findRoute({
      payer: this.#environment.nodeSigner.nodeId,
      parameters: {
        paymentParameters: paymentParameters(
          { kind: "clear", nodeId: payee, routeHints, finalCltvExpiryDelta },
          { previouslyFailedChannels: failedChannels },
        ),
        finalValue: amount,
        maxFee,
      },
      firstHops: this.firstHops(),
      inFlightHtlcs: [],
    });
    if (!route.ok) {
      this.#environment.logger.log({ level: "info", module: "payment", text: route.error.text });
      if (this.#payments.isInterrupted(paymentId) && this.#expectsChannels()) return;
      this.#payments.abandon(paymentId, "route-not-found");
      return;
    }
    this.send(payment, route.value);
  }

  /** Sends a payment along a route that is given. */
  send(payment: OutboundPayment, route: Route): void {
    const { paymentId } = payment;
    this.#payments.attempted(paymentId);
    const sessionKeys = route.paths.map(() => this.#environment.entropy.randomBytes(32));
    const height = this.#channels.context.bestHeight;
    const parts = this.#payments.partsOf(payment, route, { height, sessionKeys });
    if (!parts.ok) {
      this.#environment.logger.log({ level: "warn", module: "payment", text: parts.error.text });
      this.#payments.abandon(paymentId, "unexpected-error");
      return;
    }
    for (const part of parts.value) this.#offer(paymentId, part);
  }

  /** Our channels that can carry a payment now. */
  firstHops(): readonly FirstHop[] {
    const hops: FirstHop[] = [];
    for (const [, { state }] of this.#channels.all()) {
      const details = channelDetails(this.#channels.context, state);
      if (details === undefined || !details.isUsable || details.nextOutboundHtlcLimit === 0n) continue;
      hops.push({
        counterparty: details.counterparty,
        shortChannelId: this.#nameOf(details.channelId),
        minimum: details.nextOutboundHtlcMinimum,
        maximum: details.nextOutboundHtlcLimit,
      });
    }
    return hops;
  }

  #expectsChannels(): boolean {
    return [...this.#channels.all()].some(
      ([, { state }]) => state.kind === "offline" || state.kind === "syncing",
    );
  }

  #offer(paymentId: PaymentId, part: PaymentPart): void {
    this.#payments.partSent(paymentId, part);
    const channelId = this.#channels.named(part.shortChannelId);
    const refusal =
      channelId === undefined
        ? { text: `no channel ${part.shortChannelId}` }
        : this.#channels.command(channelId, { kind: "add-htlc", htlc: part.htlc });
    if (refusal === undefined) return;
    this.#environment.logger.log({ level: "info", module: "payment", text: refusal.text });
    const { source } = part.htlc;
    if (source.kind === "local") this.#payments.failed(source, part.htlc.amount, "first-hop");
  }

  /** The real short channel id when it may be known, so that the route knows the channel from the graph. */
  #nameOf(channelId: HtlcRef["channelId"]): ShortChannelId {
    const channel = present(this.#channels.funded(channelId), "a funded channel");
    return present(shortChannelIdsOf(channel)[0], "a name");
  }
}
