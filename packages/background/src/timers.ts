import type { Clock } from "./clock.ts";

/** Actions that are repeated until all of them are stopped. */
export class Timers {
  readonly #clock: Clock;
  readonly #cancels = new Map<number, () => void>();
  #count = 0;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `action` every `interval` milliseconds, the first time after one of them. */
  every(interval: number, action: () => void): void {
    this.#count++;
    const id = this.#count;
    const next = (): void => {
      if (this.#isStopped) return;
      this.#cancels.set(
        id,
        this.#clock.schedule(() => {
          action();
          next();
        }, interval),
      );
    };
    next();
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels.values()) cancel();
  }
}
