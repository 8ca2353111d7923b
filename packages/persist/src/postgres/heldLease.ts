import type { Lease } from "@fulmen/lightning/chain";
import { StoreError } from "../storeError.ts";
import type { LeaseClock } from "./clock.ts";

/**
 * The moment at which something is asked of the database that will show, once it is answered, that the lease was ours.
 */
export interface LeaseQuestion {
  readonly monotonic: number;
  readonly wall: number;
  /** The last beat that was known. */
  readonly beat: bigint;
}

export interface HeldLeaseOptions {
  /** Names the node in errors. */
  readonly node: string;
  readonly epoch: bigint;
  /** Milliseconds. */
  readonly duration: number;
  readonly clock: LeaseClock;
}

/**
 * What a holder knows of its lease: until when it holds. Everything that changes the row of the lease raises its
 * `beat`; a stand-by waits until the beat has stood still for the lease's duration. The holder counts the same duration
 * from before it asked for a beat, the stand-by from after it saw it, each on its own clock: the holder is done first.
 */
export class HeldLease implements Lease {
  readonly epoch: bigint;
  readonly #options: HeldLeaseOptions;
  /** The highest beat that an answer told of. */
  #beat = 0n;
  /** The latest question that was answered well. */
  #asked: LeaseQuestion | undefined;
  #end: StoreError | undefined;
  #isLost = false;
  #listeners: ((error: Error) => void)[] = [];

  constructor(options: HeldLeaseOptions) {
    this.epoch = options.epoch;
    this.#options = options;
  }

  /** Why nothing more may be done, when that is so. */
  get end(): StoreError | undefined {
    return this.#end;
  }

  /**
   * Both clocks have to say so: the monotonic one cannot be set, but stands still on some systems while the machine
   * sleeps, which the other one shows.
   */
  holdsLease(): boolean {
    const { clock, duration } = this.#options;
    if (this.#end !== undefined || this.#asked === undefined) return false;
    const { monotonic, wall } = this.#asked;
    return clock.monotonic() - monotonic < duration && clock.wall() - wall < duration;
  }

  onLost(listener: (error: Error) => void): void {
    if (this.#isLost && this.#end !== undefined) listener(this.#end);
    else this.#listeners.push(listener);
  }

  /** To be called before the database is asked. */
  question(): LeaseQuestion {
    const { clock } = this.#options;
    return { monotonic: clock.monotonic(), wall: clock.wall(), beat: this.#beat };
  }

  /**
   * To be called with the beat that the database answered, or `undefined` when the row is not ours. Throws `StoreError`
   * when the lease is lost, now or before.
   */
  answered(question: LeaseQuestion, beat: bigint | undefined): void {
    if (this.#end !== undefined) throw this.#end;
    const { node } = this.#options;
    if (beat === undefined) throw this.lose(leaseLost(node));
    // Each change adds one. Not to be above what was known before means that some are gone.
    if (beat <= question.beat) throw this.lose(rolledBack(node));
    if (beat > this.#beat) this.#beat = beat;
    // Answers to statements on two connections may come in another order than these were sent.
    if (this.#asked === undefined || question.monotonic >= this.#asked.monotonic) this.#asked = question;
  }

  /** The lease is gone for good. Gives the reason, which is the first one. */
  lose(reason: StoreError): StoreError {
    if (this.#end !== undefined) return this.#end;
    this.#end = reason;
    this.#isLost = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(reason);
    return reason;
  }

  /** The lease is given up: the store is closed. */
  giveUp(reason: StoreError): void {
    this.#end ??= reason;
    this.#listeners = [];
  }
}

export function leaseLost(node: string): StoreError {
  return new StoreError(
    "lease-lost",
    `another process has taken over the node ${node}: this one must stop, and may be started again as a stand-by`,
  );
}

export function rolledBack(node: string): StoreError {
  return new StoreError(
    "rolled-back",
    `the database has lost commits of the node ${node} that it had acknowledged, as after a failover to a replica that ` +
      "lagged behind or after restoring a backup. Do not run the node from it: a peer may take all funds of a channel " +
      "whose old state is used. Bring back the database that has all commits; this one is marked (fulmen_leases.rolled_back)",
  );
}
