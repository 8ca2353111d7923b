import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { checkLimit, firstInRange, keyRange, ownBatch } from "../keys.ts";
import { StoreError } from "../storeError.ts";

/**
 * A store that forgets everything when the process ends: for tests and demonstrations, never for money. It behaves as
 * a durable one does, so a batch becomes visible some time after the call of `commit`, when its promise is fulfilled.
 */
export class MemoryStore implements KVStore {
  readonly #values: Map<string, Uint8Array>;
  /** The keys in order; rebuilt when a scan finds that keys came or went. */
  #sortedKeys: readonly string[] | undefined;
  #closed = false;

  /** A store that holds `entries`, such as a `snapshot` of another one. */
  constructor(entries: Iterable<KvEntry> = []) {
    this.#values = new Map();
    for (const { key, value } of entries) this.#values.set(key, value.slice());
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    return this.#values.get(key)?.slice();
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    this.#checkOpen();
    checkLimit(limit);
    const range = keyRange(prefix, after);
    this.#sortedKeys ??= [...this.#values.keys()].sort();
    const found: KvEntry[] = [];
    for (let i = firstInRange(this.#sortedKeys, range); found.length < limit; i++) {
      const key = this.#sortedKeys[i];
      if (key === undefined || key >= range.below) break;
      const value = this.#values.get(key);
      if (value !== undefined) found.push({ key, value: value.slice() });
    }
    return found;
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    this.#checkOpen();
    const writes = ownBatch(batch);
    await Promise.resolve();
    for (const { key, value } of writes) {
      if (value === undefined ? this.#values.delete(key) : !this.#values.has(key))
        this.#sortedKeys = undefined;
      if (value !== undefined) this.#values.set(key, value);
    }
  }

  async close(): Promise<void> {
    // Commits that were called before take effect first: they are ahead in the queue of microtasks.
    this.#closed = true;
    await Promise.resolve();
  }

  /** All entries that are committed now, in key order; also of a store that is closed. */
  snapshot(): readonly KvEntry[] {
    return [...this.#values]
      .map(([key, value]) => ({ key, value: value.slice() }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError("closed", "the store in memory is closed");
  }
}
