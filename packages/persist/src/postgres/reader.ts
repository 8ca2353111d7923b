import type { KvEntry } from "@fulmen/lightning/chain";
import { messageOf } from "@fulmen/lightning/util";
import type { KeyRange } from "../keys.ts";
import { StoreError } from "../storeError.ts";
import { type HeldLease, leaseLost } from "./heldLease.ts";
import type { Claim } from "./leaseRow.ts";
import type { CheckedOptions } from "./settings.ts";
import type { Connect, SqlConnection, SqlRow, SqlValue } from "./sqlConnection.ts";

export interface ReaderOptions {
  readonly options: CheckedOptions;
  readonly claim: Claim;
  readonly lease: HeldLease;
  readonly connect: Connect;
}

/*
 * Each statement gives at least one row while the lease is ours, and none when it is not: what a successor wrote is
 * never taken for what this process wrote.
 */
const readStatement = `SELECT entry.key, entry.value
  FROM fulmen_leases AS lease LEFT JOIN fulmen_entries AS entry ON entry.node = lease.node AND entry.key = $4
  WHERE lease.node = $1 AND lease.epoch = $2 AND lease.holder = $3`;

const scanStatement = `SELECT entry.key, entry.value
  FROM fulmen_leases AS lease LEFT JOIN (
    SELECT key, value FROM fulmen_entries
    WHERE node = $1 AND key >= $4 AND key > $5 AND key < $6 ORDER BY key LIMIT $7
  ) AS entry ON true
  WHERE lease.node = $1 AND lease.epoch = $2 AND lease.holder = $3
  ORDER BY entry.key`;

/** Reads over a connection of its own, which is made anew when it is needed. Rejects with `StoreError`. */
export class Reader {
  readonly #parts: ReaderOptions;
  #connection: SqlConnection | undefined;
  #connecting: Promise<SqlConnection> | undefined;

  constructor(parts: ReaderOptions) {
    this.#parts = parts;
    parts.lease.onLost(() => this.#connection?.destroy());
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const [entry] = await this.#entries(readStatement, [key]);
    return entry?.value;
  }

  scan({ from, after, below }: KeyRange, limit: number): Promise<readonly KvEntry[]> {
    return this.#entries(scanStatement, [from, after, below, limit]);
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => undefined);
    await this.#connection?.close();
  }

  async #entries(statement: string, values: readonly SqlValue[]): Promise<readonly KvEntry[]> {
    const { options, claim, lease } = this.#parts;
    let rows: readonly SqlRow[];
    try {
      const connection = await this.#connected();
      const ours = [options.node, claim.epoch.toString(), claim.holder];
      rows = await connection.query(statement, [...ours, ...values], options.answerTimeout);
    } catch (error) {
      if (lease.end !== undefined) throw lease.end;
      if (error instanceof StoreError) throw error;
      const reason = messageOf(error);
      throw new StoreError("read-failed", `the database cannot be read: ${reason}`);
    }
    if (rows.length === 0) throw lease.lose(leaseLost(options.node));
    if (lease.end !== undefined) throw lease.end;
    const entries: KvEntry[] = [];
    for (const { key, value } of rows) {
      if (typeof key === "string" && value instanceof Uint8Array) entries.push({ key, value });
    }
    return entries;
  }

  #connected(): Promise<SqlConnection> {
    if (this.#connection?.isOpen === true) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#parts.connect().then(
      (connection) => {
        this.#connecting = undefined;
        this.#connection = connection;
        return connection;
      },
      (error: unknown) => {
        this.#connecting = undefined;
        throw error;
      },
    );
    return this.#connecting;
  }
}
