import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { LeasedStore } from "@fulmen/lightning/chain";
import { LeasedPostgresStore } from "./leasedPostgresStore.ts";
import { connectPg, loadPg } from "./pgConnection.ts";
import { prepareSchema, prepareSession } from "./schema.ts";
import { checkOptions, type PostgresStoreOptions } from "./settings.ts";
import type { Connect } from "./sqlConnection.ts";
import { StandBy } from "./standBy.ts";

/** A node's store in a PostgreSQL database, and the lease by which this process alone writes to it. */
export type PostgresStore = LeasedStore;

/**
 * Opens a node's store in a PostgreSQL database, which it may share with other nodes, and takes its lease: at once when
 * nobody has it, after its holder's duration when the holder has died. Tables are created where there are none.
 *
 * Commits that are called while one is under way share one statement, which checks the lease in its own transaction.
 * One whose answer is lost is rejected with `outcome-unknown` and may be committed again. When another process has
 * taken the lease, every call is rejected with the fatal `lease-lost`, and `onLost` tells it.
 *
 * Rejects with `StoreError`: `locked` while another process has the lease and renews it, `open-failed`, `foreign-file`,
 * `newer-schema`, `unsafe-server`, `unsupported-runtime`.
 */
export function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  return open(options, false);
}

/**
 * As `openPostgresStore`, but waits as long as another process has the lease, and while the database cannot be reached:
 * a stand-by. Resolves once the lease is this process's. Rejects with the signal's reason when that is aborted.
 */
export function waitForLease(options: PostgresStoreOptions, signal?: AbortSignal): Promise<PostgresStore> {
  return open(options, true, signal);
}

async function open(
  given: PostgresStoreOptions,
  patient: boolean,
  signal?: AbortSignal,
): Promise<PostgresStore> {
  const options = checkOptions(given);
  const pg = await loadPg();
  let isPrepared = false;
  const connect: Connect = async () => {
    const connection = await connectPg(pg, options);
    try {
      await prepareSession(connection, options);
      if (!isPrepared) await prepareSchema(connection, options.answerTimeout);
      isPrepared = true;
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return connection;
  };
  const candidate = { id: randomUUID(), name: `process ${process.pid} on ${hostname()}` };
  const standBy = new StandBy({ options, candidate, connect, patient, signal });
  return new LeasedPostgresStore(options, connect, await standBy.take());
}
