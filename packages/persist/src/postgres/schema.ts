import { StoreError } from "../storeError.ts";
import type { CheckedOptions } from "./settings.ts";
import { type SqlConnection, SqlError, type SqlValue } from "./sqlConnection.ts";

const schemaVersion = 1;

/*
 * Nodes share the tables; each has rows of its own. Keys are compared byte by byte, whatever the database's collation.
 * `beat` rises by one with every change of a lease's row: see heldLease.ts. `session` is raised by each connection that
 * the holder writes over: see writer.ts. `rolled_back` is set by a process that knows of commits which are gone: nobody
 * takes the lease then.
 */
const tables = [
  `CREATE TABLE fulmen_schema (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    version integer NOT NULL
  )`,
  `CREATE TABLE fulmen_leases (
    node text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL,
    session bigint NOT NULL,
    beat bigint NOT NULL,
    duration integer NOT NULL,
    holder text,
    holder_name text NOT NULL,
    rolled_back boolean NOT NULL,
    since timestamptz NOT NULL
  )`,
  `CREATE TABLE fulmen_entries (
    node text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (node, key)
  )`,
  `INSERT INTO fulmen_schema (only_row, version) VALUES (1, ${schemaVersion})`,
];

const undefinedTable = "42P01";
const undefinedColumn = "42703";

/** Creates the tables, or finds them as they are to be. Rejects with `SqlError` or a fatal `StoreError`. */
export async function prepareSchema(connection: SqlConnection, timeout: number): Promise<void> {
  let version = await readVersion(connection, timeout);
  if (version === undefined) {
    await createTables(connection, timeout);
    version = await readVersion(connection, timeout);
  }
  if (version === schemaVersion) return;
  throw new StoreError(
    "newer-schema",
    `the database has version ${version} of Fulmen's tables, this Fulmen knows ${schemaVersion}: use the newer Fulmen again`,
  );
}

async function readVersion(connection: SqlConnection, timeout: number): Promise<number | undefined> {
  try {
    const [row] = await connection.query("SELECT version FROM fulmen_schema WHERE only_row = 1", [], timeout);
    if (row !== undefined) return Number(row["version"]);
  } catch (error) {
    if (error instanceof SqlError && error.code === undefinedTable) return undefined;
    if (!(error instanceof SqlError) || error.code !== undefinedColumn) throw error;
  }
  throw new StoreError("foreign-file", "the database has a table fulmen_schema that is not Fulmen's");
}

/** All at once; when another host was faster, its tables are there. */
async function createTables(connection: SqlConnection, timeout: number): Promise<void> {
  try {
    // Without values it goes as one simple query, which is one transaction.
    await connection.query(tables.join(";\n"), [], timeout);
  } catch (error) {
    if (!(error instanceof SqlError) || error.outcome === "unknown") throw error;
    if ((await readVersion(connection, timeout)) === undefined) throw error;
  }
}

/**
 * Sets up a session so that what is acknowledged is on the disk, that two of our own statements which meet wait for one
 * another, and that the server soon notices when this host is gone. Settings that a server does not know are left out.
 */
export async function prepareSession(connection: SqlConnection, options: CheckedOptions): Promise<void> {
  const { answerTimeout, trustServer } = options;
  const wanted: Readonly<Record<string, string>> = {
    default_transaction_isolation: "read committed",
    statement_timeout: String(answerTimeout),
    transaction_timeout: String(answerTimeout),
    idle_in_transaction_session_timeout: String(answerTimeout),
    tcp_keepalives_idle: "5",
    tcp_keepalives_interval: "2",
    tcp_keepalives_count: "3",
  };
  const names = [...Object.keys(wanted), "synchronous_commit", "fsync"];
  const rows = await connection.query(
    "SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[])",
    [names],
    answerTimeout,
  );
  const calls: string[] = [];
  const values: SqlValue[] = [];
  for (const { name, setting } of rows) {
    if (name === "fsync" && setting === "off" && !trustServer) throw unsafeServer();
    const value = name === "synchronous_commit" && setting === "off" ? "on" : wanted[String(name)];
    if (value === undefined) continue;
    values.push(String(name), value);
    calls.push(`set_config($${values.length - 1}, $${values.length}, false)`);
  }
  if (calls.length > 0) await connection.query(`SELECT ${calls.join(", ")}`, values, answerTimeout);
}

function unsafeServer(): StoreError {
  return new StoreError(
    "unsafe-server",
    "the database's server does not wait for its disk (fsync is off): after a power cut it would hold an old state of the " +
      "node, and a peer could take the funds of its channels. Set fsync = on, or trustServer where the database is durable " +
      "in another way",
  );
}
