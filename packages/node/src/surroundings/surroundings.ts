import { type ChannelInfo, nodeAliasText, type ReadOnlyNetworkGraph } from "@fulmen/lightning/gossip";
import type { NodeId } from "@fulmen/lightning/util";
import type { GraphChannel, GraphNode, GraphView } from "../api/graph.ts";

/** Where to look from. */
interface Centre {
  readonly own: NodeId;
  /** Of our channels, also of those that are not announced. */
  readonly peers: readonly NodeId[];
}

/** Channels that are told for each node at the most: hubs of the public network have thousands with each other. */
const channelsPerNode = 5;

/**
 * Our node, our peers, their peers and so on, until there are `limit` nodes, and the channels between them. Of many neighbours
 * those with the largest channels come first; the same graph gives the same answer.
 */
export function surroundings(graph: ReadOnlyNetworkGraph, { own, peers }: Centre, limit: number): GraphView {
  const distances = new Map<NodeId, number>([[own, 0]]);
  for (const peer of [...new Set(peers)].sort()) if (distances.size < limit) distances.set(peer, 1);
  const channels = new Map<bigint, ChannelInfo>();
  // A map is walked in the order of what was added, also of what is added meanwhile.
  for (const [id, distance] of distances) {
    for (const channel of largestFirst(graph.node(id)?.channels ?? [])) {
      const other = channel.nodeOne === id ? channel.nodeTwo : channel.nodeOne;
      if (!distances.has(other) && distances.size < limit) distances.set(other, distance + 1);
      if (distances.has(other) && channels.size < limit * channelsPerNode)
        channels.set(channel.shortChannelId, channel);
    }
  }
  return {
    nodes: [...distances].map(([nodeId, distance]) => nodeView(graph, nodeId, distance)),
    channels: [...channels.values()].map(channelView),
  };
}

function largestFirst(channels: readonly ChannelInfo[]): readonly ChannelInfo[] {
  const size = ({ capacity }: ChannelInfo): bigint => capacity ?? 0n;
  const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...channels].sort((a, b) => order(size(b), size(a)) || order(a.shortChannelId, b.shortChannelId));
}

function nodeView(graph: ReadOnlyNetworkGraph, nodeId: NodeId, distance: number): GraphNode {
  const announcement = graph.node(nodeId)?.announcement;
  const alias = announcement === undefined ? "" : nodeAliasText(announcement.alias);
  return { nodeId, ...(alias !== "" && { alias }), distance };
}

function channelView({ shortChannelId, nodeOne, nodeTwo, capacity }: ChannelInfo): GraphChannel {
  return { shortChannelId, nodes: [nodeOne, nodeTwo], ...(capacity !== undefined && { capacity }) };
}
