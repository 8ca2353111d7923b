import type {
  RapidChannel,
  RapidNode,
  RapidSnapshot,
  RapidTerms,
  ReadOnlyNetworkGraph,
} from "@fulmen/lightning/gossip";
import type { NodeId, ShortChannelId } from "@fulmen/lightning/util";

const week = 7 * 24 * 3600;

interface Said {
  readonly at: number;
  readonly enabled: boolean;
  readonly terms: RapidTerms;
}

interface Listed extends RapidChannel {
  readonly at: number;
  one?: Said;
  two?: Said;
}

/** What LDK's client does with snapshots, on plain maps: it forgets in a week what none of them mentions. */
export class RapidClient {
  readonly #channels = new Map<ShortChannelId, Listed>();
  readonly #nodes = new Map<NodeId, RapidNode>();
  lastSync = 0;

  apply({ latestSeen, channels, nodes, updates }: RapidSnapshot): void {
    for (const channel of channels) {
      if (this.#channels.has(channel.shortChannelId)) continue;
      this.#channels.set(channel.shortChannelId, { ...channel, at: latestSeen });
    }
    for (const node of nodes) {
      if (!this.#hasChannel(node.nodeId)) continue;
      this.#nodes.set(node.nodeId, { ...this.#nodes.get(node.nodeId), ...node });
    }
    for (const update of updates) {
      const channel = this.#channels.get(update.shortChannelId);
      if (channel === undefined) continue;
      const side = update.isFromNodeOne ? "one" : "two";
      const before = channel[side];
      if (update.kind === "incremental" && before === undefined) continue;
      const terms = update.kind === "full" ? update.terms : { ...before?.terms, ...update.changes };
      channel[side] = { at: latestSeen, enabled: update.enabled, terms: terms as RapidTerms };
    }
    this.lastSync = latestSeen;
  }

  forget(now: number): void {
    for (const [id, channel] of this.#channels) {
      if (channel.one !== undefined && channel.one.at < now - week) delete channel.one;
      if (channel.two !== undefined && channel.two.at < now - week) delete channel.two;
      if (channel.one !== undefined && channel.two !== undefined) continue;
      if (channel.at < now - week) this.#channels.delete(id);
    }
    for (const id of this.#nodes.keys()) if (!this.#hasChannel(id)) this.#nodes.delete(id);
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /** All that a snapshot can say, of the channels that `graph` has. */
  knows(graph: ReadOnlyNetworkGraph): unknown {
    return comparable(
      graph,
      (id) => this.#channels.get(id),
      (id) => this.#nodes.get(id),
    );
  }

  #hasChannel(id: NodeId): boolean {
    for (const { nodeOne, nodeTwo } of this.#channels.values()) {
      if (nodeOne === id || nodeTwo === id) return true;
    }
    return false;
  }
}

/** All that a snapshot can say of what is in `graph`. */
export function inGraph(graph: ReadOnlyNetworkGraph): unknown {
  const find = (id: ShortChannelId) => {
    const channel = graph.channel(id);
    if (channel?.oneToTwo === undefined || channel.twoToOne === undefined) return undefined;
    return {
      ...channel,
      one: { enabled: channel.oneToTwo.enabled, terms: channel.oneToTwo },
      two: { enabled: channel.twoToOne.enabled, terms: channel.twoToOne },
    };
  };
  return comparable(graph, find, (id) => graph.node(id)?.announcement);
}

function comparable(
  graph: ReadOnlyNetworkGraph,
  channelOf: (
    id: ShortChannelId,
  ) => (RapidChannel & { one?: Omit<Said, "at">; two?: Omit<Said, "at"> }) | undefined,
  nodeOf: (id: NodeId) => Omit<RapidNode, "nodeId"> | undefined,
): unknown {
  const channels: unknown[] = [];
  const ids = new Set<NodeId>();
  for (const { shortChannelId, oneToTwo, twoToOne } of graph.channels()) {
    if (oneToTwo === undefined || twoToOne === undefined) continue;
    const found = channelOf(shortChannelId);
    if (found === undefined) {
      channels.push([shortChannelId, "unknown"]);
      continue;
    }
    const { nodeOne, nodeTwo, features, capacity, one, two } = found;
    ids.add(nodeOne).add(nodeTwo);
    channels.push([shortChannelId, nodeOne, nodeTwo, features.bits(), capacity, plain(one), plain(two)]);
  }
  const nodes = [...ids].sort().map((id) => {
    const announced = graph.node(id)?.announcement;
    const node = announced && nodeOf(id);
    const addresses = (node?.addresses ?? []).filter(({ host }) => host.length < 252);
    return [id, node?.features?.bits() ?? [], addresses];
  });
  return { channels, nodes };
}

function plain(said: Omit<Said, "at"> | undefined): unknown {
  if (said === undefined) return undefined;
  const { cltvExpiryDelta, htlcMinimum, htlcMaximum, feeBaseMsat, feeProportionalMillionths } = said.terms;
  return [said.enabled, cltvExpiryDelta, htlcMinimum, htlcMaximum, feeBaseMsat, feeProportionalMillionths];
}
