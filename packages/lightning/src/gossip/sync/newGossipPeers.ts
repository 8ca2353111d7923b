import type { BlockHash, NodeId, UnixSeconds } from "../../util/ids.ts";
import type { GossipTimestampFilter } from "../../wire/index.ts";
import { newGossipFilter, nothingFilter, twoWeeksFilter } from "../graph/timestampFilter.ts";

/** Peers that are asked for new gossip; from further ones it would come once more (BOLT 7, rationale of the filter). */
const maxListenedTo = 8;
/** Peers without `gossip_queries_ex` that are asked for two weeks of gossip: they act on their first filter only. */
const maxDumps = 5;

/** What a peer offers. */
export interface GossipOffer {
  /** `gossip_queries`: it has the whole graph, or means to. */
  readonly hasQueries: boolean;
  /** `gossip_queries_ex`. */
  readonly isExtended: boolean;
}

/** A filter of ours, for a peer. */
export interface FilterForPeer {
  readonly nodeId: NodeId;
  readonly message: GossipTimestampFilter;
}

/**
 * Whom we ask for new gossip, by `gossip_timestamp_filter`s: a few peers at a time. When one leaves another takes its
 * place, and the one listened to longest is relieved now and then, so that a peer that keeps silent does not matter.
 */
export class NewGossipPeers {
  readonly #chainHash: BlockHash;
  /** Oldest first. */
  readonly #listenedTo = new Set<NodeId>();
  /** Who could be listened to, oldest first. */
  readonly #waiting = new Set<NodeId>();
  #dumps = 0;

  constructor(chainHash: BlockHash) {
    this.#chainHash = chainHash;
  }

  /** The first filter for a new peer. */
  connected(
    nodeId: NodeId,
    { hasQueries, isExtended }: GossipOffer,
    now: UnixSeconds,
  ): GossipTimestampFilter {
    if (!hasQueries) return nothingFilter(this.#chainHash);
    if (!isExtended && this.#dumps < maxDumps) {
      this.#dumps++;
      this.#listenedTo.add(nodeId);
      return twoWeeksFilter(this.#chainHash, now);
    }
    if (this.#listenedTo.size < maxListenedTo) {
      this.#listenedTo.add(nodeId);
      return newGossipFilter(this.#chainHash, now);
    }
    this.#waiting.add(nodeId);
    return nothingFilter(this.#chainHash);
  }

  /** A peer has gone; another one may be asked in its place. */
  disconnected(nodeId: NodeId, now: UnixSeconds): readonly FilterForPeer[] {
    this.#waiting.delete(nodeId);
    return this.#listenedTo.delete(nodeId) ? this.#promoteOne(now) : [];
  }

  /** Relieves the peer that is listened to longest, if another one waits. */
  rotate(now: UnixSeconds): readonly FilterForPeer[] {
    const [oldest] = this.#listenedTo;
    if (oldest === undefined || this.#waiting.size === 0) return [];
    this.#listenedTo.delete(oldest);
    const promoted = this.#promoteOne(now);
    this.#waiting.add(oldest);
    return [...promoted, { nodeId: oldest, message: nothingFilter(this.#chainHash) }];
  }

  #promoteOne(now: UnixSeconds): readonly FilterForPeer[] {
    const [next] = this.#waiting;
    if (next === undefined) return [];
    this.#waiting.delete(next);
    this.#listenedTo.add(next);
    return [{ nodeId: next, message: newGossipFilter(this.#chainHash, now) }];
  }
}
