import type { NodeId, ShortChannelId } from "../../util/ids.ts";
import type { ChannelAnnouncement, ChannelUpdate, NodeAnnouncement } from "../../wire/index.ts";

/** A message of the graph, and the peer it came from; without one, it is our own. */
export interface SourcedGossip<M = ChannelAnnouncement | ChannelUpdate | NodeAnnouncement> {
  readonly message: M;
  readonly source?: NodeId;
}

/** An announcement whose funding output is being looked up, with what came after it and was signed by its nodes. */
export interface PendingAnnouncement {
  readonly announcement: SourcedGossip<ChannelAnnouncement>;
  /** The newest update of each direction. */
  readonly updates: [SourcedGossip<ChannelUpdate> | undefined, SourcedGossip<ChannelUpdate> | undefined];
  /** The newest announcement of each node. */
  readonly nodes: [SourcedGossip<NodeAnnouncement> | undefined, SourcedGossip<NodeAnnouncement> | undefined];
}

interface Lookup {
  readonly startedAt: number;
  readonly candidates: PendingAnnouncement[];
}

/**
 * Lookups under way from which on peers that have one are no longer read from.
 *
 * @ldk PendingChecks::MAX_PENDING_LOOKUPS
 */
export const pendingLookupsToPause = 32;
/** Above, further announcements are dropped: the excess of what was read before reading paused. */
const maxLookups = 128;
/** Announcements of other keys for the same output; whoever lies first must not shut out who is right. */
const maxCandidates = 4;
/** Seconds after which a lookup without an answer no longer holds anybody up. */
const lookupTimeout = 60;

/** Announcements that wait for the chain's word. Bounded in number; a lookup without an answer is dropped in time. */
export class PendingChecks {
  readonly #lookups = new Map<ShortChannelId, Lookup>();

  get count(): number {
    return this.#lookups.size;
  }

  has(id: ShortChannelId): boolean {
    return this.#lookups.has(id);
  }

  /** Whether one more announcement for this channel can wait. */
  hasRoomFor(id: ShortChannelId): boolean {
    const lookup = this.#lookups.get(id);
    return lookup === undefined ? this.#lookups.size < maxLookups : lookup.candidates.length < maxCandidates;
  }

  add(announcement: SourcedGossip<ChannelAnnouncement>, now: number): void {
    const id = announcement.message.shortChannelId;
    const candidate: PendingAnnouncement = {
      announcement,
      updates: [undefined, undefined],
      nodes: [undefined, undefined],
    };
    const lookup = this.#lookups.get(id);
    if (lookup === undefined) this.#lookups.set(id, { startedAt: now, candidates: [candidate] });
    else lookup.candidates.push(candidate);
  }

  /** The announcements that wait for this channel's output. */
  candidates(id: ShortChannelId): readonly PendingAnnouncement[] {
    return this.#lookups.get(id)?.candidates ?? [];
  }

  /** The announcements that name this node. */
  candidatesWithNode(nodeId: NodeId): readonly PendingAnnouncement[] {
    const found: PendingAnnouncement[] = [];
    for (const { candidates } of this.#lookups.values()) {
      for (const candidate of candidates) {
        const { nodeId1, nodeId2 } = candidate.announcement.message;
        if (nodeId === nodeId1 || nodeId === nodeId2) found.push(candidate);
      }
    }
    return found;
  }

  /** Takes out what waited for this channel's output. */
  take(id: ShortChannelId): readonly PendingAnnouncement[] {
    const found = this.candidates(id);
    this.#lookups.delete(id);
    return found;
  }

  /** Whether an announcement of this peer waits. */
  hasFrom(source: NodeId): boolean {
    for (const { candidates } of this.#lookups.values()) {
      if (candidates.some(({ announcement }) => announcement.source === source)) return true;
    }
    return false;
  }

  /** Drops lookups that were never answered. */
  expire(now: number): void {
    for (const [id, { startedAt }] of this.#lookups) {
      if (now - startedAt >= lookupTimeout) this.#lookups.delete(id);
    }
  }
}
