import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../storeError.ts";
import { corruptStore } from "./sqliteError.ts";

/** "FULM" in ASCII, at a fixed place of the file's header: tells our databases from others. */
const applicationId = 0x46554c4d;
const schemaVersion = 1;

const tables = `
  CREATE TABLE entries (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE owner (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    lease TEXT NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    since TEXT NOT NULL
  ) STRICT;
`;

/** Sets up a connection, on which a commit is on the disk when it returns. */
export function setUpConnection(database: DatabaseSync): void {
  // Foreign readers (backup, inspection) never block a commit; the time-out is for a foreign writer, who should not be there.
  database.exec("PRAGMA busy_timeout = 250; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
  // On macOS an fsync alone does not reach past the disk's cache.
  database.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON");
  // The log takes 16 MB, not 4: of a page that changes often only the last version is written to the database, which takes
  // a commit ten times as long as others.
  database.exec("PRAGMA wal_autocheckpoint = 4000");
}

/**
 * Makes the database at `path` ready for use: durable commits, the tables in their current version, no damage that a
 * quick look finds. Gives the lease, which changes whenever the store is opened. The connection only reads from then on.
 */
export function prepareDatabase(database: DatabaseSync, path: string): string {
  setUpConnection(database);
  const damage = text(database, "PRAGMA quick_check(1)");
  if (damage !== "ok") throw corruptStore(path, damage);
  checkVersion(database, path);
  if (text(database, "PRAGMA journal_mode = WAL") !== "wal") {
    throw new StoreError(
      "unsupported-runtime",
      `the file system of ${path} does not support SQLite's WAL mode`,
    );
  }
  const lease = randomUUID();
  database.exec("BEGIN IMMEDIATE");
  if (number(database, "PRAGMA user_version") === 0) {
    database.exec(
      `${tables} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`,
    );
  }
  database
    .prepare("INSERT OR REPLACE INTO owner (only_row, lease, pid, host, since) VALUES (1, ?, ?, ?, ?)")
    .run(lease, process.pid, hostname(), new Date().toISOString());
  database.exec("COMMIT");
  database.exec("PRAGMA query_only = ON");
  return lease;
}

function checkVersion(database: DatabaseSync, path: string): void {
  const application = number(database, "PRAGMA application_id");
  const version = number(database, "PRAGMA user_version");
  const isNew =
    application === 0 && version === 0 && number(database, "SELECT count(*) FROM sqlite_schema") === 0;
  if (isNew) return;
  if (application !== applicationId || version < 1) {
    throw new StoreError(
      "foreign-file",
      `${path} is a database of another program: choose another path for the store`,
    );
  }
  if (version > schemaVersion) {
    throw new StoreError(
      "newer-schema",
      `the store ${path} has version ${version}, this Fulmen reads up to ${schemaVersion}: use the newer Fulmen again`,
    );
  }
}

function text(database: DatabaseSync, query: string): string {
  return String(firstColumn(database, query));
}

function number(database: DatabaseSync, query: string): number {
  return Number(firstColumn(database, query));
}

function firstColumn(database: DatabaseSync, query: string): unknown {
  return Object.values(database.prepare(query).get() ?? {})[0];
}
