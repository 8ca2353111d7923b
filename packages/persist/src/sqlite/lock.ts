import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../storeError.ts";
import type { Sqlite } from "./runtime.ts";
import { isBusy } from "./sqliteError.ts";

/** Keeps other processes, and other stores of this process, out of a store. */
export interface StoreLock {
  release(): void;
}

/**
 * Locks the store at `path` by an exclusive transaction on a database of its own beside it, `path.lock`: the operating
 * system drops the lock when the process dies, however it dies, and the store itself can still be read from outside.
 * Throws `StoreError` `locked`, which names the process that has the store open.
 */
export function lockStore(sqlite: Sqlite, path: string): StoreLock {
  const database = new sqlite.DatabaseSync(`${path}.lock`);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StoreError(
      "locked",
      `the store ${path} is in use by ${holderOf(sqlite, path)}: stop that one first`,
      error,
    );
  }
  return { release: () => database.close() };
}

function holderOf(sqlite: Sqlite, path: string): string {
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(path, { readOnly: true });
    const owner = database.prepare("SELECT pid, host, since FROM owner").get();
    if (owner !== undefined) return `process ${owner["pid"]} on ${owner["host"]}, since ${owner["since"]}`;
  } catch {
    // The other process is only now creating the store: that it holds the lock is certain, who it is can wait.
  } finally {
    database?.close();
  }
  return "another process, which has just started";
}
