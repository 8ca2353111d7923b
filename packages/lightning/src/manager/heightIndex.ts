/** Which keys have something due at which height. */
export class HeightIndex<K> {
  readonly #byHeight = new Map<number, Set<K>>();
  readonly #heights = new Map<K, number>();
  /** No entry lies below it. */
  #lowest = Number.POSITIVE_INFINITY;

  /** `key` is due at `height`, and no longer at another one. Infinity: never. */
  put(key: K, height: number): void {
    const before = this.#heights.get(key);
    if (before === height) return;
    if (before !== undefined) this.#remove(key, before);
    if (height === Number.POSITIVE_INFINITY) return;
    this.#heights.set(key, height);
    const keys = this.#byHeight.get(height);
    if (keys === undefined) this.#byHeight.set(height, new Set([key]));
    else keys.add(key);
    this.#lowest = Math.min(this.#lowest, height);
  }

  /** Takes the keys that are due at or below `height`. */
  due(height: number): readonly K[] {
    const keys: K[] = [];
    if (this.#lowest > height) return keys;
    let next = Number.POSITIVE_INFINITY;
    for (const [at, due] of this.#byHeight) {
      if (at > height) {
        next = Math.min(next, at);
        continue;
      }
      for (const key of due) {
        this.#heights.delete(key);
        keys.push(key);
      }
      this.#byHeight.delete(at);
    }
    this.#lowest = next;
    return keys;
  }

  #remove(key: K, height: number): void {
    const keys = this.#byHeight.get(height);
    keys?.delete(key);
    if (keys?.size === 0) this.#byHeight.delete(height);
    this.#heights.delete(key);
  }
}
