import type { KvWrite } from "@fulmen/lightning/chain";
import { firstInRange, type KeyRange } from "../keys.ts";

/** What the entries of a snapshot were changed to since, in memory, with the keys in order. */
export class ChangeTable {
  readonly #values = new Map<string, Uint8Array | undefined>();
  /** Rebuilt when a scan finds that there are new keys. */
  #sortedKeys: readonly string[] | undefined;

  /** Whether the key was changed, be it to nothing. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  apply(writes: Iterable<KvWrite>): void {
    for (const { key, value } of writes) {
      if (!this.#values.has(key)) this.#sortedKeys = undefined;
      this.#values.set(key, value);
    }
  }

  /** All changes, in no order. */
  *all(): Iterable<KvWrite> {
    for (const [key, value] of this.#values) yield { key, value };
  }

  /** The changes of a range, in key order. The table must not change meanwhile. */
  *range(range: KeyRange): Generator<KvWrite> {
    this.#sortedKeys ??= [...this.#values.keys()].sort();
    for (let i = firstInRange(this.#sortedKeys, range); i < this.#sortedKeys.length; i++) {
      const key = this.#sortedKeys[i] ?? "";
      if (key >= range.below) return;
      yield { key, value: this.#values.get(key) };
    }
  }
}

/**
 * What `newer` and, where it is silent, `older` have of a range, in key order, up to the change that is the `limit`th
 * with a value: whoever looks for `limit` entries needs no more.
 */
export function changesInRange(
  newer: ChangeTable,
  older: ChangeTable | undefined,
  range: KeyRange,
  limit: number,
): readonly KvWrite[] {
  const changes: KvWrite[] = [];
  let entries = 0;
  const behind = older?.range(range);
  let next = behind?.next().value;
  const take = (change: KvWrite): boolean => {
    changes.push(change);
    if (change.value !== undefined) entries++;
    return entries < limit;
  };
  for (const change of newer.range(range)) {
    while (next && next.key < change.key) {
      if (!take(next)) return changes;
      next = behind?.next().value;
    }
    if (next?.key === change.key) next = behind?.next().value;
    if (!take(change)) return changes;
  }
  for (; next; next = behind?.next().value) if (!take(next)) return changes;
  return changes;
}
