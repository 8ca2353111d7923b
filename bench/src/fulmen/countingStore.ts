import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { MemoryStore } from "@fulmen/persist/memory";

/** A store in memory that counts the bytes it is given, keys and values, by the fact that a key stands for. */
export class CountingStore implements KVStore {
  readonly #store = new MemoryStore();
  readonly #bytes = new Map<string, number>();

  /** Since `clear`; a deletion counts its key. */
  get bytes(): ReadonlyMap<string, number> {
    return this.#bytes;
  }

  clear(): void {
    this.#bytes.clear();
  }

  read(key: string): Promise<Uint8Array | undefined> {
    return this.#store.read(key);
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    return this.#store.scan(prefix, after, limit);
  }

  commit(batch: readonly KvWrite[]): Promise<void> {
    for (const { key, value } of batch) {
      const fact = factOf(key);
      this.#bytes.set(fact, (this.#bytes.get(fact) ?? 0) + key.length + (value?.length ?? 0));
    }
    return this.#store.commit(batch);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** A key without what names the one channel, HTLC or number: `channel/htlc/onion`. */
function factOf(key: string): string {
  return key
    .split("/")
    .filter((part) => /^[a-z-]+$/.test(part))
    .join("/");
}
