import type { NodeId, ShortChannelId } from "../../util/ids.ts";
import type { Msat, Sat } from "../../util/units.ts";
import type { Features, SocketAddress } from "../../wire/index.ts";

/** The terms on which one side of a channel forwards. @ldk lightning::routing::gossip::ChannelUpdateInfo */
export interface ChannelUpdateInfo {
  readonly enabled: boolean;
  /** Seconds since 1970, as the sender says. */
  readonly lastUpdate: number;
  readonly cltvExpiryDelta: number;
  readonly htlcMinimum: Msat;
  /**
   * At least `htlcMinimum` only where the sender is sane; never above the capacity, where that is known, or 2^53 - 1.
   */
  readonly htlcMaximum: Msat;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  /** The `channel_update` as it came, its type first; absent when it came unsigned, or says more than is kept. */
  readonly message?: Uint8Array;
}

/**
 * An announced channel, as it is when it is asked for: entries are made on demand and do not change with the graph.
 *
 * @ldk lightning::routing::gossip::ChannelInfo
 */
export interface ChannelInfo {
  readonly shortChannelId: ShortChannelId;
  /** The lesser of the two ids. */
  readonly nodeOne: NodeId;
  readonly nodeTwo: NodeId;
  /** Counters of the two nodes: see `NodeInfo`. */
  readonly nodeOneCounter: number;
  readonly nodeTwoCounter: number;
  readonly features: Features;
  /** Set where the features ask for what this kit does not know: then no payment may take this channel (BOLT 7). */
  readonly unknownFeaturesRequired: boolean;
  /** The funding output was seen on the chain, or the channel is our own. */
  readonly fundingVerified: boolean;
  /** Of the funding output; absent when it was never seen. */
  readonly capacity?: Sat;
  /** How `nodeOne` forwards towards `nodeTwo`. */
  readonly oneToTwo?: ChannelUpdateInfo;
  readonly twoToOne?: ChannelUpdateInfo;
  /** Seconds since 1970. */
  readonly announcementReceivedAt: number;
  /** The `channel_announcement` as it came, its type first; absent when it came unsigned. */
  readonly message?: Uint8Array;
}

/** What a node says of itself. @ldk lightning::routing::gossip::NodeAnnouncementInfo */
export interface NodeAnnouncementInfo {
  readonly features: Features;
  /** Set where the features ask for what this kit does not know: then no payment may pass this node (BOLT 7). */
  readonly unknownFeaturesRequired: boolean;
  /** Seconds since 1970, as the node says. */
  readonly lastUpdate: number;
  /** Red, green, blue. */
  readonly rgbColor: Uint8Array;
  /** 32 bytes, chosen by the node: show them by `nodeAliasText` only. */
  readonly alias: Uint8Array;
  readonly addresses: readonly SocketAddress[];
  /** The `node_announcement` as it came, its type first; absent when it came unsigned. */
  readonly message?: Uint8Array;
}

/** A node with at least one channel, as it is when it is asked for. @ldk lightning::routing::gossip::NodeInfo */
export interface NodeInfo {
  readonly nodeId: NodeId;
  /**
   * Small and unique among the nodes of the graph, so that searches can keep their state in arrays. Used again later.
   */
  readonly counter: number;
  /** As they are when this is read. */
  readonly channels: readonly ChannelInfo[];
  readonly announcement?: NodeAnnouncementInfo;
}

/**
 * What may be read of a graph: what a router, a dump for a peer or a user's view needs.
 *
 * @ldk lightning::routing::gossip::ReadOnlyNetworkGraph
 */
export interface ReadOnlyNetworkGraph {
  readonly channelCount: number;
  readonly nodeCount: number;
  /** All counters of nodes are below. */
  readonly nodeCounterLimit: number;
  channel(id: ShortChannelId): ChannelInfo | undefined;
  node(id: NodeId): NodeInfo | undefined;
  /** All channels, in no particular order; entries that come or go meanwhile may or may not be seen. */
  channels(): Iterable<ChannelInfo>;
  /** All nodes, likewise. */
  nodes(): Iterable<NodeInfo>;
  /** The channel with the least id that is `from` or above. */
  channelFrom(from: bigint): ChannelInfo | undefined;
}
