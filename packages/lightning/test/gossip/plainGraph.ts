import type {
  ChannelInfo,
  ChannelUpdateInfo,
  NodeAnnouncementInfo,
  NodeInfo,
  ReadOnlyNetworkGraph,
} from "@fulmen/lightning/gossip";
import { type Msat, msat, type NodeId, noBytes, type ShortChannelId } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { PlainColumns } from "./plainColumns.ts";
import { chainHash } from "./signedGossip.ts";

/** A graph as given, unsigned: for whoever only reads one. */
export class PlainGraph extends PlainColumns implements ReadOnlyNetworkGraph {
  readonly chainHash = chainHash;
  readonly #channels: readonly ChannelInfo[];
  readonly #byId: ReadonlyMap<ShortChannelId, ChannelInfo>;
  readonly #nodes: ReadonlyMap<NodeId, NodeInfo>;

  constructor(
    channels: readonly ChannelInfo[],
    announcements: ReadonlyMap<NodeId, NodeAnnouncementInfo> = new Map(),
  ) {
    const channelsOf = new Map<NodeId, ChannelInfo[]>();
    for (const channel of channels) {
      for (const id of [channel.nodeOne, channel.nodeTwo]) {
        channelsOf.set(id, channelsOf.get(id) ?? []);
        channelsOf.get(id)?.push(channel);
      }
    }
    const nodes = new Map<NodeId, NodeInfo>();
    for (const [nodeId, theirs] of channelsOf) {
      const announcement = announcements.get(nodeId);
      nodes.set(nodeId, {
        nodeId,
        counter: nodes.size,
        channels: theirs,
        ...(announcement && { announcement }),
      });
    }
    const sorted = channels.toSorted((a, b) => (a.shortChannelId < b.shortChannelId ? -1 : 1));
    super(sorted, [...nodes.values()]);
    this.#channels = sorted;
    this.#byId = new Map(channels.map((channel) => [channel.shortChannelId, channel]));
    this.#nodes = nodes;
  }

  get channelCount(): number {
    return this.#channels.length;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get nodeCounterLimit(): number {
    return this.#nodes.size;
  }

  channel(id: ShortChannelId): ChannelInfo | undefined {
    return this.#byId.get(id);
  }

  node(id: NodeId): NodeInfo | undefined {
    return this.#nodes.get(id);
  }

  channels(): Iterable<ChannelInfo> {
    return this.#channels;
  }

  nodes(): Iterable<NodeInfo> {
    return this.#nodes.values();
  }

  channelFrom(from: bigint): ChannelInfo | undefined {
    let low = 0;
    let high = this.#channels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#channels[middle]?.shortChannelId ?? from) < from) low = middle + 1;
      else high = middle;
    }
    return this.#channels[low];
  }
}

/** A channel between two nodes in any order; `from` are the terms of the one named first. */
export function plainChannel(
  shortChannelId: bigint,
  [from, to]: readonly [NodeId, NodeId],
  terms: { readonly from?: ChannelUpdateInfo; readonly to?: ChannelUpdateInfo },
): ChannelInfo {
  const inOrder = from < to;
  const oneToTwo = inOrder ? terms.from : terms.to;
  const twoToOne = inOrder ? terms.to : terms.from;
  return {
    shortChannelId: shortChannelId as ShortChannelId,
    nodeOne: inOrder ? from : to,
    nodeTwo: inOrder ? to : from,
    nodeOneCounter: 0,
    nodeTwoCounter: 0,
    features: Features.none,
    unknownFeaturesRequired: false,
    fundingVerified: true,
    ...(oneToTwo && { oneToTwo }),
    ...(twoToOne && { twoToOne }),
    announcementReceivedAt: 0,
    message: noBytes,
  };
}

export function plainTerms(changes: Partial<ChannelUpdateInfo> = {}): ChannelUpdateInfo {
  return {
    enabled: true,
    lastUpdate: 1000,
    cltvExpiryDelta: 40,
    htlcMinimum: 0n as Msat,
    htlcMaximum: msat(10n ** 12n),
    feeBaseMsat: 0,
    feeProportionalMillionths: 0,
    message: noBytes,
    ...changes,
  };
}
