import type { KvWrite } from "@fulmen/lightning/chain";
import { messageOf } from "@fulmen/lightning/util";
import { StoreError } from "../storeError.ts";
import { type HeldLease, leaseLost } from "./heldLease.ts";
import { bigintOf, type Claim } from "./leaseRow.ts";
import type { CheckedOptions } from "./settings.ts";
import { type Connect, type SqlConnection, SqlError, type SqlRow } from "./sqlConnection.ts";

interface PendingCommit {
  readonly writes: readonly KvWrite[];
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

export interface WriterOptions {
  readonly options: CheckedOptions;
  readonly claim: Claim;
  readonly lease: HeldLease;
  readonly connect: Connect;
}

/**
 * One statement, which is one transaction: it changes the lease's row, which is this session's or nobody is to write,
 * and the entries only when there was such a row. Whoever takes the lease over changes the same row: the two wait for
 * one another, and the one that comes later sees what the other did.
 */
const commitStatement = `WITH lease AS (
    UPDATE fulmen_leases SET beat = beat + 1
    WHERE node = $1 AND epoch = $2 AND holder = $3 AND session = $4 RETURNING node, beat
  ), deleted AS (
    DELETE FROM fulmen_entries USING lease
    WHERE fulmen_entries.node = lease.node AND fulmen_entries.key = ANY ($5::text[])
  ), written AS (
    INSERT INTO fulmen_entries (node, key, value)
    SELECT lease.node, given.key, given.value
    FROM lease, unnest($6::text[], $7::bytea[]) AS given (key, value)
    ON CONFLICT (node, key) DO UPDATE SET value = excluded.value
  )
  SELECT beat FROM lease`;

/**
 * Begins a session. It waits for a statement of an earlier connection that is being carried out; one that is still on
 * its way finds another session when it arrives, and does nothing. So no commit whose answer was lost takes effect
 * after a later one.
 */
const sessionStatement = `UPDATE fulmen_leases SET session = session + 1, beat = beat + 1
  WHERE node = $1 AND epoch = $2 AND holder = $3 RETURNING session, beat`;

/** Bytes that share one statement, beside a single batch that has more. */
const bytesPerStatement = 4_000_000;
/** Another statement's transaction was in the way; the server asks to try again. */
const tryAgainCodes: readonly (string | undefined)[] = ["40001", "40P01"];
const mostTries = 5;

/** Commits batches in the order of the calls over one connection, those that wait for it together. */
export class Writer {
  readonly #parts: WriterOptions;
  #pending: PendingCommit[] = [];
  #running: Promise<void> | undefined;
  #connection: SqlConnection | undefined;
  #session = 0n;

  constructor(parts: WriterOptions) {
    this.#parts = parts;
    parts.lease.onLost(() => this.#connection?.destroy());
  }

  /** Rejects with `StoreError`. */
  commit(writes: readonly KvWrite[]): Promise<void> {
    return new Promise((fulfil, reject) => {
      this.#pending.push({ writes, fulfil, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when all that was called before is settled and the connection is closed. */
  async close(): Promise<void> {
    await this.#running;
    await this.#connection?.close();
  }

  async #run(): Promise<void> {
    // What is called in the same turn of the event loop shares one statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#commit(group);
        for (const { fulfil } of group) fulfil();
      } catch (error) {
        this.#rejectAll(group, error);
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): readonly PendingCommit[] {
    let bytes = 0;
    let count = 0;
    for (const { writes } of this.#pending) {
      for (const { key, value } of writes) bytes += key.length + (value?.length ?? 0);
      if (count > 0 && bytes > bytesPerStatement) break;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  /** What was called before this is known must not be committed without it. */
  #rejectAll(group: readonly PendingCommit[], error: unknown): void {
    const later = this.#pending;
    this.#pending = [];
    const { end } = this.#parts.lease;
    const reason = end ?? toStoreError(error);
    for (const { reject } of group) reject(reason);
    const followUp =
      end ??
      new StoreError(
        "commit-failed",
        `nothing was written, since an earlier commit failed: ${reason.message}`,
      );
    for (const { reject } of later) reject(followUp);
  }

  async #commit(group: readonly PendingCommit[]): Promise<void> {
    const { options, claim, lease } = this.#parts;
    if (lease.end !== undefined) throw lease.end;
    const connection = await this.#connected();
    const deleted: string[] = [];
    const keys: string[] = [];
    const values: Uint8Array[] = [];
    for (const [key, value] of lastWrites(group)) {
      if (value === undefined) deleted.push(key);
      else {
        keys.push(key);
        values.push(value);
      }
    }
    const { epoch, holder } = claim;
    const session = this.#session.toString();
    const parameters = [options.node, epoch.toString(), holder, session, deleted, keys, values];
    for (let attempt = 1; ; attempt++) {
      const question = lease.question();
      try {
        const [row] = await connection.query(commitStatement, parameters, options.answerTimeout);
        lease.answered(question, row && bigintOf(row, "beat"));
        return;
      } catch (error) {
        if (!(error instanceof SqlError) || !tryAgainCodes.includes(error.code) || attempt >= mostTries)
          throw error;
      }
    }
  }

  /** A connection whose session is begun. Nothing is committed when that fails. */
  async #connected(): Promise<SqlConnection> {
    if (this.#connection?.isOpen === true) return this.#connection;
    const { options, claim, lease, connect } = this.#parts;
    const { epoch, holder } = claim;
    let connection: SqlConnection | undefined;
    let row: SqlRow | undefined;
    try {
      connection = await connect();
      const question = lease.question();
      const values = [options.node, epoch.toString(), holder];
      [row] = await connection.query(sessionStatement, values, options.answerTimeout);
      lease.answered(question, row && bigintOf(row, "beat"));
    } catch (error) {
      connection?.destroy();
      if (error instanceof StoreError) throw error;
      throw new StoreError("commit-failed", `the database cannot be written to: ${messageOf(error)}`);
    }
    if (row === undefined) throw lease.lose(leaseLost(options.node));
    this.#session = bigintOf(row, "session");
    this.#connection = connection;
    return connection;
  }
}

/** Of each key its last write: a statement can change a row once only. */
function lastWrites(group: readonly PendingCommit[]): ReadonlyMap<string, Uint8Array | undefined> {
  const last = new Map<string, Uint8Array | undefined>();
  for (const { writes } of group) for (const { key, value } of writes) last.set(key, value);
  return last;
}

function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof SqlError && error.outcome === "refused") {
    return new StoreError("commit-failed", `the database refused a commit: ${error.message}`);
  }
  return new StoreError(
    "outcome-unknown",
    `the database's answer to a commit was lost, it may have gone through: ${messageOf(error)}`,
  );
}
