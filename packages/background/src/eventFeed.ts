import type { EventsProvider, IndexedEvent } from "@fulmen/lightning/handlers";

/**
 * Gives each pending event out once, until it is acknowledged or given back. At most `limit` are out at a time, so that
 * whoever takes them without an end does not fill the memory.
 */
export class EventFeed {
  readonly #source: EventsProvider;
  readonly #limit: number;
  readonly #out = new Set<number>();

  constructor(source: EventsProvider, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /** The first pending event that is not out, or `undefined`; it is out from now on. */
  next(): IndexedEvent | undefined {
    if (this.#out.size >= this.#limit) return undefined;
    const found = this.#source.pendingEvents(this.#out.size + 1).find(({ index }) => !this.#out.has(index));
    if (found !== undefined) this.#out.add(found.index);
    return found;
  }

  /** The event is dealt with for good. */
  acknowledge(index: number): void {
    if (this.#out.delete(index)) this.#source.acknowledgeEvent(index);
  }

  /** The event is to come again. */
  giveBack(index: number): void {
    this.#out.delete(index);
  }
}
