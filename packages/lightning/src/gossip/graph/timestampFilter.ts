import type { BlockHash, UnixSeconds } from "../../util/ids.ts";
import type { GossipTimestampFilter } from "../../wire/index.ts";
import { staleAfter } from "./acceptance.ts";
import type { ChannelUpdateInfo } from "./graphEntries.ts";

/**
 * Which gossip a peer has asked for, by the times that the messages carry (BOLT 7, "The gossip_timestamp_filter
 * Message").
 */
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
 * What a graph can pass on, by slots of channels, edges and counters of nodes: nothing is made of what does not pass.
 * What came unsigned is not among it, and free slots and counters have nothing. `NetworkGraph` has it.
 */
export interface StoredGossip {
  /** All slots are below. */
  readonly channelLimit: number;
  /** All counters are below. */
  readonly nodeLimit: number;
  /** When the `channel_update` of an edge was made, as its sender says. */
  updateTime(edge: number): number | undefined;
  nodeTime(counter: number): number | undefined;
  /** The `channel_announcement`, its type first. */
  announcementMessage(slot: number): Uint8Array | undefined;
  updateMessage(edge: number): Uint8Array | undefined;
  nodeMessage(counter: number): Uint8Array | undefined;
}

/**
 * The stored messages that pass: each channel with its updates, then the nodes. Nothing is gathered beforehand, and the
 * graph may change between two messages.
 */
export function* storedGossip(
  graph: StoredGossip,
  filter: TimestampFilter,
): Generator<Uint8Array, void, void> {
  const passesAt = (time: number | undefined) => time !== undefined && passes(filter, time);
  for (let slot = 0; slot < graph.channelLimit; slot++) {
    const edges = [2 * slot, 2 * slot + 1].filter((edge) => passesAt(graph.updateTime(edge)));
    if (edges.length === 0) continue;
    const messages = [graph.announcementMessage(slot), ...edges.map((edge) => graph.updateMessage(edge))];
    if (messages[0] === undefined) continue;
    for (const message of messages) if (message !== undefined) yield message;
  }
  for (let counter = 0; counter < graph.nodeLimit; counter++) {
    if (!passesAt(graph.nodeTime(counter))) continue;
    const message = graph.nodeMessage(counter);
    if (message !== undefined) yield message;
  }
}
