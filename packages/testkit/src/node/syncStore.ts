import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { invariant } from "@fulmen/lightning/util";

/** What a key may be: see `KvWrite`. */
const keyForm = /^[A-Za-z0-9_./:-]{1,500}$/;

/**
 * A store in memory that can also be asked without promises: for nodes that a test runs step by step. It outlives the
 * node, as a disk does.
 */
export class SyncStore implements KVStore {
  readonly #values = new Map<string, Uint8Array>();
  #commits = 0;
  #isClosed = false;

  /** How many batches were committed. */
  get commits(): number {
    return this.#commits;
  }

  /** Throws `InvariantError` on a key that is none. */
  commitNow(batch: readonly KvWrite[]): void {
    for (const { key } of batch) invariant(keyForm.test(key), `not a key: ${JSON.stringify(key)}`);
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
    this.#checkOpen();
    return this.readNow(key)?.value;
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    this.#checkOpen();
    const found = this.entries(prefix).filter(({ key }) => after === undefined || key > after);
    return found.slice(0, limit);
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    this.#checkOpen();
    this.commitNow(batch);
  }

  /** For those who ask with promises; the node that a test runs step by step goes on. */
  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(): void {
    invariant(!this.#isClosed, "the store is closed");
  }
}
