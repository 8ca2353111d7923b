import type { UnixSeconds } from "../../util/ids.ts";
import type { SourcedGossip } from "../graph/pendingChecks.ts";
import { speakerOf } from "./gossipRates.ts";

/** Messages from which on they no longer wait: a first sync brings hundreds of thousands. */
const mostWaiting = 5_000;

/**
 * What peers told, on its way to the others: it waits for the next flush, whenever it came, so that nobody sees from
 * whom we have it by when we pass it on; what is said anew in between takes the place of what was said before (BOLT 7,
 * "Rebroadcasting"). Bounded: when too much waits, all of it is due.
 */
export class OutgoingGossip {
  /** In the order in which it is to leave, by whose word it is. */
  #waiting = new Map<string, SourcedGossip>();
  readonly #interval: number;
  #flushedAt: UnixSeconds;

  /** `interval`: seconds from one flush to the next; 0 lets nothing wait. */
  constructor(interval: number, now: UnixSeconds) {
    this.#interval = interval;
    this.#flushedAt = now;
  }

  add(sourced: SourcedGossip): void {
    const { message } = sourced;
    const word = message.type === "channel_announcement" ? `${message.shortChannelId}` : speakerOf(message);
    this.#waiting.delete(word);
    this.#waiting.set(word, sourced);
  }

  /** What is due, an announcement in front of what needs it. */
  take(now: UnixSeconds): readonly SourcedGossip[] {
    const isTime = now - this.#flushedAt >= this.#interval;
    if (isTime) this.#flushedAt = now;
    else if (this.#waiting.size < mostWaiting) return [];
    const due = [...this.#waiting.values()];
    this.#waiting = new Map();
    return due;
  }
}
