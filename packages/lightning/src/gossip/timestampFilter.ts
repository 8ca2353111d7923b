import type { ChannelUpdateInfo, ReadOnlyNetworkGraph } from "./graphEntries.ts";

/** Which gossip a peer has asked for, by the times that the messages carry (BOLT 7, "The gossip_timestamp_filter Message"). */
export interface TimestampFilter {
  /** Seconds since 1970. */
  readonly first: number;
  /** The first second behind the range. */
  readonly end: number;
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
