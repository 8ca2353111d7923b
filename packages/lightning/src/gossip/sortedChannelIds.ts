import type { ShortChannelId } from "../util/ids.ts";

/**
 * Short channel ids in ascending order. Adding and removing moves what lies behind (microseconds at the size of the
 * network); in return, a walk can stop at any id and go on later, whatever has changed meanwhile.
 */
export class SortedChannelIds {
  readonly #ids: ShortChannelId[] = [];

  add(id: ShortChannelId): void {
    const at = this.#indexFrom(id);
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id);
  }

  remove(id: ShortChannelId): void {
    const at = this.#indexFrom(id);
    if (this.#ids[at] === id) this.#ids.splice(at, 1);
  }

  /** The least id that is `from` or above. */
  firstFrom(from: bigint): ShortChannelId | undefined {
    return this.#ids[this.#indexFrom(from)];
  }

  #indexFrom(from: bigint): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const id = this.#ids[middle];
      if (id !== undefined && id < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
