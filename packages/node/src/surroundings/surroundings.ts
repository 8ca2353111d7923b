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
/** How many a node leads to at first, so that one hub does not take all the room. */
const firstShare = 6;

/**
 * Our node, our peers, their peers and so on, until there are `limit` nodes, and the channels between them. Of many
 * neighbours those with the largest channels come first; the same graph gives the same answer.
 */
export function surroundings(graph: ReadOnlyNetworkGraph, { own, peers }: Centre, limit: number): GraphView {
  const sorted = new Map<NodeId, readonly ChannelInfo[]>();
  const channelsOf = (id: NodeId): readonly ChannelInfo[] => {
    const known = sorted.get(id) ?? largestFirst(graph.node(id)?.channels ?? []);
    sorted.set(id, known);
    return known;
  };
  const near = new Set<NodeId>([own]);
  for (const peer of [...new Set(peers)].sort()) if (near.size < limit) near.add(peer);
  let most = firstShare;
  for (let isMore = true; isMore && near.size < limit; most *= 2) {
    isMore = false;
    // A set is walked in the order of what was added, also of what is added meanwhile.
    for (const id of near) {
      const channels = channelsOf(id);
      isMore ||= channels.length > most;
      for (const channel of channels.slice(0, most)) if (near.size < limit) near.add(otherOf(channel, id));
    }
  }
  const channels = new Map<bigint, ChannelInfo>();
  for (const id of near) {
    for (const channel of channelsOf(id)) {
      if (channels.size >= limit * channelsPerNode) break;
      if (near.has(otherOf(channel, id))) channels.set(channel.shortChannelId, channel);
    }
  }
  const distances = distancesFrom(own, peers, [...channels.values()]);
  return {
    nodes: [...near]
      .map((nodeId) => nodeView(graph, nodeId, distances.get(nodeId) ?? limit))
      .sort((one, other) => one.distance - other.distance),
    channels: [...channels.values()].map(channelView),
  };
}

function otherOf({ nodeOne, nodeTwo }: ChannelInfo, id: NodeId): NodeId {
  return nodeOne === id ? nodeTwo : nodeOne;
}

function distancesFrom(
  own: NodeId,
  peers: readonly NodeId[],
  channels: readonly ChannelInfo[],
): ReadonlyMap<NodeId, number> {
  const neighbours = new Map<NodeId, NodeId[]>([[own, [...peers]]]);
  for (const { nodeOne, nodeTwo } of channels) {
    for (const [one, other] of [
      [nodeOne, nodeTwo],
      [nodeTwo, nodeOne],
    ] as const) {
      const known = neighbours.get(one);
      if (known === undefined) neighbours.set(one, [other]);
      else known.push(other);
    }
  }
  const distances = new Map<NodeId, number>([[own, 0]]);
  for (const [id, distance] of distances)
    for (const other of neighbours.get(id) ?? [])
      if (!distances.has(other)) distances.set(other, distance + 1);
  return distances;
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
