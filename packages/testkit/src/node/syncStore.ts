import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";

/**
 * A store in memory that can also be asked without promises: for nodes that a test runs step by step. It outlives the
 * node, as a disk does.
 */
export class SyncStore implements KVStore {
  readonly #values = new Map<string, Uint8Array>();
  #commits = 0;

  /** How many batches were committed. */
  get commits(): number {
    return this.#commits;
  }

  commitNow(batch: readonly KvWrite[]): void {
    this.#commits++;
    for (const { key, value } of batch) {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value.slice());
    }
  }

  readNow(key: string): KvEntry | undefined {
    const value = this.#values.get(key);
    return value && { key, value: value.slice() };
  }

  /** All entries whose keys start with `prefix`, in key order. */
  entries(prefix = ""): readonly KvEntry[] {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
    return keys.flatMap((key) => this.readNow(key) ?? []);
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    return this.readNow(key)?.value;
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    const found = this.entries(prefix).filter(({ key }) => after === undefined || key > after);
    return found.slice(0, limit);
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    this.commitNow(batch);
  }

  async close(): Promise<void> {}
}
