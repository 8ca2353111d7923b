import type { LeaseClock } from "#src/postgres/clock";

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** Time that passes when the test says so, and machines' clocks that run by it, each in its own way. */
export class SimulatedTime {
  #now = 0;
  #timers: Timer[] = [];

  get now(): number {
    return this.#now;
  }

  schedule(action: () => void, delay: number): () => void {
    const timer = { at: this.#now + delay, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** A machine's clock: it runs `rate` times as fast as time does and began at `offset`. */
  clock(rate = 1, offset = 0): LeaseClock {
    return {
      monotonic: () => offset + this.#now * rate,
      wall: () => 1_000_000 + offset + this.#now * rate,
      schedule: (action, delay) => this.schedule(action, delay / rate),
    };
  }

  /** Lets time pass, and all that is due happen, in its order. `check` is called whenever something has happened. */
  async advance(milliseconds: number, check: () => void = () => {}): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await settled();
      check();
      let next: Timer | undefined;
      for (const timer of this.#timers)
        if (timer.at <= end && !(next !== undefined && next.at <= timer.at)) next = timer;
      if (next === undefined) break;
      const found = next;
      this.#timers = this.#timers.filter((other) => other !== found);
      this.#now = found.at;
      check();
      found.action();
    }
    this.#now = end;
    await settled();
    check();
  }
}

/** All promises that can go on have gone on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}
