import type { KVStore, KVStoreError, KvWrite } from "@fulmen/lightning/chain";
import { batchSequenceKey, readBatchSequence } from "@fulmen/lightning/storage";
import { present } from "@fulmen/lightning/util";
import { backOff, type Clock } from "./clock.ts";

/** What is to be committed together. */
export interface QueuedBatch {
  /** The manager's number of it; absent for writes that are not the manager's. */
  readonly sequence?: number;
  readonly writes: readonly KvWrite[];
  /** Called once the writes are durable, and those of all batches before. */
  readonly committed: () => void;
}

interface Entry {
  readonly batch: QueuedBatch;
  outcome: "pending" | "done" | "failed";
}

export interface CommitQueueEvents {
  /** The store failed for the `attempt`th time in a row; it is tried again in `delay` milliseconds. */
  frozen(error: unknown, attempt: number, delay: number): void;
  /** The store has not answered for `waited` milliseconds. What it was given may still be taken: nothing is tried again. */
  stalled(waited: number): void;
  /** The store works again, and all that had waited is durable. */
  thawed(): void;
  /** The store is lost. Nothing is committed any more. */
  lost(error: unknown): void;
}

const shortestRetry = 100;
const longestRetry = 30_000;
/** Milliseconds after which a store that neither takes nor refuses a commit counts as failing. */
const patience = 30_000;

/**
 * Brings batches into a store in order, several at a time, so that the store can share one sync among them. When the
 * store fails, nothing is told to be committed until everything from the failed batch on is durable.
 */
export class CommitQueue {
  readonly #store: KVStore;
  readonly #clock: Clock;
  readonly #events: CommitQueueEvents;
  /** In order; the first is the oldest that is not known to be durable. */
  #entries: Entry[] = [];
  #failures = 0;
  #retryIsDue = false;
  #cancelRetry: (() => void) | undefined;
  #isLost = false;
  #isStalled = false;
  #cancelPatience: (() => void) | undefined;
  #whenEmpty: (() => void)[] = [];

  constructor(store: KVStore, clock: Clock, events: CommitQueueEvents) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
  }

  /** Batches that are not known to be durable. */
  get length(): number {
    return this.#entries.length;
  }

  /** Whether the store has failed and not recovered. No batch may be pushed meanwhile. */
  get isFrozen(): boolean {
    return this.#failures > 0 || this.#isStalled || this.#isLost;
  }

  push(batch: QueuedBatch): void {
    const entry: Entry = { batch, outcome: "pending" };
    this.#entries.push(entry);
    if (batch.writes.length === 0) {
      entry.outcome = "done";
      this.#settle();
    } else {
      if (this.#cancelPatience === undefined) this.#bePatient();
      void this.#commit(entry);
    }
  }

  /** Resolves when nothing waits any more, or nothing more can be done for now since the store fails. */
  drained(): Promise<void> {
    if (this.#entries.length === 0 || this.isFrozen) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  /** No further attempt is made. */
  stop(): void {
    this.#isLost = true;
    this.#cancelRetry?.();
    this.#cancelPatience?.();
    this.#release();
  }

  async #commit(entry: Entry): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#store.commit(entry.batch.writes);
    } catch (error) {
      failure = { error };
    }
    if (this.#isLost) return;
    entry.outcome = failure === undefined ? "done" : "failed";
    if (failure !== undefined && this.#failures === 0) this.#failed(failure.error);
    this.#settle();
  }

  /** Lets go of what is durable; once no commit is under way any more, those that failed are tried again. */
  #settle(): void {
    const before = this.#entries.length;
    while (this.#entries[0]?.outcome === "done" && !this.#isLost) {
      present(this.#entries.shift(), "a durable batch").batch.committed();
    }
    if (this.#isLost) return;
    if (this.#entries.length < before || this.#failures > 0) this.#answered();
    if (this.#entries.length === 0) this.#release();
    if (!this.#retryIsDue || this.#entries.some(({ outcome }) => outcome === "pending")) return;
    this.#retryIsDue = false;
    const delay = backOff(this.#failures, shortestRetry, longestRetry);
    this.#cancelRetry = this.#clock.schedule(() => void this.#retry(), delay);
  }

  /** The store is given some time for the oldest commit. */
  #bePatient(): void {
    this.#cancelPatience?.();
    this.#cancelPatience = this.#clock.schedule(() => {
      this.#cancelPatience = undefined;
      this.#isStalled = true;
      this.#release();
      this.#events.stalled(patience);
    }, patience);
  }

  /** The store has dealt with the oldest commit; a further one has its own time. */
  #answered(): void {
    this.#cancelPatience?.();
    this.#cancelPatience = undefined;
    const isWaiting = this.#entries.some(({ outcome }) => outcome === "pending");
    if (isWaiting && this.#failures === 0 && !this.#isStalled) this.#bePatient();
    if (!this.#isStalled || isWaiting) return;
    this.#isStalled = false;
    if (this.#failures === 0) this.#events.thawed();
  }

  #failed(error: unknown): void {
    if (isFatal(error)) {
      this.stop();
      this.#events.lost(error);
      return;
    }
    this.#failures++;
    this.#retryIsDue = true;
    this.#release();
    this.#events.frozen(error, this.#failures, backOff(this.#failures, shortestRetry, longestRetry));
  }

  /** All from the first failed batch on, as one atomic commit: whatever became of each, they end as if in order. */
  async #retry(): Promise<void> {
    try {
      await this.#forgetCommitted();
      const writes = this.#entries.flatMap(({ batch }) => batch.writes);
      if (writes.length > 0) await this.#store.commit(writes);
    } catch (error) {
      if (this.#isLost) return;
      this.#failed(error);
      this.#settle();
      return;
    }
    if (this.#isLost) return;
    this.#failures = 0;
    for (const entry of this.#entries) entry.outcome = "done";
    this.#events.thawed();
    this.#settle();
  }

  /**
   * A commit may have failed in the answer only: the sequence number in the store tells. A later batch's number says
   * nothing of the one before it, which may have failed all the same: then all are committed again.
   */
  async #forgetCommitted(): Promise<void> {
    const [first] = this.#entries;
    if (first?.batch.sequence === undefined) return;
    const value = await this.#store.read(batchSequenceKey);
    const stored = value && readBatchSequence({ key: batchSequenceKey, value });
    if (stored?.ok !== true || stored.value !== first.batch.sequence || this.#isLost) return;
    present(this.#entries.shift(), "a durable batch").batch.committed();
  }

  #release(): void {
    const waiting = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const resolve of waiting) resolve();
  }
}

/** Whether the store says that trying again cannot help. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && (error as Partial<KVStoreError>).isFatal === true;
}
