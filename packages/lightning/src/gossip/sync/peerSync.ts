import type { TimestampFilter } from "../graph/timestampFilter.ts";

type Messages = Generator<Uint8Array, void, void>;

/** Seconds between two dumps of the graph for one peer: walking through it is what costs. */
const dumpInterval = 60;
/** Seconds for which gossip may have been on its way when a peer missed it. */
const onItsWay = 3_600;

/** What one connected peer has asked for, and how far it has got. A few generators, however large the graph. */
export class PeerSync {
  readonly epoch: number;
  /** Messages on this connection that no honest peer passes on. */
  invalidMessages = 0;
  /** What the peer wants of new gossip; nothing until it has said so. */
  filter: TimestampFilter | undefined;
  #dumpFilter: TimestampFilter | undefined;
  #dumpedAt: number | undefined;
  /** Since when new gossip was dropped, as the peer did not read. */
  #missedSince: number | undefined;
  #dump: Messages | undefined;
  #rangeReplies: Messages | undefined;
  #idReplies: Messages | undefined;
  #next: Uint8Array | undefined;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** A new filter: replaces the one before, for new gossip at once and for the dump when one is due. */
  setFilter(filter: TimestampFilter): void {
    this.filter = filter;
    this.#dump = undefined;
    this.#dumpFilter = filter;
    this.#missedSince = undefined;
  }

  /** New gossip that the peer wants was dropped, as it does not read: what is new since then is dumped when it does. */
  missed(now: number): void {
    this.#missedSince ??= now;
  }

  /** Whether the answer to a `query_channel_range` is not yet sent: no other may be queued then. */
  get isAnsweringRange(): boolean {
    return this.#rangeReplies !== undefined;
  }

  /** Queues the answer to a `query_channel_range`. */
  answerRange(replies: Messages): void {
    this.#rangeReplies = replies;
  }

  /** Whether the answer to a `query_short_channel_ids` is not yet sent: no other may be queued then. */
  get isAnsweringIds(): boolean {
    return this.#idReplies !== undefined;
  }

  /** Queues the answer to a `query_short_channel_ids`. */
  answerIds(replies: Messages): void {
    this.#idReplies = replies;
  }

  /** The next messages, answers first. `stored` opens a dump: only one at a time, and one a minute. */
  take(maxBytes: number, now: number, stored: (filter: TimestampFilter) => Messages): readonly Uint8Array[] {
    this.#openDump(now, stored);
    const taken: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      this.#next ??= this.#pull();
      if (this.#next === undefined || (taken.length > 0 && bytes + this.#next.length > maxBytes))
        return taken;
      taken.push(this.#next);
      bytes += this.#next.length;
      this.#next = undefined;
    }
  }

  #openDump(now: number, stored: (filter: TimestampFilter) => Messages): void {
    if (now - (this.#dumpedAt ?? -dumpInterval) < dumpInterval) return;
    const filter = this.#dumpFilter ?? (this.#dump === undefined ? this.#missedFilter() : undefined);
    if (filter === undefined) return;
    this.#dump = stored(filter);
    this.#dumpFilter = undefined;
    this.#missedSince = undefined;
    this.#dumpedAt = now;
  }

  /** The part of what the peer wants that it may have missed. */
  #missedFilter(): TimestampFilter | undefined {
    if (this.filter === undefined || this.#missedSince === undefined) return undefined;
    const { first, end } = this.filter;
    return { first: Math.max(first, this.#missedSince - onItsWay), end };
  }

  #pull(): Uint8Array | undefined {
    const range = pullFrom(this.#rangeReplies);
    if (range !== undefined) return range;
    this.#rangeReplies = undefined;
    const ids = pullFrom(this.#idReplies);
    if (ids !== undefined) return ids;
    this.#idReplies = undefined;
    const stored = pullFrom(this.#dump);
    if (stored === undefined) this.#dump = undefined;
    return stored;
  }
}

function pullFrom(messages: Messages | undefined): Uint8Array | undefined {
  const result = messages?.next();
  return result === undefined || result.done === true ? undefined : result.value;
}
