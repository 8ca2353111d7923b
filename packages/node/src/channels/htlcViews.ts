import type { ChannelDetails } from "@fulmen/lightning/manager";
import { cltvClaimBuffer, latencyGracePeriod } from "@fulmen/lightning/onchain";
import { msat, type PaymentHash } from "@fulmen/lightning/util";
import type { ChannelHtlc } from "../api/channels.ts";
import type { NodeParts } from "../parts/index.ts";

type Htlc = ChannelDetails["htlcs"][number];

/** What else is known of payments, by which an HTLC is explained. */
export interface HtlcContext {
  /** Until which height a payment to us can be claimed. */
  readonly claimDeadlines: ReadonlyMap<PaymentHash, number>;
  /** Payments with an HTLC in this direction, on whatever channel. */
  readonly incoming: ReadonlySet<PaymentHash>;
  readonly outgoing: ReadonlySet<PaymentHash>;
}

/** Looked up once for all channels. */
export function htlcContext(
  channels: readonly ChannelDetails[],
  claimable: ReturnType<NodeParts["manager"]["listClaimablePayments"]>,
): HtlcContext {
  const all = channels.flatMap(({ htlcs }) => htlcs);
  const hashesOf = (direction: Htlc["direction"]): ReadonlySet<PaymentHash> =>
    new Set(all.filter((htlc) => htlc.direction === direction).map(({ paymentHash }) => paymentHash));
  return {
    claimDeadlines: new Map(claimable.map((one) => [one.paymentHash, one.claimDeadline])),
    incoming: hashesOf("incoming"),
    outgoing: hashesOf("outgoing"),
  };
}

/** An HTLC with what it waits for, and what happens if that does not come. */
export function htlcView(htlc: Htlc, isConnected: boolean, context: HtlcContext): ChannelHtlc {
  const { direction, amount, paymentHash, cltvExpiry } = htlc;
  const waits = direction === "incoming" ? incoming(htlc, context) : outgoing(htlc, context);
  const explanation = isConnected ? waits : `${waits}; the peer is not connected`;
  return { direction, amount: msat(amount), paymentHash, expiryHeight: cltvExpiry, explanation };
}

function outgoing({ ending, cltvExpiry, paymentHash }: Htlc, { incoming: others }: HtlcContext): string {
  const whose = others.has(paymentHash) ? "passed on for another node" : "our payment";
  if (ending !== undefined) return `${whose}: it ${ends[ending]}, and is being taken out of the channel`;
  return `${whose}: no answer from the nodes behind this one yet; it ends, or the channel is closed by force at block ${cltvExpiry + latencyGracePeriod}`;
}

function incoming({ ending, cltvExpiry, paymentHash }: Htlc, context: HtlcContext): string {
  if (ending === "fulfilled")
    return `claimed: the peer has to take it out of the channel, which is closed by force at block ${cltvExpiry - cltvClaimBuffer} otherwise`;
  if (ending === "failed") return "sent back: the peer has to take it out of the channel";
  if (context.outgoing.has(paymentHash)) return "passed on: it ends as it does on the next channel";
  const deadline = context.claimDeadlines.get(paymentHash);
  if (deadline === undefined)
    return "just arrived, or a part of a payment whose other parts are on their way";
  return `held for you: claim it or send it back; it goes back by itself at block ${deadline}`;
}

const ends = { fulfilled: "has arrived", failed: "failed" } as const;
