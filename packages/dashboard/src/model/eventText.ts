import type { ApiEvent } from "@fulmen/client";
import { formatMsat, formatSat, shortId } from "./format.ts";

/** What an event tells, in one sentence; of kinds that are newer than this page, the kind. */
export function eventText(event: ApiEvent): string {
  switch (event.kind) {
    case "payment-received":
      return `Received ${formatMsat(event.amountMsat)}.`;
    case "payment-held":
      return `${formatMsat(event.amountMsat)} wait to be claimed or sent back before block ${event.claimDeadline}.`;
    case "payment-sent":
      return `Paid ${formatMsat(event.amountMsat)}, and ${formatMsat(event.feeMsat)} in fees.`;
    case "payment-failed":
      return `A payment failed: ${event.failure.text}`;
    case "payment-attempt":
      return event.attempt.succeeded
        ? `A part arrived; hops: ${event.attempt.path.length}.`
        : `An attempt failed; hops: ${event.attempt.path.length}; reason: ${event.attempt.failure ?? "no reason given"}.`;
    case "payment-forwarded":
      return `Forwarded ${formatMsat(event.amountMsat)} and earned ${formatMsat(event.feeMsat)}.`;
    case "forward-failed":
      return `Could not forward a payment: ${event.reason.text}`;
    case "channel-pending":
      return `A channel with ${shortId(event.peer)} waits for its funding to confirm.`;
    case "channel-ready":
      return `The channel with ${shortId(event.peer)} is ready.`;
    case "channel-closed":
      return `The channel with ${shortId(event.peer)} closes: ${event.reason.text}`;
    case "channel-refused":
      return `Refused a channel of ${formatSat(event.fundingSat)} from ${shortId(event.peer)}: ${event.reason}`;
    case "close-settled":
      return `A close is done: ${formatSat(event.amountSat)} came back.`;
    case "onchain-transaction":
      return `${formatSat(event.changeSat)} on the chain${event.height === undefined ? ", unconfirmed" : ` at block ${event.height}`}.`;
    default:
      return unknownKind(event);
  }
}

function unknownKind(event: { readonly kind: string }): string {
  return `${event.kind}.`;
}
