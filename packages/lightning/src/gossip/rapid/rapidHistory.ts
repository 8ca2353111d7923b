import type { BlockHash, NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { InvariantError } from "../../util/invariant.ts";
import type { Sat } from "../../util/units.ts";
import type { Features, SocketAddress } from "../../wire/index.ts";
import type {
  ChannelInfo,
  ChannelUpdateInfo,
  NodeAnnouncementInfo,
  ReadOnlyNetworkGraph,
} from "../graph/graphEntries.ts";
import type { RapidTerms } from "./rapidSnapshot.ts";

/** When each part of a channel's terms last changed, in the history's times. */
export type TermTimes = Record<keyof RapidTerms | "enabled", UnixSeconds>;

/** How one side forwards, and since when it does so. */
export interface KnownTerms {
  enabled: boolean;
  terms: RapidTerms;
  readonly changedAt: TermTimes;
}

/** A channel of which both sides have said their terms. */
export interface KnownChannel {
  readonly shortChannelId: ShortChannelId;
  readonly nodeOne: NodeId;
  readonly nodeTwo: NodeId;
  readonly features: Features;
  readonly capacity?: Sat;
  /** When it became one. */
  readonly announcedAt: UnixSeconds;
  readonly oneToTwo: KnownTerms;
  readonly twoToOne: KnownTerms;
}

/** What a node with a known channel says of itself. */
export interface KnownNode {
  readonly nodeId: NodeId;
  features: Features;
  /** Or when it got its first known channel, or said something of itself for the first time. */
  featuresChangedAt: UnixSeconds;
  addresses: readonly SocketAddress[];
  addressesChangedAt: UnixSeconds;
}

/** A graph of which a history is kept, such as `NetworkGraph`. */
export type ObservedGraph = ReadOnlyNetworkGraph & { readonly chainHash: BlockHash };

/** All that a history holds: what is stored of it. */
export interface HistoryContents {
  readonly chainHash: BlockHash;
  /** From then on it is known what changed. */
  readonly completeSince: UnixSeconds;
  /** When the graph was looked at last. */
  readonly observedAt: UnixSeconds;
  /** Ascending. */
  readonly channels: readonly KnownChannel[];
  /** Those with a known channel who say something of themselves. */
  readonly nodes: Iterable<KnownNode>;
}

/**
 * A graph as it was when it was last looked at, and when each value in it last changed: all that it takes to tell a
 * client what is new to it. Its size is that of the graph, however long it goes on.
 *
 * LDK's server keeps all updates that it ever saw in a database, and finds in them what changed since a client asked
 * last.
 */
export class RapidGossipHistory implements HistoryContents {
  readonly chainHash: BlockHash;
  readonly completeSince: UnixSeconds;
  #observedAt: UnixSeconds;
  #channels: readonly KnownChannel[];
  #nodes: ReadonlyMap<NodeId, KnownNode>;

  /** As it was stored. To begin one, see `of`. */
  constructor({ chainHash, completeSince, observedAt, channels, nodes }: HistoryContents) {
    this.chainHash = chainHash;
    this.completeSince = completeSince;
    this.#observedAt = observedAt;
    this.#channels = channels;
    this.#nodes = new Map(Array.from(nodes, (node) => [node.nodeId, node]));
  }

  /** A history that begins with `graph` as it is now. */
  static of(graph: ObservedGraph, now: UnixSeconds): RapidGossipHistory {
    const { chainHash } = graph;
    const history = new RapidGossipHistory({
      chainHash,
      completeSince: now,
      observedAt: now,
      channels: [],
      nodes: [],
    });
    history.#lookAt(graph);
    return history;
  }

  get observedAt(): UnixSeconds {
    return this.#observedAt;
  }

  get channels(): readonly KnownChannel[] {
    return this.#channels;
  }

  get nodes(): Iterable<KnownNode> {
    return this.#nodes.values();
  }

  /**
   * Notes what has changed in the graph since it was last looked at. `now` must be later than the last time: a client
   * that was told of the graph as of some time must not miss what comes with the same time afterwards. Throws
   * `InvariantError` if it is not, and for a graph of another chain.
   */
  observe(graph: ObservedGraph, now: UnixSeconds): void {
    const { chainHash } = graph;
    if (chainHash !== this.chainHash) throw new InvariantError(`a graph of chain ${chainHash}`);
    if (now <= this.#observedAt) throw new InvariantError(`${now} is not after ${this.#observedAt}`);
    this.#observedAt = now;
    this.#lookAt(graph);
  }

  #lookAt(graph: ReadOnlyNetworkGraph): void {
    const now = this.#observedAt;
    const before = new Map(this.#channels.map((channel) => [channel.shortChannelId, channel]));
    const channels: KnownChannel[] = [];
    for (const channel of graph.channels()) {
      const known = noteChannel(before.get(channel.shortChannelId), channel, now);
      if (known !== undefined) channels.push(known);
    }
    channels.sort((a, b) => (a.shortChannelId < b.shortChannelId ? -1 : 1));
    const nodes = new Map<NodeId, KnownNode>();
    for (const { nodeOne, nodeTwo } of channels) {
      for (const id of [nodeOne, nodeTwo]) {
        if (nodes.has(id)) continue;
        const announcement = graph.node(id)?.announcement;
        if (announcement !== undefined)
          nodes.set(id, noteNode(this.#nodes.get(id), { id, announcement, now }));
      }
    }
    this.#channels = channels;
    this.#nodes = nodes;
  }
}

/**
 * Nothing for a channel of which one side has not said its terms: it is young, or about to go, and a client would
 * forget it sooner than we do.
 */
function noteChannel(
  known: KnownChannel | undefined,
  { oneToTwo, twoToOne, ...channel }: ChannelInfo,
  now: UnixSeconds,
): KnownChannel | undefined {
  if (oneToTwo === undefined || twoToOne === undefined) return undefined;
  if (known !== undefined && known.nodeOne === channel.nodeOne && known.nodeTwo === channel.nodeTwo) {
    noteTerms(known.oneToTwo, oneToTwo, now);
    noteTerms(known.twoToOne, twoToOne, now);
    return known;
  }
  return {
    shortChannelId: channel.shortChannelId,
    nodeOne: channel.nodeOne,
    nodeTwo: channel.nodeTwo,
    features: channel.features,
    ...(channel.capacity !== undefined && { capacity: channel.capacity }),
    announcedAt: now,
    oneToTwo: newTerms(oneToTwo, now),
    twoToOne: newTerms(twoToOne, now),
  };
}

function newTerms(terms: ChannelUpdateInfo, now: UnixSeconds): KnownTerms {
  return {
    enabled: terms.enabled,
    terms: termsOf(terms),
    changedAt: {
      enabled: now,
      cltvExpiryDelta: now,
      htlcMinimum: now,
      feeBaseMsat: now,
      feeProportionalMillionths: now,
      htlcMaximum: now,
    },
  };
}

function noteTerms(known: KnownTerms, latest: ChannelUpdateInfo, now: UnixSeconds): void {
  const { changedAt, terms } = known;
  let hasChanged = false;
  for (const field of termFields) {
    if (terms[field] === latest[field]) continue;
    changedAt[field] = now;
    hasChanged = true;
  }
  if (hasChanged) known.terms = termsOf(latest);
  if (known.enabled === latest.enabled) return;
  known.enabled = latest.enabled;
  changedAt.enabled = now;
}

/** The parts of terms, in the order of their flags. */
export const termFields: readonly (keyof RapidTerms)[] = [
  "cltvExpiryDelta",
  "htlcMinimum",
  "feeBaseMsat",
  "feeProportionalMillionths",
  "htlcMaximum",
];

/** What of an update a snapshot carries. */
function termsOf(info: RapidTerms): RapidTerms {
  const { cltvExpiryDelta, htlcMinimum, feeBaseMsat, feeProportionalMillionths, htlcMaximum } = info;
  return { cltvExpiryDelta, htlcMinimum, feeBaseMsat, feeProportionalMillionths, htlcMaximum };
}

function noteNode(
  known: KnownNode | undefined,
  about: { readonly id: NodeId; readonly announcement: NodeAnnouncementInfo; readonly now: UnixSeconds },
): KnownNode {
  const { id, announcement, now } = about;
  const { features, addresses } = announcement;
  if (known === undefined) {
    return {
      nodeId: id,
      features,
      featuresChangedAt: now,
      addresses,
      addressesChangedAt: now,
    };
  }
  if (!known.features.equals(features)) {
    known.features = features;
    known.featuresChangedAt = now;
  }
  if (!sameAddresses(known.addresses, addresses)) {
    known.addresses = addresses;
    known.addressesChangedAt = now;
  }
  return known;
}

function sameAddresses(some: readonly SocketAddress[], others: readonly SocketAddress[]): boolean {
  if (some.length !== others.length) return false;
  return some.every(({ type, host, port }, index) => {
    const other = others[index];
    return other?.type === type && other.host === host && other.port === port;
  });
}
