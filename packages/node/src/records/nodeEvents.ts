import type { Event } from "@fulmen/lightning/handlers";
import { formatShortChannelId, sum } from "@fulmen/lightning/util";
import type { NodeEvent } from "../api/events.ts";
import type { PaymentAttempt } from "../api/payments.ts";
import { closeReasonOf, failureOf, handlingFailureOf } from "./reasons.ts";

/** What the manager's event is to the node's user; `undefined` for what concerns only the node itself. */
export function nodeEventOf(event: Event, at: number): NodeEvent | undefined {
  switch (event.kind) {
    case "channel-pending": {
      const { channelId, counterparty: peer, funding } = event;
      return { kind: "channel-pending", channelId, peer, funding };
    }
    case "channel-ready":
      return { kind: "channel-ready", channelId: event.channelId, peer: event.counterparty };
    case "channel-closed": {
      const { channelId, counterparty: peer, capacity, lastLocalBalance: local, funding } = event;
      // Whoever asked for it has heard; peers could fill the history with channels that they do not fund.
      if (funding === undefined) return undefined;
      return {
        kind: "channel-closed",
        channelId,
        peer,
        reason: closeReasonOf(event.reason),
        ...(capacity !== undefined && { capacity }),
        ...(local !== undefined && { local }),
      };
    }
    case "payment-claimed": {
      const { paymentHash, amount } = event;
      return { kind: "payment-received", paymentId: paymentHash, paymentHash, amount };
    }
    case "payment-sent": {
      const { paymentId, paymentHash, amount, feePaid: fee } = event;
      return { kind: "payment-sent", paymentId, paymentHash, amount, fee };
    }
    case "payment-failed": {
      const { paymentId, paymentHash, reason } = event;
      return { kind: "payment-failed", paymentId, paymentHash, failure: failureOf(reason) };
    }
    case "payment-path-successful":
    case "payment-path-failed":
      return { kind: "payment-attempt", paymentId: event.paymentId, attempt: attemptOf(event, at) };
    case "payment-forwarded":
      return {
        kind: "payment-forwarded",
        from: event.prevHtlcs.map(({ channelId }) => channelId),
        to: event.nextHtlcs.map(({ channelId }) => channelId),
        amount: event.outboundAmountForwarded,
        fee: event.totalFeeEarned,
      };
    case "htlc-handling-failed":
      return {
        kind: "forward-failed",
        from: event.prevChannelIds,
        paymentHash: event.paymentHash,
        reason: handlingFailureOf(event.failureReason),
      };
    case "spendable-outputs": {
      const amount = sum(event.outputs.map(({ output }) => output.value));
      return { kind: "close-settled", channelId: event.channelId, amount };
    }
    case "funding-generation-ready":
    case "open-channel-request":
    case "discard-funding":
    case "payment-claimable":
    case "probe-successful":
    case "probe-failed":
    case "htlc-intercepted":
      return undefined;
  }
}

/** One way that was tried. */
export function attemptOf(
  event: Extract<Event, { kind: "payment-path-successful" | "payment-path-failed" }>,
  at: number,
): PaymentAttempt {
  const path = event.path.map(({ nodeId, shortChannelId }) => ({
    nodeId,
    shortChannelId: formatShortChannelId(shortChannelId),
  }));
  const amount = event.finalValue === undefined ? {} : { amount: event.finalValue };
  if (event.kind === "payment-path-successful") return { at, path, ...amount, succeeded: true };
  const { failureName, shortChannelId } = event;
  return {
    at,
    path,
    ...amount,
    succeeded: false,
    ...(failureName !== undefined && { failure: failureName }),
    ...(shortChannelId !== undefined && { failedChannel: formatShortChannelId(shortChannelId) }),
  };
}
