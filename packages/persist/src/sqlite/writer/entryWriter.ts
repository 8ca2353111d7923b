import type { DatabaseSync, StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { KvWrite } from "@fulmen/lightning/chain";
import { StoreError } from "../../storeError.ts";
import { rowChecksum } from "../rowChecksum.ts";
import { loadSqlite } from "../runtime.ts";
import { setUpConnection } from "../schema.ts";
import { checkPlace, type OpenedDatabase } from "./openedDatabase.ts";

/** Commits to a database that was opened, over a connection of its own. Throws SQLite's errors and `StoreError`. */
export class EntryWriter {
  readonly #opened: OpenedDatabase;
  readonly #database: DatabaseSync;
  readonly #writeRow: StatementSync;
  readonly #deleteRow: StatementSync;
  readonly #readLease: StatementSync;

  constructor(opened: OpenedDatabase) {
    checkPlace(opened);
    const sqlite = loadSqlite();
    const address = pathToFileURL(opened.path);
    // A file that is gone is not created anew.
    address.search = "mode=rw";
    const database = new sqlite.DatabaseSync(address);
    this.#opened = opened;
    this.#database = database;
    try {
      setUpConnection(database);
      this.#writeRow = database.prepare(
        "INSERT OR REPLACE INTO entries (key, value, checksum) VALUES (?, ?, ?)",
      );
      this.#deleteRow = database.prepare("DELETE FROM entries WHERE key = ?");
      this.#readLease = database.prepare("SELECT lease FROM owner");
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Commits `writes` as one transaction, which is on the disk when this returns; when it throws, none of them is visible. */
  commit(writes: readonly KvWrite[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#checkLease();
      for (const write of writes) this.#write(write);
      checkPlace(this.#opened);
      this.#database.exec("COMMIT");
      // It may have been moved meanwhile: then what is committed is lost with the process.
      checkPlace(this.#opened);
    } catch (error) {
      // SQLite has rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #write({ key, value }: KvWrite): void {
    if (value === undefined) this.#deleteRow.run(key);
    else this.#writeRow.run(key, value, rowChecksum(key, value));
  }

  #checkLease(): void {
    if (this.#readLease.get()?.["lease"] === this.#opened.lease) return;
    throw new StoreError(
      "lease-lost",
      `another process has opened the store ${this.#opened.path}: this one must stop`,
    );
  }
}
