import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../storeError.ts";
import type { Sqlite } from "./runtime.ts";
import { isBusy } from "./sqliteError.ts";

/** Keeps other processes, and other stores of this process, out of a store. */
export interface StoreLock {
  release(): void;
}

/** A store that is to be locked. */
export interface Lockable {
  /** As people know it. */
  readonly path: string;
  /** The database whose only purpose is the lock. */
  readonly lockPath: string;
  /** Who has the store open, as far as can be told. */
  holder(): string | undefined;
}

/**
 * Locks a store by an exclusive transaction on a database of its own: the operating system drops the lock when the
 * process dies, however it dies, and the store itself can still be read from outside. Throws `StoreError` `locked`,
 * which names the process that has the store open.
 */
export function lockBeside(sqlite: Sqlite, { path, lockPath, holder }: Lockable): StoreLock {
  const database = new sqlite.DatabaseSync(lockPath);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    const who =
      holder() ??
      "another process, which has just started (or its file system cannot lock files, as some over a network)";
    throw new StoreError("locked", `the store ${path} is in use by ${who}: stop that one first`, error);
  }
  return { release: () => database.close() };
}

/** Locks the SQLite store at `path` by `path.lock`. */
export function lockStore(sqlite: Sqlite, path: string): StoreLock {
  return lockBeside(sqlite, { path, lockPath: `${path}.lock`, holder: () => holderOf(sqlite, path) });
}

function holderOf(sqlite: Sqlite, path: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(path, { readOnly: true });
    const owner = database.prepare("SELECT pid, host, since FROM owner").get();
    return owner && `process ${owner["pid"]} on ${owner["host"]}, since ${owner["since"]}`;
  } catch {
    // The other process is only now creating the store: that it holds the lock is certain, who it is can wait.
    return undefined;
  } finally {
    database?.close();
  }
}
