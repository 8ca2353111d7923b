/**
 * One change of a batch. Keys are strings of `[A-Za-z0-9_./:-]`, at most 500 characters, in byte order; the parts of
 * a key are joined by `/`. An absent `value` deletes the key; deleting what is not there is no error.
 */
export interface KvWrite {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * What a `KVStore` may reject with. Any other error counts as one that is not fatal: the node freezes, and the call is
 * tried again until it succeeds.
 */
export interface KVStoreError extends Error {
  /**
   * Whether trying again cannot help, since the store is lost to this process: damaged, closed, or taken over by
   * another one. A node stops at once; going on, or trying again, could do harm.
   */
  readonly isFatal: boolean;
}

/**
 * Where a node keeps what it must not forget.
 *
 * `commit` is atomic and durable: when its promise is fulfilled, all writes of the batch survive a power cut; when it
 * is rejected, none of them is visible, or the outcome is unknown and the same batch may be committed again.
 * Batches take effect in the order in which `commit` was called: one that was rejected never does so after a later one
 * was called. A store belongs to one process at a time.
 *
 * A node commits what must not be durable apart from one another in order: the next batch when the last one is durable.
 *
 * @ldk lightning::util::persist::KVStore
 */
export interface KVStore {
  read(key: string): Promise<Uint8Array | undefined>;
  /**
   * Entries whose keys start with `prefix` and lie behind `after` (from the start when it is absent), in key order, at
   * most `limit`.
   */
  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]>;
  commit(batch: readonly KvWrite[]): Promise<void>;
  /** Finishes pending commits and lets another process in. */
  close(): Promise<void>;
}
