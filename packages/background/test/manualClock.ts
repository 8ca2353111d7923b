import type { Clock } from "@fulmen/background";

/** A clock that moves when it is told to. */
export class ManualClock implements Clock {
  #milliseconds = 0;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  now(): number {
    return Math.floor(this.#milliseconds / 1_000);
  }

  schedule(action: () => void, delay: number): () => void {
    const timer = { at: this.#milliseconds + delay, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, and all that is due happen, in its order. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#milliseconds + milliseconds;
    for (;;) {
      await settled();
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#milliseconds = next.at;
      next.action();
    }
    this.#milliseconds = end;
    await settled();
  }
}

/** All promises that can go on have gone on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
