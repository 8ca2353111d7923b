import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BroadcastOutcome, ChainSource, ChainTip, FeerateTable } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { SecondOpinion } from "./secondOpinion.ts";
import type { Standing } from "./standing.ts";

/** The longest that one which failed at telling of blocks is not asked for any: twice as long each time. */
const longestAvoidance = 30 * 60_000;

/** One of several sources: started when it is needed first, and nobody waits for one that failed just now. */
export class Member {
  readonly source: ChainSource;
  readonly secondOpinion = new SecondOpinion();
  readonly #rest: number;
  #started: Promise<ChainTip> | undefined;
  #failure: { readonly error: unknown; readonly until: number } | undefined;
  #avoidedUntil = 0;
  #failures = 0;
  #isSyncing = false;
  /** While it was asked how it stands and has not answered. */
  isLookedAt = false;
  /** Where it stood when it was asked last, against the block of this hash. */
  seen: { readonly at: string; readonly standing: Standing } | undefined;

  /** `rest` has the milliseconds that it is left alone after a failure by who asks for feerates and the like. */
  constructor(source: ChainSource, rest: number) {
    this.source = source;
    this.#rest = rest;
  }

  get name(): string {
    return this.source.name;
  }

  /** Why it did not answer last; absent when it did, or was not asked. */
  get problem(): string | undefined {
    const error = this.#failure?.error;
    return error === undefined || error instanceof Error ? error?.message : String(error);
  }

  /** Starts it unless it is; one that failed to start may be started again. */
  start(): Promise<ChainTip> {
    this.#started ??= this.source.start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  feerates(): Promise<FeerateTable> {
    return this.asked(() => this.source.feerates());
  }

  broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    return this.asked(() => this.source.broadcast(transactions));
  }

  stop(): Promise<void> {
    return this.source.stop();
  }

  /** Rejects at once while it rests: a source that hangs keeps nothing from the others. */
  async asked<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined && performance.now() < this.#failure.until) throw this.#failure.error;
    try {
      await this.start();
      const answer = await ask();
      this.#failure = undefined;
      return answer;
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** Remembers what is wrong with it. */
  failed(error: unknown): void {
    this.#failure = { error, until: performance.now() + this.#rest };
  }

  /** It told of blocks as it should; `forLong` when it has done so for a while. */
  served(forLong: boolean): void {
    this.#failure = undefined;
    if (forLong) this.#failures = 0;
  }

  /** It has begun a sync. */
  busyWith(syncing: Promise<unknown>): void {
    const ended = (): void => {
      this.#isSyncing = false;
    };
    this.#isSyncing = true;
    syncing.then(ended, ended);
  }

  /** Whether it has not ended a sync yet, though another one may have taken its place. */
  get isSyncing(): boolean {
    return this.#isSyncing;
  }

  /** Others take its place for this time at the least, in milliseconds, and longer each time. */
  avoid(shortest: number): void {
    this.#avoidedUntil = performance.now() + Math.min(shortest * 2 ** this.#failures, longestAvoidance);
    this.#failures++;
  }

  /** Whether it can be asked for blocks. */
  get isAvailable(): boolean {
    return !this.#isSyncing && performance.now() >= this.#avoidedUntil;
  }
}

/** The error for a source in whose place is another. */
export function replaced(): ChainSourceError {
  return new ChainSourceError("stopped", "blocks come from another source now", "nothing has to be done");
}
