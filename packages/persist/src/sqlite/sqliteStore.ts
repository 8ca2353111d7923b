import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { GroupCommits } from "../groupCommits.ts";
import { checkLimit, keyRange, ownBatch } from "../keys.ts";
import { StoreError, type StoreErrorCode } from "../storeError.ts";
import { lockStore, type StoreLock } from "./lock.ts";
import { rowChecksum } from "./rowChecksum.ts";
import { loadSqlite } from "./runtime.ts";
import { prepareDatabase } from "./schema.ts";
import { corruptStore, storeError } from "./sqliteError.ts";
import { filesOf } from "./writer/openedDatabase.ts";
import { WriterThread } from "./writerThread.ts";

/**
 * Opens the store in the SQLite database at `path`, or creates it, with the directories above it, readable by its
 * owner only.
 *
 * Commits are made on a thread of the store's own, so that the event loop never waits for the disk. Those that are called
 * while it is busy share one transaction and one fsync; when it fails, all of them are rejected with `commit-failed` and
 * none is visible. One process at a time has the store open, and if it is taken away nevertheless, the next commit is
 * rejected with `lease-lost`; `commit-failed` while the file or its log is deleted or moved. A row that does not have its
 * checksum is refused as `corrupt`. Programs that only read may open the file beside the node; while it is open do not
 * copy it as a file.
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

/** The same text for every way to write the path of one file, so that all of them meet the same lock. */
function resolvePath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  mkdirSync(dirname(path), { recursive: true });
  return join(realpathSync(dirname(path)), basename(path));
}

interface Opened {
  readonly path: string;
  /** Reads only, from now on. */
  readonly database: DatabaseSync;
  readonly lock: StoreLock;
  readonly lease: string;
}

class SqliteStore implements KVStore {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #lock: StoreLock;
  readonly #readRow: StatementSync;
  readonly #scanRows: StatementSync;
  readonly #writer: WriterThread;
  readonly #commits: GroupCommits;
  #closed: Promise<void> | undefined;
  /** Why nothing more can be done here. */
  #end: StoreError | undefined;

  constructor({ path, database, lock, lease }: Opened) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
    this.#readRow = database.prepare("SELECT value, checksum FROM entries WHERE key = ?");
    this.#scanRows = database.prepare(
      "SELECT key, value, checksum FROM entries WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?",
    );
    this.#writer = new WriterThread({ path, lease, files: filesOf(path) });
    this.#commits = new GroupCommits({
      write: (writes) => this.#write(writes),
      refusal: (error) => this.#failure(error, "commit-failed"),
    });
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
    await this.#commits.commit(ownBatch(batch));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#end ??= new StoreError("closed", `the store ${this.#path} is closed`);
    await this.#commits.settled();
    try {
      this.#database.close();
      await this.#writer.close();
    } finally {
      this.#lock.release();
    }
  }

  async #write(writes: readonly KvWrite[]): Promise<void> {
    if (this.#end !== undefined && this.#end.code !== "closed") throw this.#end;
    await this.#writer.commit(writes);
  }

  #checkedValue(key: string, row: Readonly<Record<string, unknown>>): Uint8Array {
    const value = row["value"];
    if (value instanceof Uint8Array && rowChecksum(key, value) === row["checksum"]) return value;
    throw corruptStore(this.#path, `the value of ${key} does not have its checksum`);
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#failure(error, "read-failed");
    }
  }

  /** What a call is rejected with; nothing follows one that is fatal. */
  #failure(error: unknown, otherwise: StoreErrorCode): StoreError {
    const reason = storeError(error, this.#path, otherwise);
    if (reason.isFatal) this.#end ??= reason;
    return reason;
  }

  #checkUsable(): void {
    if (this.#end !== undefined) throw this.#end;
  }
}
