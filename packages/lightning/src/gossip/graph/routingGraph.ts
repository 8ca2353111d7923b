import type { NodeId, ShortChannelId } from "../../util/ids.ts";

/**
 * The graph as a search reads it: numbers side by side, no objects. A node is its counter, below `nodeLimit`. An edge
 * is one direction of a channel: `2 * slot` leads from node one to node two, `2 * slot + 1` back, with `slot` below
 * `channelLimit`; so `edge ^ 1` is the way back and `edge >>> 1` the channel. Counters and slots are used again.
 *
 * The arrays are the graph's own, change with it, and are replaced when it grows: read them within one call, keep none.
 */
export interface RoutingGraph {
  /** All counters of nodes are below. */
  readonly nodeLimit: number;
  /** All slots of channels are below. */
  readonly channelLimit: number;
  /** The words of the edges, `edgeWord.count` for each: `edgeWords[edge * edgeWord.count + edgeWord.source]`. */
  readonly edgeWords: Uint32Array;
  /** The same memory as doubles, `edgeAmount.count` for each: msat, exact below 2^53. */
  readonly edgeAmounts: Float64Array;
  /** By node counter: where its edges begin in `edgesInto`. */
  readonly edgesIntoStart: Uint32Array;
  /** By node counter: how many there are; 0 for a counter that is free. */
  readonly edgesIntoCount: Uint32Array;
  /**
   * By node counter: how many of these, the first ones, a search may take: they are `usable`, and ask for nothing
   * unknown.
   */
  readonly edgesIntoUsable: Uint32Array;
  /** The edges that lead into a node, those without terms too; each one `^ 1` leads out of it. */
  readonly edgesInto: Uint32Array;
  /**
   * By place in `edgesInto`: the node that the edge comes from, as its words say, too; read without leaving the row.
   */
  readonly edgesIntoSource: Uint32Array;
  /** By node counter: `nodeFlag`s. */
  readonly nodeFlags: Uint8Array;
  nodeCounter(id: NodeId): number | undefined;
  /** The node behind a counter that is in use. */
  nodeIdOf(counter: number): NodeId;
  channelSlot(id: ShortChannelId): number | undefined;
  /** The channel behind a slot that is in use. */
  shortChannelIdOf(slot: number): ShortChannelId;
}

/** Places of an edge's words. An edge is 64 bytes, a line of the cache: three doubles, then words. */
export const edgeWord = {
  count: 16,
  /** Counter of the node that sets the terms. */
  source: 6,
  /** Counter of the node that it leads to. */
  target: 7,
  feeBaseMsat: 8,
  feeProportionalMillionths: 9,
  cltvExpiryDelta: 10,
  /** `edgeFlag`s. */
  flags: 11,
  /** Seconds since 1970, as the sender of the terms says. */
  lastUpdate: 12,
  /** The short channel id, its greater half first. */
  shortChannelIdHigh: 14,
  shortChannelIdLow: 15,
} as const;

/** Places of an edge's amounts, all in msat. */
export const edgeAmount = {
  count: 8,
  htlcMinimum: 0,
  /** Never above the capacity. */
  htlcMaximum: 1,
  /** Of the channel; -1 when unknown. */
  capacity: 2,
} as const;

/** What `edgeWord.flags` holds. An edge can be taken when it is `usable` and asks for nothing unknown. */
export const edgeFlag = {
  /** There are terms, and they are not disabled. */
  usable: 1,
  /** The channel's features ask for what this kit does not know (BOLT 7): no payment may take it. */
  unknownFeaturesRequired: 2,
  /** There are terms, enabled or not. */
  hasTerms: 4,
} as const;

/** What `RoutingGraph.nodeFlags` holds. */
export const nodeFlag = {
  /** The node's features ask for what this kit does not know (BOLT 7): no payment may pass it. */
  unknownFeaturesRequired: 1,
  /** The node takes payments in several parts (`basic_mpp`). */
  basicMpp: 2,
} as const;
