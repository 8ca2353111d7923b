/*
 * Sizes of blocks: 1 to 8, then four to each doubling (10, 12, 14, 16, 20, ...), so that a block is at
 * most a quarter larger than was asked for. A block that comes back serves the next one of its size.
 */

/** The number of the smallest size that holds `length`, which is at least 1. */
export function sizeClassFor(length: number): number {
  if (length <= 8) return length - 1;
  const exponent = 31 - Math.clz32(length - 1);
  const steps = Math.ceil(length / 2 ** (exponent - 2));
  return 4 * (exponent - 1) + steps - 5;
}

/** How much a block of this class holds. */
export function sizeOfClass(sizeClass: number): number {
  if (sizeClass < 8) return sizeClass + 1;
  return (5 + (sizeClass & 3)) * 2 ** ((sizeClass >> 2) - 1);
}

/** Cuts an array that can grow into blocks of a few sizes, and takes them back. */
export class Blocks {
  /** Starts of free blocks, by class. */
  readonly #free: number[][] = [];
  #end = 0;

  /** Where the array has to reach. */
  get end(): number {
    return this.#end;
  }

  /** Where a block of this class starts. */
  take(sizeClass: number): number {
    const again = this.#free[sizeClass]?.pop();
    if (again !== undefined) return again;
    const start = this.#end;
    this.#end += sizeOfClass(sizeClass);
    return start;
  }

  giveBack(start: number, sizeClass: number): void {
    while (this.#free.length <= sizeClass) this.#free.push([]);
    this.#free[sizeClass]?.push(start);
  }
}
