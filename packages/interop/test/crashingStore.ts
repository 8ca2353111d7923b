import type { KVStore, KVStoreError, KvEntry, KvWrite } from "@fulmen/lightning/chain";

/** Before or after the commit that comes after `index` others. */
export interface CrashPoint {
  readonly index: number;
  readonly when: "before" | "after";
}

/** What a process that dies leaves behind: from the crash on, nothing more is written, and nobody is told. */
class Crash extends Error implements KVStoreError {
  readonly isFatal = true;
}

/** A store that is lost to its node at a chosen commit. What was committed stays in the store that it stands before. */
export class CrashingStore implements KVStore {
  readonly #inner: KVStore;
  #point: CrashPoint | undefined;
  #commits = 0;
  #isLost = false;

  constructor(inner: KVStore) {
    this.#inner = inner;
  }

  /** Counts commits from here on. */
  arm(point: CrashPoint | undefined): void {
    this.#point = point;
    this.#commits = 0;
  }

  /** Whether the node has crashed, though it may not have noticed. */
  get isLost(): boolean {
    return this.#isLost;
  }

  read(key: string): Promise<Uint8Array | undefined> {
    return this.#inner.read(key);
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    return this.#inner.scan(prefix, after, limit);
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    const isIt = this.#point?.index === this.#commits++;
    if (this.#isLost || (isIt && this.#point?.when === "before")) {
      this.#isLost = true;
      // Meanwhile leaves what rests on the commits before.
      await new Promise((resolve) => setTimeout(resolve, 2));
      throw new Crash("crashed before a commit");
    }
    await this.#inner.commit(batch);
    if (!isIt) return;
    this.#isLost = true;
    throw new Crash("crashed after a commit");
  }

  async close(): Promise<void> {}
}
