import { messageOf } from "@fulmen/lightning/util";
import { StoreError } from "../storeError.ts";
import { HeldLease, rolledBack } from "./heldLease.ts";
import {
  type Candidate,
  type Claim,
  type LeaseRow,
  markRolledBack,
  readLease,
  takeLease,
} from "./leaseRow.ts";
import type { CheckedOptions } from "./settings.ts";
import { type Connect, type SqlConnection, SqlError } from "./sqlConnection.ts";

/** A lease that was taken, and the connection over which. */
export interface TakenLease {
  readonly claim: Claim;
  readonly lease: HeldLease;
  readonly connection: SqlConnection;
}

export interface StandByOptions {
  readonly options: CheckedOptions;
  readonly candidate: Candidate;
  readonly connect: Connect;
  /** Whether to wait as long as another holds the lease, rather than to reject with `locked`. */
  readonly patient: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Looks in one duration of the lease. */
const looksPerDuration = 12;
/** What a stand-by waits beyond the holder's own duration: clocks do not run equally fast. */
const margin = 1.1;
/** No waiting helps: the password is wrong, the user may not, the database is not there. */
const hopeless = /^(28|3D|42501)/;

interface Watched {
  readonly row: LeaseRow;
  /** On our own monotonic clock, after the row was seen. */
  readonly since: number;
}

/**
 * Waits until a lease is free, or its holder has not shown itself for the holder's own duration and a margin, and takes
 * it. The time is this process's, counted from when the row was seen: nobody's clock is compared with another's.
 */
export class StandBy {
  readonly #parts: StandByOptions;
  #connection: SqlConnection | undefined;
  #watched: Watched | undefined;
  #hasFailed = false;

  constructor(parts: StandByOptions) {
    this.#parts = parts;
  }

  /** Rejects with `StoreError`, or with the signal's reason. */
  async take(): Promise<TakenLease> {
    const { options, signal } = this.#parts;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const taken = await this.#look();
        if (taken !== undefined) return taken;
        await this.#pause(options.leaseDuration / looksPerDuration);
      }
    } catch (error) {
      this.#connection?.destroy();
      throw error;
    }
  }

  async #look(): Promise<TakenLease | undefined> {
    const { options, connect, patient } = this.#parts;
    try {
      if (this.#connection?.isOpen !== true) this.#connection = await connect();
      const taken = await this.#watch(this.#connection);
      if (this.#hasFailed) options.log("the database can be reached again");
      this.#hasFailed = false;
      return taken;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const reason = messageOf(error);
      const isHopeless = error instanceof SqlError && hopeless.test(error.code ?? "");
      if (!patient || isHopeless) {
        throw new StoreError("open-failed", `the database cannot be used: ${reason}`);
      }
      if (!this.#hasFailed) options.log(`the database cannot be reached and is tried again: ${reason}`);
      this.#hasFailed = true;
      this.#connection?.destroy();
      // The holder may have been cut off, too: it gets its time anew.
      this.#watched = this.#watched && { ...this.#watched, since: options.clock.monotonic() };
      return undefined;
    }
  }

  async #watch(connection: SqlConnection): Promise<TakenLease | undefined> {
    const { options, candidate, patient } = this.#parts;
    const row = await readLease(connection, options);
    const now = options.clock.monotonic();
    const before = this.#watched;
    if (row?.isRolledBack === true) throw rolledBack(options.node);
    if (row === undefined) {
      if (before !== undefined) throw rolledBack(options.node);
      return this.#take(connection, row);
    }
    if (row.holder === undefined || row.holder === candidate.id) return this.#take(connection, row);
    if (before === undefined || before.row.epoch !== row.epoch || before.row.beat !== row.beat) {
      if (before !== undefined && (row.epoch < before.row.epoch || row.beat < before.row.beat)) {
        await markRolledBack(connection, options);
        throw rolledBack(options.node);
      }
      if (before !== undefined && !patient) throw locked(options.node, row);
      if (before === undefined) options.log(`${row.holderName} runs ${options.node}; waiting for its lease`);
      this.#watched = { row, since: now };
      return undefined;
    }
    if (now - before.since < row.duration * margin) return undefined;
    options.log(
      `${row.holderName} has not renewed its lease of ${options.node} for ${row.duration} ms: taking over`,
    );
    return this.#take(connection, row);
  }

  async #take(connection: SqlConnection, seen: LeaseRow | undefined): Promise<TakenLease | undefined> {
    const { options, candidate } = this.#parts;
    const { clock, node, leaseDuration: duration } = options;
    const asked = { monotonic: clock.monotonic(), wall: clock.wall(), beat: seen?.beat ?? 0n };
    const taken = await takeLease(connection, options, candidate, seen);
    if (taken === undefined) return undefined;
    const lease = new HeldLease({ node, epoch: taken.epoch, duration, clock });
    lease.answered(asked, taken.beat);
    return { lease, claim: { epoch: taken.epoch, holder: candidate.id }, connection };
  }

  /** Ends early when the signal says so. */
  #pause(delay: number): Promise<void> {
    const { options, signal } = this.#parts;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const cancel = options.clock.schedule(end, delay);
      signal?.addEventListener("abort", end);
    });
  }
}

function locked(node: string, { holderName }: LeaseRow): StoreError {
  return new StoreError(
    "locked",
    `the node ${node} is run by ${holderName}, which renews its lease: stop that one first, or start this one as a stand-by`,
  );
}
