import type { OutputOf } from "@fulmen/api";
import type { StoredNodeEvent } from "@fulmen/node";
import { outPointView } from "./channelViews.ts";
import { attemptView } from "./paymentViews.ts";

/** An event as JSON, with its place. */
export function eventView({ index, at, event }: StoredNodeEvent): OutputOf<"events"> {
  const place = { index, at };
  switch (event.kind) {
    case "payment-received":
    case "payment-held": {
      const { amount, ...rest } = event;
      return { ...place, ...rest, amountMsat: amount.toString() };
    }
    case "payment-sent": {
      const { amount, fee, ...rest } = event;
      return { ...place, ...rest, amountMsat: amount.toString(), feeMsat: fee.toString() };
    }
    case "payment-forwarded": {
      const { kind, from, to, amount, fee } = event;
      const amounts = { amountMsat: amount.toString(), feeMsat: fee.toString() };
      return { ...place, kind, from: [...from], to: [...to], ...amounts };
    }
    case "close-settled": {
      const { amount, ...rest } = event;
      return { ...place, ...rest, amountSat: amount.toString() };
    }
    case "payment-failed":
      return { ...place, ...event, failure: { ...event.failure } };
    case "payment-attempt":
      return { ...place, kind: event.kind, paymentId: event.paymentId, attempt: attemptView(event.attempt) };
    case "forward-failed":
      return { ...place, ...event, from: [...event.from], reason: { ...event.reason } };
    case "channel-pending":
      return { ...place, ...event, funding: outPointView(event.funding) };
    case "channel-ready":
      return { ...place, ...event };
    case "channel-closed": {
      const { capacity, local, reason, ...rest } = event;
      return {
        ...place,
        ...rest,
        reason: { ...reason },
        ...(capacity !== undefined && { capacitySat: capacity.toString() }),
        ...(local !== undefined && { localMsat: local.toString() }),
      };
    }
    case "channel-refused": {
      const { funding, ...rest } = event;
      return { ...place, ...rest, fundingSat: funding.toString() };
    }
    case "onchain-transaction": {
      const { change, ...rest } = event;
      return { ...place, ...rest, changeSat: change.toString() };
    }
  }
}
