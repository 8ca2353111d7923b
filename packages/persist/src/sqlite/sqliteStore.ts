import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { checkLimit, keyRange, ownBatch } from "../keys.ts";
import { displacedStore, StoreError } from "../storeError.ts";
import { lockStore, type StoreLock } from "./lock.ts";
import { loadSqlite } from "./runtime.ts";
import { prepareDatabase } from "./schema.ts";
import { corruptStore, storeError } from "./sqliteError.ts";

/**
 * Opens the store in the SQLite database at `path`, or creates it, with the directories above it, readable by its
 * owner only.
 *
 * Commits called in one turn of the event loop share one transaction and one fsync; when it fails, all of them are
 * rejected with `commit-failed` and none is visible. One process at a time has the store open, and if it is taken away
 * nevertheless, the next commit is rejected with `lease-lost`; `commit-failed` while the file or its log is deleted or moved. A row that does not have its checksum is refused as
 * `corrupt`. Programs that only read may open the file beside the node; while it is open do not copy it as a file.
 *
 * Rejects with `StoreError`: `unsupported-runtime`, `open-failed`, `locked`, `corrupt`, `foreign-file`,
 * `newer-schema`.
 */
export async function openSqliteStore(path: string): Promise<KVStore> {
  const sqlite = loadSqlite();
  let lock: StoreLock | undefined;
  let database: DatabaseSync | undefined;
  try {
    const file = resolvePath(path);
    lock = lockStore(sqlite, file);
    createIfAbsent(file);
    database = new sqlite.DatabaseSync(file);
    const lease = prepareDatabase(database, file);
    return new SqliteStore({ path: file, database, lock, lease });
  } catch (error) {
    database?.close();
    lock?.release();
    throw storeError(error, path, "open-failed");
  }
}

/**
 * Creates the file for its owner alone; SQLite gives the files beside it the same permissions. A log without its
 * database is what is left of a store: SQLite would throw it away.
 */
function createIfAbsent(file: string): void {
  if (sizeOf(file) === 0 && sizeOf(`${file}-wal`) > 0) {
    throw corruptStore(file, `the file is missing or empty, its log ${file}-wal is not`);
  }
  // A file that is there is not opened here: closing any descriptor of a file drops SQLite's locks on it.
  if (!existsSync(file)) closeSync(openSync(file, "wx", 0o600));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Which file it is: as SQLite itself tells files apart. */
function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

/** The same text for every way to write the path of one file, so that all of them meet the same lock. */
function resolvePath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  mkdirSync(dirname(path), { recursive: true });
  return join(realpathSync(dirname(path)), basename(path));
}

interface Opened {
  readonly path: string;
  readonly database: DatabaseSync;
  readonly lock: StoreLock;
  readonly lease: string;
}

interface PendingCommit {
  readonly writes: readonly KvWrite[];
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

class SqliteStore implements KVStore {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #lock: StoreLock;
  readonly #lease: string;
  /** The database and its log, as they were opened. */
  readonly #files: readonly { readonly path: string; readonly inode: number | undefined }[];
  readonly #readRow: StatementSync;
  readonly #scanRows: StatementSync;
  readonly #writeRow: StatementSync;
  readonly #deleteRow: StatementSync;
  readonly #readLease: StatementSync;
  #pending: PendingCommit[] = [];
  /** Why nothing more can be done here. */
  #end: StoreError | undefined;
  #closed = false;

  constructor({ path, database, lock, lease }: Opened) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
    this.#lease = lease;
    this.#files = [path, `${path}-wal`].map((file) => ({ path: file, inode: inodeOf(file) }));
    this.#readRow = database.prepare("SELECT value, checksum FROM entries WHERE key = ?");
    this.#scanRows = database.prepare(
      "SELECT key, value, checksum FROM entries WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?",
    );
    this.#writeRow = database.prepare(
      "INSERT OR REPLACE INTO entries (key, value, checksum) VALUES (?, ?, ?)",
    );
    this.#deleteRow = database.prepare("DELETE FROM entries WHERE key = ?");
    this.#readLease = database.prepare("SELECT lease FROM owner");
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    this.#checkUsable();
    return this.#reading(() => {
      const row = this.#readRow.get(key);
      return row === undefined ? undefined : this.#checkedValue(key, row);
    });
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    this.#checkUsable();
    checkLimit(limit);
    const range = keyRange(prefix, after);
    return this.#reading(() =>
      this.#scanRows.all(range.from, range.after, range.below, limit).map((row) => {
        const key = String(row["key"]);
        return { key, value: this.#checkedValue(key, row) };
      }),
    );
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    this.#checkUsable();
    const writes = ownBatch(batch);
    await new Promise<void>((fulfil, reject) => {
      this.#pending.push({ writes, fulfil, reject });
      if (this.#pending.length === 1) setImmediate(() => this.#commitPending());
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commitPending();
    this.#closed = true;
    this.#end ??= new StoreError("closed", `the store ${this.#path} is closed`);
    this.#database.close();
    this.#lock.release();
  }

  /** Commits all that is pending as one transaction, so that either all or none of it is there. */
  #commitPending(): void {
    if (this.#pending.length === 0) return;
    const commits = this.#pending;
    this.#pending = [];
    try {
      if (this.#end !== undefined) throw this.#end;
      this.#transact(commits);
    } catch (error) {
      const reason = storeError(error, this.#path, "commit-failed");
      if (reason.isFatal) this.#end = reason;
      for (const { reject } of commits) reject(reason);
      return;
    }
    for (const { fulfil } of commits) fulfil();
  }

  #transact(commits: readonly PendingCommit[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#checkLease();
      for (const { writes } of commits) for (const write of writes) this.#write(write);
      this.#database.exec("COMMIT");
      if (this.#files.some(({ path, inode }) => inodeOf(path) !== inode)) throw displacedStore(this.#path);
    } catch (error) {
      // SQLite has rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #write({ key, value }: KvWrite): void {
    if (value === undefined) this.#deleteRow.run(key);
    else this.#writeRow.run(key, value, checksumOf(key, value));
  }

  #checkLease(): void {
    if (this.#readLease.get()?.["lease"] === this.#lease) return;
    throw new StoreError(
      "lease-lost",
      `another process has opened the store ${this.#path}: this one must stop`,
    );
  }

  #checkedValue(key: string, row: Readonly<Record<string, unknown>>): Uint8Array {
    const value = row["value"];
    if (value instanceof Uint8Array && checksumOf(key, value) === row["checksum"]) return value;
    throw corruptStore(this.#path, `the value of ${key} does not have its checksum`);
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      const reason = storeError(error, this.#path, "read-failed");
      if (reason.isFatal) this.#end ??= reason;
      throw reason;
    }
  }

  #checkUsable(): void {
    if (this.#end !== undefined) throw this.#end;
  }
}

/** CRC-32 over key and value: finds what a disk silently changed, which SQLite does not look for. */
function checksumOf(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}
