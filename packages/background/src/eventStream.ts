import type { Event, EventsProvider, IndexedEvent } from "@fulmen/lightning/handlers";
import { EventFeed } from "./eventFeed.ts";

/** An event as `for await` gets it. */
export interface DeliveredEvent {
  readonly event: Event;
  /** Its place among all events, from 1; the same when it comes again. */
  readonly index: number;
  /** The event is dealt with: it need not come again. Without it, it does after a restart, or in the next loop. */
  acknowledge(): void;
}

/** Events that a loop may have without having acknowledged any. */
const mostUnacknowledged = 1_000;

export interface EventStreamOptions {
  readonly source: EventsProvider;
  /** Called before an event is given out. */
  readonly deliver: (event: Event, index: number) => void;
  /** Called when something was acknowledged. */
  readonly acknowledged: () => void;
  /** Called once, when the loop is over. */
  readonly ended: () => void;
}

/**
 * Events for a `for await` loop: each once, by their index, and waiting for the next when there is none. What the loop
 * has not acknowledged when it ends comes again in another one. The loop decides when to go on, so nothing piles up;
 * when it has not acknowledged 1,000 events, it waits until it does.
 */
export class EventStream implements AsyncIterableIterator<DeliveredEvent> {
  readonly #options: EventStreamOptions;
  readonly #feed: EventFeed;
  #waiting: ((result: IteratorResult<DeliveredEvent>) => void)[] = [];
  #isEnded = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#feed = new EventFeed(options.source, mostUnacknowledged);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<DeliveredEvent>> {
    const found = this.#isEnded ? undefined : this.#feed.next();
    if (found !== undefined) return Promise.resolve({ done: false, value: this.#delivered(found) });
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The loop is left. */
  return(): Promise<IteratorResult<DeliveredEvent>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** There may be events. */
  wake(): void {
    while (this.#waiting.length > 0) {
      const found = this.#feed.next();
      if (found === undefined) return;
      this.#waiting.shift()?.({ done: false, value: this.#delivered(found) });
    }
  }

  /** No event comes any more; the loop ends. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve({ done: true, value: undefined });
    this.#options.ended();
  }

  #delivered({ index, event }: IndexedEvent): DeliveredEvent {
    this.#options.deliver(event, index);
    const acknowledge = () => {
      this.#feed.acknowledge(index);
      this.#options.acknowledged();
    };
    return { index, event, acknowledge };
  }
}
