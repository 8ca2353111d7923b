import { messageOf } from "@fulmen/lightning/util";
import type { CheckedOptions } from "./settings.ts";
import type { SqlConnection, SqlRow } from "./sqlConnection.ts";

/** The row of a node's lease. */
export interface LeaseRow {
  readonly epoch: bigint;
  readonly beat: bigint;
  /** Milliseconds that the holder counts with. */
  readonly duration: number;
  /** Which opened store has it; absent when it was given back. */
  readonly holder: string | undefined;
  /** For people. */
  readonly holderName: string;
  /** Whether commits are missing, as a process said that knew of them. */
  readonly isRolledBack: boolean;
}

/** Who wants the lease. */
export interface Candidate {
  /** Different for each store that is opened. */
  readonly id: string;
  /** For people. */
  readonly name: string;
}

/** Whose lease it is: what every statement of the holder asks for. A lost row that is made anew has another holder. */
export interface Claim {
  readonly epoch: bigint;
  readonly holder: string;
}

/** The row as it is, or `undefined` when the node was never run from this database. */
export async function readLease(
  connection: SqlConnection,
  { node, leaseDuration }: CheckedOptions,
): Promise<LeaseRow | undefined> {
  const [row] = await connection.query(
    "SELECT epoch, beat, duration, holder, holder_name, rolled_back FROM fulmen_leases WHERE node = $1",
    [node],
    leaseDuration / 2,
  );
  if (row === undefined) return undefined;
  return {
    epoch: bigintOf(row, "epoch"),
    beat: bigintOf(row, "beat"),
    duration: Number(row["duration"]),
    holder: row["holder"] === null ? undefined : String(row["holder"]),
    holderName: String(row["holder_name"]),
    isRolledBack: row["rolled_back"] === "t",
  };
}

/**
 * Takes the lease, if its row is still as it was seen. A statement of the old holder that is being carried out is
 * waited for; one that comes later finds another epoch and does nothing. Gives the new epoch and beat, or `undefined`.
 */
export async function takeLease(
  connection: SqlConnection,
  { node, answerTimeout, leaseDuration }: CheckedOptions,
  candidate: Candidate,
  seen: LeaseRow | undefined,
): Promise<{ readonly epoch: bigint; readonly beat: bigint } | undefined> {
  const values = [node, leaseDuration, candidate.id, candidate.name];
  const [row] =
    seen === undefined
      ? await connection.query(
          `INSERT INTO fulmen_leases (node, epoch, session, beat, duration, holder, holder_name, since, rolled_back)
          VALUES ($1, 1, 0, 1, $2, $3, $4, now(), false) ON CONFLICT (node) DO NOTHING RETURNING epoch, beat`,
          values,
          answerTimeout,
        )
      : await connection.query(
          `UPDATE fulmen_leases SET epoch = epoch + 1, session = 0, beat = beat + 1, duration = $2, holder = $3,
            holder_name = $4, since = now()
          WHERE node = $1 AND epoch = $5 AND beat = $6 AND NOT rolled_back RETURNING epoch, beat`,
          [...values, seen.epoch.toString(), seen.beat.toString()],
          answerTimeout,
        );
  return row && { epoch: bigintOf(row, "epoch"), beat: bigintOf(row, "beat") };
}

/** Shows that the holder lives. Gives the new beat, or `undefined` when the lease is another's. */
export async function renewLease(
  connection: SqlConnection,
  { node, leaseDuration }: CheckedOptions,
  { epoch, holder }: Claim,
): Promise<bigint | undefined> {
  const [row] = await connection.query(
    "UPDATE fulmen_leases SET beat = beat + 1 WHERE node = $1 AND epoch = $2 AND holder = $3 RETURNING beat",
    [node, epoch.toString(), holder],
    leaseDuration / 2,
  );
  return row && bigintOf(row, "beat");
}

/**
 * Gives the lease back, so that nobody has to wait for its end. Statements of the holder that come later do nothing.
 */
export async function releaseLease(
  connection: SqlConnection,
  { node, leaseDuration }: CheckedOptions,
  { epoch, holder }: Claim,
): Promise<void> {
  await connection.query(
    `UPDATE fulmen_leases SET holder = NULL, session = session + 1, beat = beat + 1
    WHERE node = $1 AND epoch = $2 AND holder = $3`,
    [node, epoch.toString(), holder],
    leaseDuration / 2,
  );
}

/** Keeps everybody from taking the lease of a node of which the database has lost commits. Never rejects. */
export async function markRolledBack(
  connection: SqlConnection,
  { node, leaseDuration, log }: CheckedOptions,
): Promise<void> {
  try {
    await connection.query(
      "UPDATE fulmen_leases SET rolled_back = true WHERE node = $1",
      [node],
      leaseDuration / 2,
    );
  } catch (error) {
    const reason = messageOf(error);
    log(
      `the database could not be told that it has lost commits of ${node}; do not start the node: ${reason}`,
    );
  }
}

/** A `bigint` column. */
export function bigintOf(row: SqlRow, column: string): bigint {
  return BigInt(String(row[column]));
}
