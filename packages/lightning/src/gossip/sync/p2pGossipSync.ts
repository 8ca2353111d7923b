import { utf8 } from "@scure/base";
import type {
  GossipMessage,
  MessageSendEvent,
  NetworkUpdate,
  PeerConnection,
  RoutingMessageHandler,
} from "../../handlers/index.ts";
import { equalBytes } from "../../util/bytes.ts";
import type { ChannelId, NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import type { Sat } from "../../util/units.ts";
import {
  type ChannelAnnouncement,
  type ChannelUpdate,
  encodeMessage,
  Features,
  featuresOfInit,
  type GossipTimestampFilter,
  type NodeAnnouncement,
  type QueryChannelRange,
  type QueryShortChannelIds,
  type ReplyShortChannelIdsEnd,
} from "../../wire/index.ts";
import { type GossipRefusal, verdictOn } from "../gossipRefusal.ts";
import type { TakenIn } from "../graph/gossipIntake.ts";
import type { NetworkGraph } from "../graph/networkGraph.ts";
import type { SourcedGossip } from "../graph/pendingChecks.ts";
import { channelPasses, passes, storedGossip } from "../graph/timestampFilter.ts";
import type { GraphMessage, PreparedGossip, SignatureVerdicts } from "../preparedGossip.ts";
import type { UtxoAnswer, UtxoLookup } from "../utxoLookup.ts";
import { GossipRates } from "./gossipRates.ts";
import { type GossipSyncStatus, GraphSync, type QueryToPeer } from "./graphSync.ts";
import { type FilterForPeer, NewGossipPeers } from "./newGossipPeers.ts";
import { OutgoingGossip } from "./outgoingGossip.ts";
import { PeerSync } from "./peerSync.ts";
import { channelRangeReplies, shortChannelIdReplies } from "./queryReplies.ts";
import {
  type QueuedGossip,
  type SignatureBatch,
  VerificationQueue,
  verifySignatures,
} from "./verificationQueue.ts";

export interface P2PGossipSyncOptions {
  readonly graph: NetworkGraph;
  readonly now: UnixSeconds;
  /** Asked whether announced channels exist; absent, everything that is signed is believed. */
  readonly utxoLookup?: UtxoLookup;
  /**
   * `at-once`, the default: signatures are verified as messages come. `queued`: somebody takes them by
   * `takeSignatureBatch` and brings the verdicts to `signaturesChecked`.
   */
  readonly verification?: "at-once" | "queued";
  /**
   * Seconds between two times at which relayed gossip goes out: 60, as BOLT 7 asks, by default. With 0 it goes at once.
   */
  readonly flushInterval?: number;
}

type Announcement = SourcedGossip["message"];

/** Messages that no honest peer passes on, after which a connection ends. */
const maxInvalidMessages = 20;
/** Seconds between two searches for what is stale. */
const pruneInterval = 3600;

/**
 * Keeps a graph in step with the peers (BOLT 7): asks them for gossip, takes in and relays what is valid and new, and
 * answers their filters and queries from what is stored, as fast as each of them reads and no faster.
 *
 * @ldk lightning::routing::gossip::P2PGossipSync
 */
export class P2PGossipSync implements RoutingMessageHandler {
  readonly #graph: NetworkGraph;
  readonly #utxoLookup: UtxoLookup | undefined;
  readonly #peers = new Map<NodeId, PeerSync>();
  /** Announced channels that are not relayed before they have an update (BOLT 7), at most those in the graph. */
  readonly #unrelayed = new Map<ShortChannelId, SourcedGossip<ChannelAnnouncement>>();
  readonly #outgoing: OutgoingGossip;
  readonly #rates = new GossipRates();
  readonly #queue: VerificationQueue;
  readonly #isQueued: boolean;
  /** Ends of answers that came behind messages which wait to be verified. */
  readonly #heldEnds = new Map<NodeId, HeldEnd>();
  readonly #graphSync: GraphSync;
  readonly #newGossip: NewGossipPeers;
  #events: MessageSendEvent[] = [];
  #now: UnixSeconds;
  #prunedAt: UnixSeconds;

  constructor({
    graph,
    now,
    utxoLookup,
    verification = "at-once",
    flushInterval = 60,
  }: P2PGossipSyncOptions) {
    this.#graph = graph;
    this.#outgoing = new OutgoingGossip(flushInterval, now);
    this.#graphSync = new GraphSync(graph, now);
    this.#newGossip = new NewGossipPeers(graph.chainHash);
    this.#isQueued = verification === "queued";
    this.#queue = new VerificationQueue({
      prepare: (queued) => this.#prepare(queued),
      apply: (queued, prepared, verdicts) => this.#apply(queued, prepared, verdicts),
      refuse: (queued, refusal) => this.#refused(queued, refusal),
    });
    this.#utxoLookup = utxoLookup;
    this.#now = now;
    this.#prunedAt = now;
  }

  /** How far the graph is in step with the network. Nobody else has such a notion: ask before the first payment. */
  get status(): GossipSyncStatus {
    return this.#graphSync.status;
  }

  /** Time goes on; call it every few seconds. A clock that goes back is taken to stand still. */
  tick(now: UnixSeconds): void {
    if (now < this.#now) return;
    this.#now = now;
    this.#graph.expireLookups(now);
    this.#queue.retry();
    this.#verifyUnlessQueued();
    this.#releaseEnds();
    this.#flush();
    this.#graphSync.tick(now);
    this.#sendQueries();
    if (now - this.#prunedAt < pruneInterval) return;
    this.#prunedAt = now;
    this.#rates.tick(now);
    for (const filter of this.#newGossip.rotate(now)) this.#send(filter);
    this.#graph.removeStaleChannelsAndTracking(now);
    for (const id of this.#unrelayed.keys()) {
      if (this.#graph.channel(id) === undefined) this.#unrelayed.delete(id);
    }
  }

  /** Takes what a failed payment says of the network to the graph. `BackgroundProcessor` hands it on. */
  handleNetworkUpdate(update: NetworkUpdate): void {
    this.#graph.handleNetworkUpdate(update, this.#now);
  }

  peerConnected(nodeId: NodeId, { init, epoch }: PeerConnection): "accept" {
    this.#peers.set(nodeId, new PeerSync(epoch));
    const features = featuresOfInit(init);
    const hasQueries = features.has("gossip_queries");
    const isExtended = features.has("gossip_queries_ex");
    this.#send({ nodeId, message: this.#newGossip.connected(nodeId, { hasQueries, isExtended }, this.#now) });
    if (hasQueries) this.#graphSync.connected(nodeId, isExtended);
    this.#sendQueries();
    return "accept";
  }

  peerDisconnected(nodeId: NodeId): void {
    this.#peers.delete(nodeId);
    this.#heldEnds.delete(nodeId);
    for (const filter of this.#newGossip.disconnected(nodeId, this.#now)) this.#send(filter);
    this.#graphSync.disconnected(nodeId);
    this.#sendQueries();
  }

  providedInitFeatures(): Uint8Array {
    return Features.of({ gossip_queries: "optional", gossip_queries_ex: "optional" }).toBytes();
  }

  handleMessage(nodeId: NodeId, message: GossipMessage): void {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return;
    switch (message.type) {
      case "channel_announcement":
      case "channel_update":
      case "node_announcement":
        this.#graphSync.heard(nodeId);
        this.#queue.add({ message, source: nodeId, epoch: peer.epoch });
        this.#verifyUnlessQueued();
        return;
      case "gossip_timestamp_filter":
        this.#setFilter(peer, message);
        return;
      case "query_channel_range":
        this.#answerRange(nodeId, peer, message);
        return;
      case "query_short_channel_ids":
        this.#answerIds(nodeId, peer, message);
        return;
      case "reply_channel_range":
        this.#answered(nodeId, peer, this.#graphSync.rangeReply(nodeId, message));
        return;
      case "reply_short_channel_ids_end":
        this.#answerEnded(nodeId, peer, message);
        return;
    }
  }

  /**
   * Signatures to be verified, about `max` of them, when verification is `queued`: nothing while none waits. Several
   * batches may be out at a time.
   */
  takeSignatureBatch(max: number): SignatureBatch | undefined {
    return this.#queue.takeBatch(max);
  }

  /** The verdicts on a batch, in the order of its signatures: its messages go on into the graph, and to peers. */
  signaturesChecked(batchId: number, verdicts: readonly boolean[]): void {
    this.#queue.checked(batchId, verdicts);
    this.#releaseEnds();
  }

  /** A refusal by our own graph is not told: with a clock set back, it has a newer message already. */
  handleOwnMessage(message: GossipMessage): void {
    switch (message.type) {
      case "channel_announcement":
      case "channel_update":
      case "node_announcement":
        this.announceOwn(message);
        return;
      case "gossip_timestamp_filter":
      case "query_channel_range":
      case "query_short_channel_ids":
      case "reply_channel_range":
      case "reply_short_channel_ids_end":
        return;
    }
  }

  wantsToPause(nodeId: NodeId): boolean {
    return this.#queue.holdsUp(nodeId) || this.#graph.lookupsHoldUp(nodeId);
  }

  wantsGossip(nodeId: NodeId, message: GossipMessage): boolean {
    const filter = this.#peers.get(nodeId)?.filter;
    if (filter === undefined) return false;
    switch (message.type) {
      case "channel_announcement": {
        const channel = this.#graph.channel(message.shortChannelId);
        return channel !== undefined && channelPasses(filter, channel);
      }
      case "channel_update":
      case "node_announcement":
        return passes(filter, message.timestamp);
      case "gossip_timestamp_filter":
      case "query_channel_range":
      case "query_short_channel_ids":
      case "reply_channel_range":
      case "reply_short_channel_ids_end":
        return false;
    }
  }

  gossipDropped(nodeId: NodeId): void {
    this.#peers.get(nodeId)?.missed(this.#now);
  }

  takeGossipBacklog(nodeId: NodeId, maxBytes: number): readonly Uint8Array[] {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return [];
    return peer.take(maxBytes, this.#now, (filter) => storedGossip(this.#graph, filter));
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /**
   * What this node says of itself and its channels: into the graph without asking the chain, and to all peers,
   * whatever their filters. Saying it again is no error. A channel is told of with its first update.
   */
  announceOwn(message: Announcement, capacity?: Sat): Result<void, GossipRefusal> {
    const taken =
      message.type === "channel_announcement"
        ? this.#graph.addOwnChannel(message, { now: this.#now, ...(capacity !== undefined && { capacity }) })
        : this.#update(message);
    if (!taken.ok && !(taken.error.kind === "duplicate" && this.#isStored(message))) return taken;
    this.#relay({ message });
    return ok(undefined);
  }

  /** The answer to a lookup that was `pending`. */
  utxoResolved(id: ShortChannelId, answer: UtxoAnswer): void {
    for (const taken of this.#graph.utxoResolved(id, answer, this.#now)) this.#relay(taken);
    this.#queue.retry();
    this.#verifyUnlessQueued();
    this.#releaseEnds();
  }

  #verifyUnlessQueued(): void {
    if (this.#isQueued) return;
    for (;;) {
      const batch = this.#queue.takeBatch(1);
      if (batch === undefined) return;
      this.#queue.checked(batch.batchId, verifySignatures(batch.signatures));
    }
  }

  #prepare({ message, source }: QueuedGossip): Result<PreparedGossip, GossipRefusal> {
    if (message.type !== "channel_announcement" && this.#rates.isExceeded(message, this.#now)) {
      return err(tooOften(message));
    }
    return this.#graph.prepare(message, { now: this.#now, source }, this.#utxoLookup);
  }

  #apply(queued: QueuedGossip, prepared: PreparedGossip, verdicts: SignatureVerdicts): "done" | "busy" {
    const { message, source } = queued;
    const isWord = message.type !== "channel_announcement";
    if (isWord && this.#rates.isExceeded(message, this.#now)) {
      this.#refused(queued, tooOften(message));
      return "done";
    }
    const taken = this.#graph.apply(prepared, verdicts, { now: this.#now, source }, this.#utxoLookup);
    if (!taken.ok) {
      if (taken.error.kind === "busy") return "busy";
      this.#refused(queued, taken.error);
    } else if (taken.value !== "pending") {
      if (isWord) this.#rates.count(message, this.#now);
      this.#relay({ message, source });
    }
    return "done";
  }

  #refused({ message, source, epoch }: QueuedGossip, refusal: GossipRefusal): void {
    const peer = this.#peers.get(source);
    if (peer?.epoch !== epoch) return;
    if (refusal.kind === "unknown-channel" && message.type === "channel_update") {
      this.#graphSync.unknownChannel(source, message.shortChannelId);
    }
    this.#refuse(source, peer, refusal);
  }

  #update(message: ChannelUpdate | NodeAnnouncement, source?: NodeId): Result<TakenIn, GossipRefusal> {
    const origin = { now: this.#now, ...(source && { source }) };
    return message.type === "channel_update"
      ? this.#graph.updateChannel(message, origin)
      : this.#graph.updateNodeFromAnnouncement(message, origin);
  }

  /** Passes on what the graph has taken in; a channel's announcement together with its first update. */
  #relay(sourced: SourcedGossip): void {
    const { message } = sourced;
    if (message.type === "channel_announcement" && !this.#hasUpdate(message.shortChannelId)) {
      this.#unrelayed.set(message.shortChannelId, { ...sourced, message });
      return;
    }
    if (message.type === "channel_update") {
      const announcement = this.#unrelayed.get(message.shortChannelId);
      if (announcement !== undefined) this.#broadcast(announcement);
      this.#unrelayed.delete(message.shortChannelId);
    }
    this.#broadcast(sourced);
  }

  /** Whether this very message is in the graph; of a channel, whether any announcement is. */
  #isStored(message: Announcement): boolean {
    if (message.type === "node_announcement") {
      const stored = this.#graph.node(message.nodeId)?.announcement?.message;
      return stored !== undefined && equalBytes(stored, encodeMessage(message));
    }
    const channel = this.#graph.channel(message.shortChannelId);
    if (message.type === "channel_announcement") return channel !== undefined;
    const encoded = encodeMessage(message);
    return [channel?.oneToTwo, channel?.twoToOne].some(
      (terms) => terms?.message !== undefined && equalBytes(terms.message, encoded),
    );
  }

  #hasUpdate(id: ShortChannelId): boolean {
    const slot = this.#graph.channelSlot(id);
    if (slot === undefined) return false;
    return (
      this.#graph.updateTime(2 * slot) !== undefined || this.#graph.updateTime(2 * slot + 1) !== undefined
    );
  }

  /** What we say ourselves goes at once; the rest with the next flush. */
  #broadcast(sourced: SourcedGossip): void {
    const { message, source } = sourced;
    if (source === undefined) this.#events.push({ kind: "broadcast", message });
    else {
      this.#outgoing.add(sourced);
      this.#flush();
    }
  }

  #flush(): void {
    for (const { message, source } of this.#outgoing.take(this.#now)) {
      this.#events.push({ kind: "broadcast", message, ...(source && { except: source }) });
    }
  }

  #send({ nodeId, message }: FilterForPeer | QueryToPeer): void {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return;
    this.#events.push({ kind: "send-message", nodeId, epoch: peer.epoch, message });
  }

  #sendQueries(): void {
    for (const query of this.#graphSync.takeQueries()) this.#send(query);
  }

  /** The end counts when what came before it is verified. */
  #answerEnded(nodeId: NodeId, peer: PeerSync, end: ReplyShortChannelIdsEnd): void {
    const mark = this.#queue.mark(nodeId);
    if (mark > 0 && !this.#heldEnds.has(nodeId)) this.#heldEnds.set(nodeId, { end, mark });
    else this.#answered(nodeId, peer, this.#graphSync.idsEnd(nodeId, end));
  }

  #releaseEnds(): void {
    for (const [nodeId, { end, mark }] of this.#heldEnds) {
      if (!this.#queue.hasPassed(nodeId, mark)) continue;
      this.#heldEnds.delete(nodeId);
      const peer = this.#peers.get(nodeId);
      if (peer !== undefined) this.#answered(nodeId, peer, this.#graphSync.idsEnd(nodeId, end));
    }
  }

  #answered(nodeId: NodeId, peer: PeerSync, refusal: GossipRefusal | undefined): void {
    if (refusal !== undefined) this.#refuse(nodeId, peer, refusal);
    this.#sendQueries();
  }

  #refuse(nodeId: NodeId, peer: PeerSync, refusal: GossipRefusal): void {
    if (verdictOn(refusal) === "ignore") return;
    peer.invalidMessages++;
    const kind = peer.invalidMessages >= maxInvalidMessages ? "disconnect" : "send";
    const data = utf8.decode(`${refusal.kind}: ${refusal.text}`);
    const message = { type: "warning", channelId: allChannels, data } as const;
    this.#events.push({ kind: "handle-error", nodeId, epoch: peer.epoch, action: { kind, message } });
  }

  #setFilter(peer: PeerSync, { chainHash, firstTimestamp, timestampRange }: GossipTimestampFilter): void {
    if (chainHash !== this.#graph.chainHash) return;
    peer.setFilter({ first: firstTimestamp, end: firstTimestamp + timestampRange });
  }

  #answerRange(nodeId: NodeId, peer: PeerSync, query: QueryChannelRange): void {
    if (peer.isAnsweringRange) this.#refuse(nodeId, peer, tooEarly(query));
    else peer.answerRange(channelRangeReplies(this.#graph, query));
  }

  #answerIds(nodeId: NodeId, peer: PeerSync, query: QueryShortChannelIds): void {
    if (peer.isAnsweringIds) {
      this.#refuse(nodeId, peer, tooEarly(query));
      return;
    }
    const replies = shortChannelIdReplies(this.#graph, query);
    if (replies.ok) peer.answerIds(replies.value);
    else this.#refuse(nodeId, peer, { kind: "bad-query", text: replies.error });
  }
}

/** The end of an answer by ids, behind as many messages of its peer. */
interface HeldEnd {
  readonly end: ReplyShortChannelIdsEnd;
  readonly mark: number;
}

function tooOften({ type }: GraphMessage): GossipRefusal {
  return { kind: "rate-limited", text: `${type} again and again` };
}

function tooEarly({ type }: QueryChannelRange | QueryShortChannelIds): GossipRefusal {
  return { kind: "bad-query", text: `${type} before the end of the answer to the one before` };
}

/** A warning that is about no one channel (BOLT 1, "The error and warning Messages"). */
const allChannels = "0".repeat(64) as ChannelId;
