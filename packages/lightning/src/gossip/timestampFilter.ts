import type { BlockHash, UnixSeconds } from "../util/ids.ts";
import type { GossipTimestampFilter } from "../wire/index.ts";
import { staleAfter } from "./acceptance.ts";
import type { ChannelUpdateInfo, ReadOnlyNetworkGraph } from "./graphEntries.ts";

/** Which gossip a peer has asked for, by the times that the messages carry (BOLT 7, "The gossip_timestamp_filter Message"). */
export interface TimestampFilter {
  /** Seconds since 1970. */
  readonly first: number;
  /** The first second behind the range. */
  readonly end: number;
}

/** Seconds: gossip that is not older is new. It may have been on its way for a while. */
const newGossip = 3_600;

/** Asks for what is not stale: what the peer has stored, if it dumps its graph on request, and what it learns. */
export function twoWeeksFilter(chainHash: BlockHash, now: UnixSeconds): GossipTimestampFilter {
  return filterSince(chainHash, now - staleAfter);
}

/** Asks for what the peer learns from now on. */
export function newGossipFilter(chainHash: BlockHash, now: UnixSeconds): GossipTimestampFilter {
  return filterSince(chainHash, now - newGossip);
}

/** Asks for nothing but what the peer says of itself: the special values of BOLT 7. */
export function nothingFilter(chainHash: BlockHash): GossipTimestampFilter {
  return { type: "gossip_timestamp_filter", chainHash, firstTimestamp: 0xffff_ffff, timestampRange: 0 };
}

function filterSince(chainHash: BlockHash, first: number): GossipTimestampFilter {
  return {
    type: "gossip_timestamp_filter",
    chainHash,
    firstTimestamp: Math.max(0, first),
    timestampRange: 0xffff_ffff,
  };
}

export function passes(filter: TimestampFilter, timestamp: number): boolean {
  return timestamp >= filter.first && timestamp < filter.end;
}

/** A `channel_announcement` has the times of its updates; without any, it is not sent. */
export function channelPasses(
  filter: TimestampFilter,
  channel: { readonly oneToTwo?: ChannelUpdateInfo; readonly twoToOne?: ChannelUpdateInfo },
): boolean {
  const { oneToTwo, twoToOne } = channel;
  return (
    (oneToTwo !== undefined && passes(filter, oneToTwo.lastUpdate)) ||
    (twoToOne !== undefined && passes(filter, twoToOne.lastUpdate))
  );
}

/**
 * The stored messages that pass: each channel with its updates, then the nodes. Nothing is gathered beforehand, and the
 * graph may change between two messages.
 */
export function* storedGossip(
  graph: ReadOnlyNetworkGraph,
  filter: TimestampFilter,
): Generator<Uint8Array, void, void> {
  for (const channel of graph.channels()) {
    const { message, oneToTwo, twoToOne } = channel;
    // What came unsigned cannot be relayed.
    if (message === undefined || !channelPasses(filter, channel)) continue;
    yield message;
    for (const update of [oneToTwo, twoToOne]) {
      if (update?.message !== undefined && passes(filter, update.lastUpdate)) yield update.message;
    }
  }
  for (const { announcement } of graph.nodes()) {
    if (announcement?.message !== undefined && passes(filter, announcement.lastUpdate)) {
      yield announcement.message;
    }
  }
}
