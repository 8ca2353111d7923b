import type { BlockHash, NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import type {
  GossipTimestampFilter,
  QueryChannelRange,
  QueryShortChannelIds,
  ReplyChannelRange,
  ReplyShortChannelIdsEnd,
} from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import { twoWeeksFilter } from "../graph/timestampFilter.ts";
import { flagsStillMissing, flagsToFetch, type WantedChannel } from "./channelsToFetch.ts";
import { PeerQueries } from "./peerQueries.ts";
import type { QueriedGraph } from "./queryReplies.ts";

/** How far the graph is in step with the network. */
export type GossipSyncStatus =
  /** No peer that answers queries has been there. */
  | { readonly kind: "waiting" }
  /** One of them is being asked; so many channels, or terms of channels, are still to be fetched from it. */
  | { readonly kind: "syncing"; readonly toFetch: number }
  /** All that several peers know has been fetched: of three, or of all there are. It stays so, and is kept up. */
  | { readonly kind: "synced"; readonly since: UnixSeconds };

/** A message of ours to a peer. */
export interface QueryToPeer {
  readonly nodeId: NodeId;
  readonly message: QueryChannelRange | QueryShortChannelIds | GossipTimestampFilter;
}

/** Peers after which a first sync is complete, where there are so many. */
const peersToSync = 3;
/** Channels in one query; the answer is about 500 KB. */
const idsPerQuery = 500;
/** Seconds between two comparisons with some peer, and after which one that did not answer is asked again. */
const syncInterval = 3_600;
/** Seconds without a wanted channel that end a peer's dump, which has no other end. */
const dumpSilence = 30;

interface SyncPeer {
  readonly queries: PeerQueries;
  syncedAt?: UnixSeconds;
  /** After an answer that did not come. */
  retryAt?: UnixSeconds;
}

/** The peer that is being compared with. */
interface Turn {
  readonly nodeId: NodeId;
  readonly peer: SyncPeer;
  /** `dump`: it has listed its channels without times, and sends what it has by our timestamp filter. */
  phase: "range" | "dump" | "ids";
  wanted: WantedChannel[];
  next: number;
  /** Whether all its lists carry times, so that fetching by ids leaves nothing out. */
  isTimed: boolean;
  hasFullInformation: boolean;
  /** In a dump: how many channels were missing, and since when as many. */
  missing: { readonly count: number; readonly since: UnixSeconds };
}

/**
 * Brings the graph in step with the peers, one after the other: asks which channels one knows and how new their terms
 * are, compares, and fetches in batches what we lack (BOLT 7, "Query Messages"). Peers that do not offer
 * `gossip_queries_ex` cannot say how new: those are listened to as they dump their graph, and asked for the rest.
 * Whoever does not answer, or wrongly, loses its turn.
 */
export class GraphSync {
  readonly #graph: QueriedGraph;
  readonly #peers = new Map<NodeId, SyncPeer>();
  #turn: Turn | undefined;
  #out: QueryToPeer[] = [];
  #now: UnixSeconds;
  #completed = 0;
  #syncedSince: UnixSeconds | undefined;
  #lastTurnAt: UnixSeconds;

  constructor(graph: QueriedGraph, now: UnixSeconds) {
    this.#graph = graph;
    this.#now = now;
    this.#lastTurnAt = now;
  }

  get status(): GossipSyncStatus {
    if (this.#syncedSince !== undefined) return { kind: "synced", since: this.#syncedSince };
    const turn = this.#turn;
    return turn === undefined
      ? { kind: "waiting" }
      : { kind: "syncing", toFetch: turn.wanted.length - turn.next };
  }

  /** A peer that is worth asking is there. */
  connected(nodeId: NodeId, isExtended: boolean): void {
    this.#peers.set(nodeId, { queries: new PeerQueries(this.#chainHash, isExtended, this.#now) });
    this.#advance();
  }

  disconnected(nodeId: NodeId): void {
    this.#peers.delete(nodeId);
    if (this.#turn?.nodeId === nodeId) this.#endTurn(false);
    this.#advance();
  }

  /** A peer has sent an announcement or update, of whatever worth. */
  heard(nodeId: NodeId): void {
    this.#peers.get(nodeId)?.queries.heard(this.#now);
  }

  /** A peer has sent terms of a channel that it never told us of. */
  unknownChannel(nodeId: NodeId, id: ShortChannelId): void {
    this.#peers.get(nodeId)?.queries.noteUnknown(id);
  }

  rangeReply(nodeId: NodeId, reply: ReplyChannelRange): GossipRefusal | undefined {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return undefined;
    const taken = peer.queries.rangeReply(reply, this.#now);
    if (!taken.ok) return peer.queries.hasTimedOut ? undefined : this.#lied(nodeId, peer, taken.error);
    const turn = this.#turn;
    if (turn?.peer !== peer) return undefined;
    for (const listed of taken.value.channels) {
      turn.isTimed &&= listed.updates !== undefined;
      const flags = flagsToFetch(this.#graph, listed, this.#now);
      if (flags !== 0) turn.wanted.push({ id: listed.id, flags });
    }
    if (taken.value.isLast) {
      turn.phase = turn.isTimed || turn.wanted.length === 0 ? "ids" : "dump";
      turn.missing = { count: turn.wanted.length, since: this.#now };
      this.#advance();
    }
    return undefined;
  }

  idsEnd(nodeId: NodeId, { fullInformation }: ReplyShortChannelIdsEnd): GossipRefusal | undefined {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return undefined;
    const ended = peer.queries.idsEnded();
    if (ended === undefined) {
      return peer.queries.hasTimedOut ? undefined : this.#lied(nodeId, peer, "an end of what we did not ask");
    }
    if (ended === "nothing-told") return this.#lied(nodeId, peer, "nothing about channels that you listed");
    if (this.#turn?.peer === peer && !fullInformation) this.#turn.hasFullInformation = false;
    this.#advance();
    return undefined;
  }

  /** Time goes on. */
  tick(now: UnixSeconds): void {
    this.#now = now;
    for (const [nodeId, peer] of this.#peers) this.#expire(nodeId, peer);
    this.#advance();
    for (const [nodeId, { queries }] of this.#peers) {
      const message = queries.takeUnknownQuery(now);
      if (message !== undefined) this.#out.push({ nodeId, message });
    }
  }

  /** What is to be sent, in order. */
  takeQueries(): readonly QueryToPeer[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  get #chainHash(): BlockHash {
    return this.#graph.chainHash;
  }

  #expire(nodeId: NodeId, peer: SyncPeer): void {
    const expired = peer.queries.expire(this.#now);
    if (expired === undefined) return;
    if (expired === "range" || peer.queries.isExtended) peer.retryAt = plus(this.#now, syncInterval);
    if (this.#turn?.peer !== peer) return;
    // What it was asked for by ids it may have dumped before, and some never answer these.
    const hasDumped = expired === "ids" && !this.#turn.isTimed;
    if (!hasDumped) this.#out.push({ nodeId, message: twoWeeksFilter(this.#chainHash, this.#now) });
    this.#endTurn(hasDumped);
  }

  #lied(nodeId: NodeId, peer: SyncPeer, text: string): GossipRefusal {
    peer.queries.hasLied = true;
    if (this.#turn?.nodeId === nodeId) this.#endTurn(false);
    this.#advance();
    return { kind: "bad-reply", text };
  }

  /** Does whatever is due: the next step of this turn, or the next turn. */
  #advance(): void {
    for (;;) {
      const turn = this.#turn ?? this.#nextTurn();
      if (turn === undefined || !this.#step(turn)) break;
      this.#endTurn(turn.hasFullInformation);
    }
    if (this.#syncedSince === undefined && this.#isSynced()) this.#syncedSince = this.#now;
  }

  /** Takes a turn's next step; whether it is at its end. */
  #step(turn: Turn): boolean {
    const { queries } = turn.peer;
    if (turn.phase === "dump" && this.#isDumpOver(turn)) turn.phase = "ids";
    if (turn.phase !== "ids" || queries.isFetching) return false;
    const batch: WantedChannel[] = [];
    for (; turn.next < turn.wanted.length && batch.length < idsPerQuery; turn.next++) {
      const wanted = turn.wanted[turn.next];
      const flags = wanted === undefined ? 0 : flagsStillMissing(this.#graph, wanted);
      if (wanted !== undefined && flags !== 0) batch.push({ id: wanted.id, flags });
    }
    if (batch.length === 0 || queries.ignoresIds) return true;
    this.#out.push({ nodeId: turn.nodeId, message: queries.askIds(batch, this.#now) });
    return false;
  }

  #isDumpOver(turn: Turn): boolean {
    const missing = turn.wanted.filter((wanted) => flagsStillMissing(this.#graph, wanted) !== 0);
    if (missing.length < turn.missing.count) turn.missing = { count: missing.length, since: this.#now };
    return missing.length === 0 || this.#now - turn.missing.since >= dumpSilence;
  }

  #nextTurn(): Turn | undefined {
    if (this.#completed >= peersToSync && this.#now - this.#lastTurnAt < syncInterval) return undefined;
    const next = this.#nextPeer();
    if (next === undefined) return undefined;
    const [nodeId, peer] = next;
    this.#lastTurnAt = this.#now;
    this.#turn = {
      nodeId,
      peer,
      phase: "range",
      wanted: [],
      next: 0,
      isTimed: true,
      hasFullInformation: true,
      missing: { count: 0, since: this.#now },
    };
    const range = { chainHash: this.#chainHash, firstBlocknum: 0, numberOfBlocks: 0xffff_ffff };
    this.#out.push({ nodeId, message: peer.queries.askRange(range, this.#now) });
    return this.#turn;
  }

  /** Who has not had a turn, or not for the longest time; those first who can say how new their terms are. */
  #nextPeer(): readonly [NodeId, SyncPeer] | undefined {
    let best: readonly [NodeId, SyncPeer] | undefined;
    for (const [nodeId, peer] of this.#peers) {
      if (!this.#canHaveTurn(peer)) continue;
      if (best === undefined || isBefore(peer, best[1])) best = [nodeId, peer];
    }
    return best;
  }

  #canHaveTurn({ queries, retryAt, syncedAt }: SyncPeer): boolean {
    if (queries.hasLied || (queries.isExtended && queries.ignoresIds)) return false;
    if (retryAt !== undefined && this.#now < retryAt) return false;
    return syncedAt === undefined || this.#now - syncedAt >= syncInterval;
  }

  #endTurn(isComplete: boolean): void {
    const turn = this.#turn;
    this.#turn = undefined;
    if (turn === undefined) return;
    turn.peer.syncedAt = this.#now;
    if (isComplete) this.#completed++;
  }

  #isSynced(): boolean {
    if (this.#completed >= peersToSync) return true;
    return this.#completed > 0 && this.#turn === undefined && this.#nextPeer() === undefined;
  }
}

function isBefore(a: SyncPeer, b: SyncPeer): boolean {
  const [atA, atB] = [a.syncedAt ?? 0, b.syncedAt ?? 0];
  return atA === atB ? a.queries.isExtended && !b.queries.isExtended : atA < atB;
}

function plus(time: UnixSeconds, seconds: number): UnixSeconds {
  return (time + seconds) as UnixSeconds;
}
