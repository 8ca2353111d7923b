/** Hands out the smallest numbers it can, and takes them back. */
export class NodeCounters {
  readonly #free: number[] = [];
  #limit = 0;

  /** All numbers that were ever handed out are below. */
  get limit(): number {
    return this.#limit;
  }

  take(): number {
    return this.#free.pop() ?? this.#limit++;
  }

  giveBack(counter: number): void {
    this.#free.push(counter);
  }
}
