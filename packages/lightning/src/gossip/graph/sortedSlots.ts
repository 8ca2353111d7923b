import { grownLength, grownWords } from "./columnGrowth.ts";

/**
 * The slots of channels, or counters of nodes, by ascending id. New ones wait in a heap of their own until somebody
 * asks: many are then sorted and merged at once. A walk can stop at any id and go on later, whatever has changed
 * meanwhile.
 */
export class SortedSlots {
  /** Below zero, zero or above, as the id in slot `a` comes before, with or behind that in slot `b`. */
  readonly #compare: (a: number, b: number) => number;
  #slots: Uint32Array;
  #count = 0;
  #waiting: number[] = [];

  constructor(compare: (a: number, b: number) => number, expected = 0) {
    this.#compare = compare;
    this.#slots = new Uint32Array(expected);
  }

  /** Adds a slot that is not there; its id must be in place, and stay until it is removed. */
  add(slot: number): void {
    const last = this.#slots[this.#count - 1];
    if (this.#waiting.length === 0 && (last === undefined || this.#compare(last, slot) < 0)) {
      this.#reach(this.#count + 1);
      this.#slots[this.#count++] = slot;
    } else this.#waiting.push(slot);
  }

  /** Removes a slot that is there. */
  remove(slot: number): void {
    const at = this.#indexFrom((other) => this.#compare(other, slot));
    this.#slots.copyWithin(at, at + 1, this.#count);
    this.#count--;
  }

  /** The first slot whose id is not before the place that `compare` tells of. */
  firstFrom(compare: (slot: number) => number): number | undefined {
    const at = this.#indexFrom(compare);
    return at < this.#count ? this.#slots[at] : undefined;
  }

  /** All slots in order: valid until the next change. */
  all(): Uint32Array {
    this.#merge();
    return this.#slots.subarray(0, this.#count);
  }

  #indexFrom(compare: (slot: number) => number): number {
    this.#merge();
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#slots[middle] ?? 0) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #merge(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting.sort(this.#compare);
    this.#waiting = [];
    let from = this.#count - 1;
    this.#count += waiting.length;
    this.#reach(this.#count);
    let next = waiting.pop();
    for (let to = this.#count - 1; next !== undefined; to--) {
      const sorted = from < 0 ? undefined : (this.#slots[from] ?? 0);
      if (sorted !== undefined && this.#compare(sorted, next) > 0) {
        this.#slots[to] = sorted;
        from--;
      } else {
        this.#slots[to] = next;
        next = waiting.pop();
      }
    }
  }

  #reach(length: number): void {
    if (length <= this.#slots.length) return;
    this.#slots = grownWords(this.#slots, grownLength(this.#slots.length, length));
  }
}
