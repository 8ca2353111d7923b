import type { Event, EventsProvider, IndexedEvent } from "@fulmen/lightning/handlers";
import { backOff, type Clock } from "./clock.ts";
import { EventFeed } from "./eventFeed.ts";

/**
 * What the user does about an event; `index` is its place among all events, the same when it comes again. A handler
 * that throws, or rejects, gets the event again later. It may come again after it was handled, too, when the node died
 * over it: handle events so that a second time does no harm.
 *
 * @ldk lightning::events::EventHandler
 */
export type EventHandler = (event: Event, index: number) => Promise<void> | void;

/** Events that wait for another try while later ones are handled. With more, it is the handler that fails, not they. */
const mostFailing = 16;
const shortestRetry = 1_000;
const longestRetry = 60_000;
/** Milliseconds after which a handler may be waiting for an event that waits for it. */
const slowHandling = 60_000;

export interface EventPumpOptions {
  readonly source: EventsProvider;
  readonly handle: EventHandler;
  readonly clock: Clock;
  /** Called after each event, handled or not. `error` is what the handler threw. */
  readonly handled: (outcome: { readonly event: Event; readonly error?: unknown }) => void;
  /** Called when the handler has had an event for a minute: later ones wait for it. */
  readonly isSlow: (event: Event) => void;
}

/**
 * Gives events to a handler, one after the other by their index, and acknowledges those that were handled. One that the
 * handler failed with comes again after a second, then two, and so on up to a minute; those behind it do not wait for
 * that, since a payment has to be claimed in time whatever is wrong with another event.
 */
export class EventPump {
  readonly #options: EventPumpOptions;
  readonly #feed: EventFeed;
  /** How often each of the events that wait for another try has failed, by index. */
  readonly #failures = new Map<number, number>();
  readonly #retries = new Set<() => void>();
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: EventPumpOptions) {
    this.#options = options;
    this.#feed = new EventFeed(options.source, mostFailing);
  }

  /** There may be events. */
  wake(): void {
    if (this.#isStopped || this.#running !== undefined) return;
    const first = this.#feed.next();
    if (first === undefined) return;
    this.#running = this.#run(first).finally(() => {
      this.#running = undefined;
      this.wake();
    });
  }

  /** Resolves once the handler has dealt with the event that it has now; it gets no further one. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#retries) cancel();
    await this.#running;
  }

  async #run(first: IndexedEvent): Promise<void> {
    const { handle, handled } = this.#options;
    let next: IndexedEvent | undefined = first;
    while (next !== undefined) {
      const { index, event }: IndexedEvent = next;
      try {
        await this.#watched(event, handle(event, index));
        this.#failures.delete(index);
        this.#feed.acknowledge(index);
        handled({ event });
      } catch (error) {
        this.#retryLater(index);
        handled({ event, error });
      }
      next = this.#isStopped ? undefined : this.#feed.next();
    }
  }

  async #watched(event: Event, handling: Promise<void> | void): Promise<void> {
    // Functions that give something else, or another library's promise, pass for handlers, too.
    if (!(handling instanceof Promise)) return handling;
    const cancel = this.#options.clock.schedule(() => this.#options.isSlow(event), slowHandling);
    await handling.finally(cancel);
  }

  #retryLater(index: number): void {
    const failures = (this.#failures.get(index) ?? 0) + 1;
    this.#failures.set(index, failures);
    const cancel = this.#options.clock.schedule(
      () => {
        this.#retries.delete(cancel);
        this.#feed.giveBack(index);
        this.wake();
      },
      backOff(failures, shortestRetry, longestRetry),
    );
    this.#retries.add(cancel);
  }
}
