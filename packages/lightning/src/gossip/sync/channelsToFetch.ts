import type { ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { maxAhead, staleAfter } from "../graph/acceptance.ts";
import type { ChannelUpdateInfo, ReadOnlyNetworkGraph } from "../graph/graphEntries.ts";
import { wantsAll, wantsAnnouncement, wantsNode, wantsUpdate } from "./queryFlags.ts";
import type { ListedChannel, ListedUpdate } from "./rangeAnswer.ts";
import { updateChecksum } from "./updateChecksum.ts";

/** A channel to be asked for, and what of it: flags of `query_short_channel_ids`. */
export interface WantedChannel {
  readonly id: ShortChannelId;
  readonly flags: number;
}

/** Seconds after which terms are fetched that say nothing new: they keep the channel from becoming stale. */
const refreshAfter = staleAfter / 2;

/**
 * What a peer has of a channel that we lack, as flags; 0 when there is nothing. What would be refused on arrival, being
 * stale or of the future, is not asked for.
 */
export function flagsToFetch(graph: ReadOnlyNetworkGraph, listed: ListedChannel, now: UnixSeconds): number {
  const channel = graph.channel(listed.id);
  const { updates } = listed;
  if (updates === undefined) return channel === undefined ? wantsAll : 0;
  const newer = updates.map((update, i) =>
    isWorthFetching(update, i === 0 ? channel?.oneToTwo : channel?.twoToOne, now),
  );
  const flags = (newer[0] ? wantsUpdate[0] : 0) | (newer[1] ? wantsUpdate[1] : 0);
  if (channel !== undefined || flags === 0) return flags;
  return flags | wantsAnnouncement | wantsNode[0] | wantsNode[1];
}

function isWorthFetching(
  { timestamp, checksum }: ListedUpdate,
  ours: ChannelUpdateInfo | undefined,
  now: UnixSeconds,
): boolean {
  if (timestamp < now - staleAfter || timestamp > now + maxAhead) return false;
  if (ours === undefined) return true;
  if (timestamp <= ours.lastUpdate) return false;
  if (checksum === undefined || ours.message === undefined) return true;
  return now - ours.lastUpdate >= refreshAfter || checksum !== updateChecksum(ours.message);
}

/**
 * What is still missing of a channel that was wanted some time ago: nothing, when another peer has told of it in the
 * meantime. Terms of a channel that was known already are asked for again.
 */
export function flagsStillMissing(graph: ReadOnlyNetworkGraph, { id, flags }: WantedChannel): number {
  return (flags & wantsAnnouncement) !== 0 && graph.channel(id) !== undefined ? 0 : flags;
}
