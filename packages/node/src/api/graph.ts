import type { NodeId, Sat, ShortChannelId } from "@fulmen/lightning/util";

/** A node near ours. */
export interface GraphNode {
  readonly nodeId: NodeId;
  /** What it calls itself, without what could deceive a reader; absent when it says nothing. */
  readonly alias?: string;
  /** Channels between ours and it. */
  readonly distance: number;
}

/** An announced channel between two nodes that are near. */
export interface GraphChannel {
  readonly shortChannelId: ShortChannelId;
  readonly nodes: readonly [NodeId, NodeId];
  /** Absent when it was not looked up on the chain. */
  readonly capacity?: Sat;
}

/** The part of the known network that is near the node. */
export interface GraphView {
  /** The nearest first, and ours before all. */
  readonly nodes: readonly GraphNode[];
  readonly channels: readonly GraphChannel[];
}

export interface GraphQuery {
  /** At most so many nodes, up to 1,000. Default 200. */
  readonly limit?: number;
}
