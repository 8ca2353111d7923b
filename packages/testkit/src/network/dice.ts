/** Random numbers that are the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  /** `seed` is a whole number; 32 bits of it count. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `below` - 1. */
  roll(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  /** Puts `items` into an order drawn at random, in place. */
  shuffle(items: unknown[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.roll(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
  }
}
