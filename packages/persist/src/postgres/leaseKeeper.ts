import { messageOf } from "@fulmen/lightning/util";
import { StoreError } from "../storeError.ts";
import type { HeldLease } from "./heldLease.ts";
import { type Claim, markRolledBack, releaseLease, renewLease } from "./leaseRow.ts";
import type { CheckedOptions } from "./settings.ts";
import type { Connect, SqlConnection } from "./sqlConnection.ts";

export interface LeaseKeeperOptions {
  readonly options: CheckedOptions;
  readonly claim: Claim;
  readonly lease: HeldLease;
  readonly connect: Connect;
  /** The connection over which the lease was taken. */
  readonly connection: SqlConnection;
}

/** Renewals in one duration: three may fail in a row. */
const renewalsPerDuration = 4;
/** Milliseconds until another attempt when one failed. */
const shortestRetry = 100;

/** Renews a lease by a timer and over a connection of its own, until it is lost or given back. */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperOptions;
  #connection: SqlConnection | undefined;
  #cancel: (() => void) | undefined;
  #renewing: Promise<void> | undefined;
  #isStopped = false;
  #failures = 0;

  constructor(parts: LeaseKeeperOptions) {
    this.#parts = parts;
    this.#connection = parts.connection;
    parts.lease.onLost((error) => void this.#stop(error));
    this.#schedule(this.#interval);
  }

  /** No further renewal; the lease is given back when the database can be reached, and runs out by itself otherwise. */
  async release(): Promise<void> {
    const { options, claim } = this.#parts;
    this.#isStopped = true;
    this.#cancel?.();
    await this.#renewing;
    try {
      this.#connection ??= await this.#parts.connect();
      await releaseLease(this.#connection, options, claim);
    } catch (error) {
      options.log(
        `the lease of ${options.node} could not be given back and runs out by itself: ${messageOf(error)}`,
      );
    }
    await this.#connection?.close();
  }

  get #interval(): number {
    return this.#parts.options.leaseDuration / renewalsPerDuration;
  }

  #schedule(delay: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#parts.options.clock.schedule(() => {
      this.#renewing = this.#renew();
    }, delay);
  }

  async #renew(): Promise<void> {
    const { options, claim, lease, connect } = this.#parts;
    try {
      if (this.#connection?.isOpen !== true) this.#connection = await connect();
      const question = lease.question();
      lease.answered(question, await renewLease(this.#connection, options, claim));
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (this.#failures > 0) options.log(`the lease of ${options.node} is renewed again`);
    this.#failures = 0;
    this.#schedule(this.#interval);
  }

  #failed(error: unknown): void {
    const { options, lease } = this.#parts;
    if (lease.end !== undefined) return;
    if (error instanceof StoreError && error.isFatal) {
      lease.lose(error);
      return;
    }
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#failures++;
    if (this.#failures === 1) {
      options.log(
        `the lease of ${options.node} could not be renewed and is tried again: ${messageOf(error)}`,
      );
    }
    this.#schedule(Math.min(this.#interval, shortestRetry * 2 ** Math.min(this.#failures - 1, 20)));
  }

  async #stop(reason: Error): Promise<void> {
    const { options, connect } = this.#parts;
    this.#isStopped = true;
    this.#cancel?.();
    if (reason instanceof StoreError && reason.code === "rolled-back") {
      // Who starts next does not know what is missing.
      const connection = await connect().catch(() => undefined);
      if (connection !== undefined) await markRolledBack(connection, options);
      connection?.destroy();
    }
    this.#connection?.destroy();
  }
}
