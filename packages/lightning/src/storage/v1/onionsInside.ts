import type { HtlcSource, OutgoingHtlc } from "../../channel/disposition.ts";
import type { FundedChannel } from "../../channel/state.ts";
import { nextPacketOf, paymentPacketLength } from "../../onion/index.ts";

type Forwarded = Extract<HtlcSource, { readonly kind: "forwarded" }>;

/**
 * `channels`, all that there are, with the onions that are stored as those of the incoming HTLCs only: what is below
 * our layer of these. An incoming HTLC outlives the outgoing one unless the chain settles it, and then the outgoing
 * one's channel is over, too. Should its onion be gone all the same, the next node gets one that it cannot read, and
 * fails the HTLC.
 */
export function withOnionsInside(channels: readonly FundedChannel[]): readonly FundedChannel[] {
  if (!channels.some(({ outgoing }) => outgoing.some(isInside))) return channels;
  const byId = new Map<string, FundedChannel>(channels.map((one) => [one.commitments.channelId, one]));
  return channels.map((channel) => {
    if (!channel.outgoing.some(isInside)) return channel;
    const unanswered = new Set<bigint>();
    for (const { id, state } of channel.commitments.htlcs)
      if (state === "sent-add-commit") unanswered.add(id);
    const outgoing = channel.outgoing.map((one) => {
      if (!unanswered.has(one.id) || one.source.kind !== "forwarded" || !isInside(one)) return one;
      return { ...one, onion: onionInside(byId, one.source) ?? new Uint8Array(paymentPacketLength) };
    });
    return { ...channel, outgoing };
  });
}

function isInside({ source }: OutgoingHtlc): boolean {
  return source.kind === "forwarded" && source.onionInside === true;
}

function onionInside(
  channels: ReadonlyMap<string, FundedChannel>,
  { incoming, sharedSecret }: Forwarded,
): Uint8Array | undefined {
  const records = channels.get(incoming.channelId)?.incoming;
  const disposition = records?.find(({ id }) => id === incoming.htlcId)?.disposition;
  if (disposition?.kind !== "forwarded" || disposition.onion === undefined) return undefined;
  return nextPacketOf(disposition.onion, sharedSecret);
}
