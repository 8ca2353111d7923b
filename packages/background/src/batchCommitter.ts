import type { KVStore, KVStoreError, KvWrite } from "@fulmen/lightning/chain";
import { invariant } from "@fulmen/lightning/util";
import { backOff, type Clock } from "./clock.ts";

/** What is to be committed together. */
export interface CommittableBatch {
  readonly writes: readonly KvWrite[];
  /** Called once, when the writes are durable; at once where there are none. */
  readonly committed: () => void;
}

export interface BatchCommitterEvents {
  /** The store failed for the `attempt`th time in a row; it is tried again in `delay` milliseconds. */
  frozen(error: unknown, attempt: number, delay: number): void;
  /**
   * The store has not answered for `waited` milliseconds. What it was given may still be taken: it is not tried again.
   */
  stalled(waited: number): void;
  /** The store works again. */
  thawed(): void;
  /** The store is lost. Nothing is committed any more. */
  lost(error: unknown): void;
}

const shortestRetry = 100;
const longestRetry = 30_000;
/** Milliseconds after which a store that neither takes nor refuses a commit counts as failing. */
const patience = 30_000;

/**
 * Brings batches into a store, one at a time. A batch overwrites what earlier ones made needless, so it must never be
 * durable without them: the next one is begun when the last one is known to be there. What happens meanwhile gathers in
 * the manager and becomes one batch, and so shares its sync.
 *
 * A batch that failed is committed again, the same writes, until it succeeds. If it was there already, and only the
 * answer was lost, nothing changes: a write puts a value or deletes a key, whatever was there.
 */
export class BatchCommitter {
  readonly #store: KVStore;
  readonly #clock: Clock;
  readonly #events: BatchCommitterEvents;
  #isBusy = false;
  #failures = 0;
  #isStalled = false;
  #isStopped = false;
  #cancelTimer: (() => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(store: KVStore, clock: Clock, events: BatchCommitterEvents) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
  }

  /** Whether the store fails, or this was stopped. */
  get isFrozen(): boolean {
    return this.#failures > 0 || this.#isStalled || this.#isStopped;
  }

  /** Whether a batch may be committed now. */
  get isReady(): boolean {
    return !this.#isBusy && !this.isFrozen;
  }

  commit(batch: CommittableBatch): void {
    invariant(this.isReady, "one batch at a time");
    if (batch.writes.length === 0) {
      batch.committed();
      return;
    }
    this.#isBusy = true;
    void this.#attempt(batch);
  }

  /** Resolves when no batch is under way, or nothing more can be done for now since the store fails. */
  settled(): Promise<void> {
    if (!this.#isBusy || this.isFrozen) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** No further attempt is made. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#release();
  }

  async #attempt(batch: CommittableBatch): Promise<void> {
    this.#cancelTimer = this.#clock.schedule(() => this.#stall(), patience);
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#store.commit(batch.writes);
    } catch (error) {
      failure = { error };
    }
    if (this.#isStopped) return;
    this.#cancelTimer();
    this.#isBusy = false;
    if (failure === undefined) this.#succeeded(batch);
    else this.#failed(batch, failure.error);
  }

  #succeeded(batch: CommittableBatch): void {
    const hadFailed = this.isFrozen;
    this.#failures = 0;
    this.#isStalled = false;
    if (hadFailed) this.#events.thawed();
    batch.committed();
    this.#release();
  }

  #failed(batch: CommittableBatch, error: unknown): void {
    this.#isStalled = false;
    if (isFatal(error)) {
      this.stop();
      this.#events.lost(error);
      return;
    }
    this.#failures++;
    const delay = backOff(this.#failures, shortestRetry, longestRetry);
    this.#isBusy = true;
    this.#cancelTimer = this.#clock.schedule(() => void this.#attempt(batch), delay);
    this.#release();
    this.#events.frozen(error, this.#failures, delay);
  }

  #stall(): void {
    this.#isStalled = true;
    this.#release();
    this.#events.stalled(patience);
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Whether the store says that trying again cannot help. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && (error as Partial<KVStoreError>).isFatal === true;
}
