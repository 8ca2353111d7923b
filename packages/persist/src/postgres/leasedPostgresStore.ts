import type { KvEntry, KvWrite, LeasedStore } from "@fulmen/lightning/chain";
import { checkLimit, keyRange, ownBatch } from "../keys.ts";
import { StoreError } from "../storeError.ts";
import type { HeldLease } from "./heldLease.ts";
import { LeaseKeeper } from "./leaseKeeper.ts";
import { Reader } from "./reader.ts";
import type { CheckedOptions } from "./settings.ts";
import type { Connect } from "./sqlConnection.ts";
import type { TakenLease } from "./standBy.ts";
import { Writer } from "./writer.ts";

/** The store of a process that has taken the lease: three connections, to renew it, to write and to read. */
export class LeasedPostgresStore implements LeasedStore {
  readonly epoch: bigint;
  readonly #node: string;
  readonly #lease: HeldLease;
  readonly #keeper: LeaseKeeper;
  readonly #writer: Writer;
  readonly #reader: Reader;
  #closing: Promise<void> | undefined;

  constructor(options: CheckedOptions, connect: Connect, { claim, lease, connection }: TakenLease) {
    const parts = { options, claim, lease, connect };
    this.epoch = claim.epoch;
    this.#node = options.node;
    this.#lease = lease;
    this.#keeper = new LeaseKeeper({ ...parts, connection });
    this.#writer = new Writer(parts);
    this.#reader = new Reader(parts);
  }

  holdsLease(): boolean {
    return this.#closing === undefined && this.#lease.holdsLease();
  }

  onLost(listener: (error: Error) => void): void {
    this.#lease.onLost(listener);
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    this.#checkUsable();
    return this.#reader.read(key);
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    this.#checkUsable();
    checkLimit(limit);
    return this.#reader.scan(keyRange(prefix, after), limit);
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    this.#checkUsable();
    return this.#writer.commit(ownBatch(batch));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    const isLost = this.#lease.end !== undefined;
    this.#lease.giveUp(this.#closed());
    await this.#reader.close();
    if (!isLost) await this.#keeper.release();
  }

  #checkUsable(): void {
    if (this.#closing !== undefined) throw this.#closed();
    if (this.#lease.end !== undefined) throw this.#lease.end;
  }

  #closed(): StoreError {
    return new StoreError("closed", `the store of ${this.#node} is closed`);
  }
}
