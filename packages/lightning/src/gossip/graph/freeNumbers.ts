/** Hands out the smallest numbers it can, and takes them back: places in columns. */
export class FreeNumbers {
  readonly #free: number[] = [];
  #limit: number;

  /** All numbers below `limit` are taken. */
  constructor(limit = 0) {
    this.#limit = limit;
  }

  /** All numbers that were ever handed out are below. */
  get limit(): number {
    return this.#limit;
  }

  /** How many are handed out. */
  get count(): number {
    return this.#limit - this.#free.length;
  }

  take(): number {
    return this.#free.pop() ?? this.#limit++;
  }

  giveBack(number: number): void {
    this.#free.push(number);
  }
}
