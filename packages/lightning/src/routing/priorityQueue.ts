/** A binary heap: the value that comes before all others leaves first. */
export class PriorityQueue<T> {
  readonly #heap: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  push(value: T): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(value);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !this.#before(value, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = value;
  }

  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  /** Puts `value` in the place of the first, and then where it belongs. */
  #sink(value: T): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      const right = heap[childAt + 1];
      if (child === undefined) break;
      if (right !== undefined && this.#before(right, child)) {
        child = right;
        childAt++;
      }
      if (!this.#before(child, value)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = value;
  }
}
