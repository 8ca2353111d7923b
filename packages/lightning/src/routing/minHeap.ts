/**
 * Numbers below 2^32, each with a key; the one with the least key leaves first. Four children to a node: half as deep
 * as a binary heap, and they lie side by side. Of equal keys any may come first, always the same for the same history.
 */
export class MinHeap {
  #keys: Float64Array = new Float64Array(1024);
  #values: Uint32Array = new Uint32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Of the value that leaves next; `Infinity` when there is none. */
  get leastKey(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#keys[0] as number);
  }

  push(key: number, value: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    const values = this.#values;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >>> 2;
      const parentKey = keys[parent] as number;
      if (parentKey <= key) break;
      keys[at] = parentKey;
      values[at] = values[parent] as number;
      at = parent;
    }
    keys[at] = key;
    values[at] = value;
  }

  /** The value with the least key. There must be one. */
  pop(): number {
    const keys = this.#keys;
    const values = this.#values;
    const first = values[0] as number;
    const size = --this.#size;
    const key = keys[size] as number;
    const value = values[size] as number;
    let at = 0;
    for (let child = 1; child < size; child = 4 * at + 1) {
      const end = child + 4 < size ? child + 4 : size;
      let least = child;
      let leastKey = keys[child] as number;
      for (let other = child + 1; other < end; other++) {
        const otherKey = keys[other] as number;
        if (otherKey < leastKey) {
          leastKey = otherKey;
          least = other;
        }
      }
      if (key <= leastKey) break;
      keys[at] = leastKey;
      values[at] = values[least] as number;
      at = least;
    }
    keys[at] = key;
    values[at] = value;
    return first;
  }

  #grow(): void {
    const keys = new Float64Array(2 * this.#keys.length);
    const values = new Uint32Array(2 * this.#values.length);
    keys.set(this.#keys);
    values.set(this.#values);
    this.#keys = keys;
    this.#values = values;
  }
}
