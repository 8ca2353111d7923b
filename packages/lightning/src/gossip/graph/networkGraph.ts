import { networks } from "@fulmen/bitcoin/network";
import type { NetworkUpdate } from "../../handlers/index.ts";
import type { BlockHash, BlockHeight, NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import type { Result } from "../../util/result.ts";
import type { Sat } from "../../util/units.ts";
import type { ChannelAnnouncement, ChannelUpdate, NodeAnnouncement } from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import type { GossipOrigin, GraphMessage, PreparedGossip, SignatureVerdicts } from "../preparedGossip.ts";
import type { UtxoAnswer, UtxoLookup } from "../utxoLookup.ts";
import { staleAfter } from "./acceptance.ts";
import { channelState } from "./channelTable.ts";
import { ownEdgeFlag } from "./edgeColumns.ts";
import { type FundingKeys, slotsFundedBy } from "./fundedBy.ts";
import { GossipIntake, type TakenIn } from "./gossipIntake.ts";
import type { ChannelInfo, NodeInfo, ReadOnlyNetworkGraph } from "./graphEntries.ts";
import { type ExpectedSize, GraphTables, ownNodeFlag } from "./graphTables.ts";
import { GraphViews } from "./graphViews.ts";
import { pendingLookupsToPause, type SourcedGossip } from "./pendingChecks.ts";
import { readGraph } from "./readGraph.ts";
import { RemovedEntries } from "./removedEntries.ts";
import { edgeWord, type RoutingGraph } from "./routingGraph.ts";
import { StoredMessages } from "./storedMessages.ts";
import type { StoredGossip } from "./timestampFilter.ts";
import {
  addPartialAnnouncement,
  applyUnsignedNode,
  applyUnsignedUpdate,
  type PartialAnnouncement,
  type UnsignedChannelUpdate,
  type UnsignedNodeAnnouncement,
} from "./unsignedGossip.ts";
import { type GraphContents, writeGraph } from "./writeGraph.ts";

export interface NetworkGraphOptions {
  /** Hash of the chain's first block: gossip of other chains is refused. */
  readonly chainHash: BlockHash;
  /** Channels beyond this number are not taken in. Default 200,000: four times what the network had in 2026. */
  readonly maxChannels?: number;
  /** 32 random bits, so that nobody can choose ids that make look-ups slow; what the graph does never depends on it. */
  readonly hashSeed?: number;
}

/**
 * So many there were in 2024. The room for them takes no memory before it is used, and nothing is moved as they come.
 */
const mainnetSize: ExpectedSize = { channels: 60_000, nodes: 20_000 };

/**
 * What is known of the network, in columns of numbers that a search reads as they are (`RoutingGraph`), with objects
 * made on demand (`ReadOnlyNetworkGraph`). Sans-IO: time and the chain's answers come in as arguments. What peers say
 * was signed by whom it concerns; the channels behind it exist if a `UtxoLookup` says so, or are merely claimed where
 * there is none. Memory is bounded by `maxChannels`.
 *
 * @ldk lightning::routing::gossip::NetworkGraph
 */
export class NetworkGraph implements ReadOnlyNetworkGraph, RoutingGraph, StoredGossip {
  readonly chainHash: BlockHash;
  /**
   * As of when the last snapshot of rapid gossip sync was; undefined before the first. `RapidGossipSync` sets it, and
   * `write` keeps it.
   */
  lastRapidGossipSync: UnixSeconds | undefined;
  readonly #tables: GraphTables;
  readonly #views: GraphViews;
  readonly #messages: StoredMessages;
  readonly #removed: RemovedEntries;
  readonly #intake: GossipIntake;
  readonly #maxChannels: number;

  /** An empty graph; one with `contents` is made by `read`. */
  constructor(
    { chainHash, maxChannels = 200_000, hashSeed = 0 }: NetworkGraphOptions,
    contents?: GraphContents,
  ) {
    const { tables, removed, lastRapidGossipSync }: GraphContents = contents ?? {
      tables: new GraphTables(hashSeed, chainHash === networks.mainnet.genesisHash ? mainnetSize : undefined),
      removed: new RemovedEntries(),
    };
    this.chainHash = chainHash;
    this.#maxChannels = maxChannels;
    this.#tables = tables;
    this.#removed = removed;
    this.lastRapidGossipSync = lastRapidGossipSync;
    this.#messages = new StoredMessages(tables, chainHash);
    this.#views = new GraphViews(tables, this.#messages);
    this.#intake = new GossipIntake(tables, removed, { chainHash, maxChannels });
  }

  /**
   * The graph that `write` gave. It takes in more channels than `maxChannels` if they are there. Throws `DecodeError`
   * on bytes that `write` would not give, or of another chain; signatures are not verified again.
   */
  static read(bytes: Uint8Array, options: NetworkGraphOptions): NetworkGraph {
    const { chainHash, hashSeed: seed = 0 } = options;
    return new NetworkGraph(options, readGraph(bytes, { chainHash, seed }));
  }

  /**
   * Everything but announcements that wait for the chain's word, as bytes with versions: the same for equal graphs.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::write
   */
  write(): Uint8Array {
    const { lastRapidGossipSync } = this;
    const contents = { tables: this.#tables, removed: this.#removed };
    return writeGraph(
      { ...contents, ...(lastRapidGossipSync !== undefined && { lastRapidGossipSync }) },
      this.chainHash,
    );
  }

  get channelCount(): number {
    return this.#tables.channels.count;
  }

  get nodeCount(): number {
    return this.#tables.nodes.count;
  }

  get nodeCounterLimit(): number {
    return this.#tables.nodes.limit;
  }

  channel(id: ShortChannelId): ChannelInfo | undefined {
    const slot = this.#tables.channels.slotOf(id);
    return slot === undefined ? undefined : this.#views.channel(slot);
  }

  node(id: NodeId): NodeInfo | undefined {
    const counter = this.#tables.nodes.counterOf(id);
    return counter === undefined ? undefined : this.#views.node(counter);
  }

  *channels(): Generator<ChannelInfo, void, void> {
    const { channels } = this.#tables;
    for (let slot = 0; slot < channels.limit; slot++) {
      if (channels.is(slot, channelState.present)) yield this.#views.channel(slot);
    }
  }

  *nodes(): Generator<NodeInfo, void, void> {
    const { nodes, adjacency } = this.#tables;
    for (let counter = 0; counter < nodes.limit; counter++) {
      if ((adjacency.counts[counter] ?? 0) > 0) yield this.#views.node(counter);
    }
  }

  channelFrom(from: bigint): ChannelInfo | undefined {
    const slot = this.#tables.channels.slotFrom(from);
    return slot === undefined ? undefined : this.#views.channel(slot);
  }

  get nodeLimit(): number {
    return this.#tables.nodes.limit;
  }

  get channelLimit(): number {
    return this.#tables.channels.limit;
  }

  get edgeWords(): Uint32Array {
    return this.#tables.channels.edges.words;
  }

  get edgeAmounts(): Float64Array {
    return this.#tables.channels.edges.amounts;
  }

  get edgesIntoStart(): Uint32Array {
    return this.#tables.adjacency.starts;
  }

  get edgesIntoCount(): Uint32Array {
    return this.#tables.adjacency.counts;
  }

  get edgesIntoUsable(): Uint32Array {
    return this.#tables.adjacency.usableCounts;
  }

  get edgesInto(): Uint32Array {
    return this.#tables.adjacency.edges;
  }

  get edgesIntoSource(): Uint32Array {
    return this.#tables.adjacency.sources;
  }

  get nodeFlags(): Uint8Array {
    return this.#tables.nodes.flags;
  }

  nodeCounter(id: NodeId): number | undefined {
    return this.#tables.nodes.counterOf(id);
  }

  nodeIdOf(counter: number): NodeId {
    return this.#tables.nodes.idOf(counter);
  }

  channelSlot(id: ShortChannelId): number | undefined {
    return this.#tables.channels.slotOf(id);
  }

  shortChannelIdOf(slot: number): ShortChannelId {
    return this.#tables.channels.idOf(slot);
  }

  updateTime(edge: number): number | undefined {
    const { edges } = this.#tables.channels;
    return edges.hasFlag(edge, ownEdgeFlag.hasMessage) ? edges.word(edge, edgeWord.lastUpdate) : undefined;
  }

  nodeTime(counter: number): number | undefined {
    return this.#tables.nodes.hasFlag(counter, ownNodeFlag.hasMessage)
      ? this.#tables.details.lastUpdate(counter)
      : undefined;
  }

  announcementMessage(slot: number): Uint8Array | undefined {
    return this.#messages.announcement(slot);
  }

  updateMessage(edge: number): Uint8Array | undefined {
    return this.#messages.update(edge);
  }

  nodeMessage(counter: number): Uint8Array | undefined {
    return this.#messages.node(counter);
  }

  /**
   * Makes all checks of a message but those of signatures, which it names: they are for the caller to make, wherever
   * and whenever he likes, before `apply`. `utxoLookup` must be the same then.
   */
  prepare<M extends GraphMessage>(
    message: M,
    origin: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<PreparedGossip<M>, GossipRefusal> {
    return this.#intake.prepare(message, origin, utxoLookup);
  }

  /**
   * Takes in a message whose signatures were verified, if it still fits: other messages may have come meanwhile, and
   * channels gone. `verdicts` answer `prepared.checks`, in order.
   */
  apply(
    prepared: PreparedGossip,
    verdicts: SignatureVerdicts,
    origin: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<TakenIn, GossipRefusal> {
    return this.#intake.apply(prepared, verdicts, origin, utxoLookup);
  }

  /**
   * A channel that a peer tells of. With `utxoLookup` it is added once the chain has confirmed it, and `pending` until
   * `utxoResolved` brings the answer. One of which the chain knew is never replaced.
   */
  updateChannelFromAnnouncement(
    message: ChannelAnnouncement,
    origin: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<TakenIn, GossipRefusal> {
    return this.#intake.takeIn(message, origin, utxoLookup);
  }

  /** A channel of ours: its signatures are verified, its funding output is known to exist. */
  addOwnChannel(
    message: ChannelAnnouncement,
    about: { readonly now: UnixSeconds; readonly capacity?: Sat },
  ): Result<TakenIn, GossipRefusal> {
    return this.#intake.addOwn(message, about);
  }

  /** Terms of a channel that is known, or being looked up: then they wait for the answer too (`pending`). */
  updateChannel(message: ChannelUpdate, origin: GossipOrigin): Result<TakenIn, GossipRefusal> {
    return this.#intake.takeIn(message, origin);
  }

  /** What a node says of itself, taken in if it has a channel; `pending` if its only channel is being looked up. */
  updateNodeFromAnnouncement(
    message: NodeAnnouncement,
    origin: GossipOrigin,
  ): Result<TakenIn, GossipRefusal> {
    return this.#intake.takeIn(message, origin);
  }

  /**
   * A channel that somebody who is trusted tells of, such as a server of snapshots; `now` may be when he heard of it.
   * Never relayed, since nobody signed it for us.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::add_channel_from_partial_announcement
   */
  addChannelFromPartialAnnouncement(
    channel: PartialAnnouncement,
    now: UnixSeconds,
  ): Result<"added", GossipRefusal> {
    return addPartialAnnouncement(this.#trusting, channel, now);
  }

  /**
   * Terms that somebody who is trusted tells of, of a channel that is known. Never relayed.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::update_channel_unsigned
   */
  updateChannelUnsigned(update: UnsignedChannelUpdate, now: UnixSeconds): Result<"updated", GossipRefusal> {
    return applyUnsignedUpdate(this.#trusting, update, now);
  }

  /**
   * What somebody who is trusted says of a node that has a channel. Never relayed.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::update_node_from_unsigned_announcement
   */
  updateNodeUnsigned(node: UnsignedNodeAnnouncement, now: UnixSeconds): Result<"updated", GossipRefusal> {
    return applyUnsignedNode(this.#trusting, node, now);
  }

  /**
   * The chain's answer about a channel that is being looked up. Gives what the graph took in for it, in an order in
   * which it can be relayed; nothing when no announcement waited or none fits the output.
   */
  utxoResolved(id: ShortChannelId, answer: UtxoAnswer, now: UnixSeconds): readonly SourcedGossip[] {
    return this.#intake.utxoResolved(id, answer, now);
  }

  /** Whether so many lookups are under way that this peer, which waits for one, should not be read from. */
  lookupsHoldUp(source: NodeId): boolean {
    const { pending } = this.#intake;
    return pending.count >= pendingLookupsToPause && pending.hasFrom(source);
  }

  /** Drops lookups that were not answered within a minute, so that they hold nobody up. */
  expireLookups(now: UnixSeconds): void {
    this.#intake.pending.expire(now);
  }

  /**
   * A block spends the outputs that pay to these pairs of keys: the announced channels among them have ended, or were
   * spliced.
   */
  fundingSpent(pairs: readonly FundingKeys[], height: BlockHeight): void {
    const { channels } = this.#tables;
    for (const slot of slotsFundedBy(channels, pairs)) this.#removed.spent.set(channels.idOf(slot), height);
  }

  /** What blocks above `height` spent is not spent after all. */
  fundingUnspent(height: BlockHeight): void {
    for (const [id, at] of this.#removed.spent) if (at > height) this.#removed.spent.delete(id);
  }

  /** Closes the channels that were spent at `height` or before. */
  closeSpent(height: number, now: UnixSeconds): void {
    for (const [id, at] of this.#removed.spent) if (at <= height) this.channelClosed(id, now);
  }

  /**
   * The funding output is spent: the channel goes, and cannot come back for a week. BOLT 7 recommends to wait 72
   * blocks, in which a splice may be announced; so does `SpentChannels`.
   */
  channelClosed(id: ShortChannelId, now: UnixSeconds): void {
    this.#removed.spent.delete(id);
    const slot = this.#tables.channels.slotOf(id);
    if (slot === undefined) return;
    this.#tables.removeChannel(slot);
    this.#removed.addChannel(id, now);
  }

  /**
   * What a failed payment says of the network: a channel, or a node with all its channels, that is gone for good goes,
   * and cannot come back for a week. What may pass is for a scorer to know.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::handle_network_update
   */
  handleNetworkUpdate(update: NetworkUpdate, now: UnixSeconds): void {
    if (!update.isPermanent) return;
    if (update.kind === "channel-failure") {
      this.channelClosed(update.shortChannelId, now);
      return;
    }
    const counter = this.#tables.nodes.counterOf(update.nodeId);
    if (counter === undefined) return;
    for (const edge of this.#tables.adjacency.edgesInto(counter)) {
      this.channelClosed(this.#tables.channels.idOf(edge >>> 1), now);
    }
    this.#removed.addNode(update.nodeId, now);
  }

  /**
   * Forgets terms that were not said anew for two weeks, channels without terms from both sides in that time, and after
   * a week what was removed for good. A channel that merely fell silent may come back at once.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::remove_stale_channels_and_tracking_with_time
   */
  removeStaleChannelsAndTracking(now: UnixSeconds): void {
    const oldest = now - staleAfter;
    const { channels } = this.#tables;
    for (let slot = 0; slot < channels.limit; slot++) {
      if (!channels.is(slot, channelState.present)) continue;
      for (const edge of [2 * slot, 2 * slot + 1]) {
        if (this.#tables.hasTerms(edge) && channels.edges.word(edge, edgeWord.lastUpdate) < oldest) {
          this.#tables.clearTerms(edge);
        }
      }
      const isOneSided = !this.#tables.hasTerms(2 * slot) || !this.#tables.hasTerms(2 * slot + 1);
      if (isOneSided && channels.receivedAt(slot) < oldest) this.#tables.removeChannel(slot);
    }
    this.#removed.expire(now);
  }

  get #trusting() {
    return { tables: this.#tables, removed: this.#removed, maxChannels: this.#maxChannels };
  }
}
