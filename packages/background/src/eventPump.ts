import type { Event, EventsProvider } from "@fulmen/lightning/handlers";
import { backOff, type Clock } from "./clock.ts";

/** What the user does about an event. One that throws, or rejects, gets the same event again later. */
export type EventHandler = (event: Event) => Promise<void> | void;

const eventsAtOnce = 100;
const shortestRetry = 1_000;
const longestRetry = 60_000;

export interface EventPumpOptions {
  readonly source: EventsProvider;
  readonly handle: EventHandler;
  readonly clock: Clock;
  /** Called after each event, handled or not. `error` is what the handler threw. */
  readonly handled: (outcome: { readonly event: Event; readonly error?: unknown }) => void;
}

/** Gives events to the user, one after the other in their order, and acknowledges those that were handled. */
export class EventPump {
  readonly #options: EventPumpOptions;
  #running: Promise<void> | undefined;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #isStopped = false;

  constructor(options: EventPumpOptions) {
    this.#options = options;
  }

  /** There may be events. */
  wake(): void {
    if (this.#isStopped || this.#running !== undefined || this.#cancelRetry !== undefined) return;
    if (this.#options.source.pendingEvents(1).length === 0) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.wake();
    });
  }

  /** Resolves once the handler has dealt with the event that it has now; it gets no further one. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { source, handle, clock, handled } = this.#options;
    for (const { index, event } of source.pendingEvents(eventsAtOnce)) {
      if (this.#isStopped) return;
      try {
        await handle(event);
      } catch (error) {
        this.#failures++;
        this.#cancelRetry = clock.schedule(
          () => {
            this.#cancelRetry = undefined;
            this.wake();
          },
          backOff(this.#failures, shortestRetry, longestRetry),
        );
        handled({ event, error });
        return;
      }
      this.#failures = 0;
      source.acknowledgeEvents(index);
      handled({ event });
    }
  }
}
