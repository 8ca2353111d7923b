import { Socket } from "node:net";
import type { Client, ClientConfig } from "pg";
import { StoreError } from "../storeError.ts";
import { type CheckedOptions, withoutPassword } from "./settings.ts";
import { type SqlConnection, SqlError, type SqlRow, type SqlValue } from "./sqlConnection.ts";

type Pg = typeof import("pg").default;

/** The OID of `bytea`; all else is taken as text, whatever type parsers the program has set for itself. */
const bytea = 17;
const types = {
  getTypeParser: ((oid: number) => (text: string) => (oid === bytea ? bytesOf(text) : text)) as NonNullable<
    ClientConfig["types"]
  >["getTypeParser"],
};

/** Milliseconds. */
const shortestConnectTimeout = 1_000;

/** Rejects with `StoreError` `unsupported-runtime` where `pg` is not installed. */
export async function loadPg(load: () => Promise<{ default: Pg }> = () => import("pg")): Promise<Pg> {
  try {
    return (await load()).default;
  } catch {
    throw new StoreError(
      "unsupported-runtime",
      "the PostgreSQL store needs the package pg, which is not installed: npm install pg",
    );
  }
}

/** Connects to the database. Rejects with `SqlError`, in whose text there is no password. */
export async function connectPg(
  pg: Pg,
  { connection, node, answerTimeout, leaseDuration }: CheckedOptions,
): Promise<SqlConnection> {
  // A host that is gone does not answer: the next attempt may find the one that has taken its place.
  const timeout = Math.min(answerTimeout, Math.max(shortestConnectTimeout, leaseDuration / 2));
  const socket = new Socket();
  const clean = (error: unknown): SqlError => toSqlError(error, (text) => withoutPassword(text, connection));
  const where = typeof connection === "string" ? { connectionString: connection } : connection;
  let isTooLate = false;
  const timer = setTimeout(() => {
    isTooLate = true;
    socket.destroy();
  }, timeout);
  try {
    const client = new pg.Client({
      ...where,
      stream: () => socket,
      types,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      application_name: `fulmen ${node}`,
    });
    const made = new PgConnection(client, socket, clean);
    await client.connect();
    return made;
  } catch (error) {
    socket.destroy();
    if (!isTooLate) throw clean(error);
    throw new SqlError(`no connection came about within ${timeout} ms`, "refused", "ETIMEDOUT");
  } finally {
    clearTimeout(timer);
  }
}

class PgConnection implements SqlConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #clean: (error: unknown) => SqlError;
  #isOpen = true;
  /** Settled when no statement is under way. */
  #idle: Promise<unknown> = Promise.resolve();
  /** What the server warned of since the last statement was sent. */
  #warning: string | undefined;

  constructor(client: Client, socket: Socket, clean: (error: unknown) => SqlError) {
    this.#client = client;
    this.#socket = socket;
    this.#clean = clean;
    const ended = (): void => {
      this.#isOpen = false;
    };
    // Without a listener, an error on an idle connection would end the process.
    client.on("error", ended);
    client.on("end", ended);
    client.on("notice", ({ severity, message }) => {
      if (severity === "WARNING") this.#warning = message;
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  query(text: string, values: readonly SqlValue[], timeout: number): Promise<readonly SqlRow[]> {
    const answer = this.#idle.then(() => this.#query(text, values, timeout));
    this.#idle = answer.catch(() => undefined);
    return answer;
  }

  async close(): Promise<void> {
    await this.#idle;
    this.#isOpen = false;
    const ended = this.#client.end().catch(() => undefined);
    const timer = setTimeout(() => this.#socket.destroy(), 1_000);
    await ended;
    clearTimeout(timer);
  }

  destroy(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  async #query(text: string, values: readonly SqlValue[], timeout: number): Promise<readonly SqlRow[]> {
    if (!this.#isOpen) throw new SqlError("the connection is gone", "refused");
    this.#warning = undefined;
    let isTooLate = false;
    const timer = setTimeout(() => {
      isTooLate = true;
      this.destroy();
    }, timeout);
    try {
      const { rows } = await this.#client.query<SqlRow>(text, [...values]);
      // As when an administrator ends the wait for a replica: committed here, perhaps nowhere else.
      if (this.#warning !== undefined) throw new SqlError(this.#warning, "unknown", "01000");
      return rows;
    } catch (error) {
      if (isTooLate) throw new SqlError(`no answer within ${timeout} ms`, "unknown", "ETIMEDOUT");
      const clean = this.#clean(error);
      if (clean.outcome === "unknown") this.destroy();
      throw clean;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Only an answer of severity ERROR says that the statement had no effect; the connection stands then. */
function toSqlError(error: unknown, cleaned: (text: string) => string): SqlError {
  if (error instanceof SqlError) return error;
  if (!(error instanceof Error)) return new SqlError(cleaned(String(error)), "unknown");
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const severity = "severity" in error ? error.severity : undefined;
  const outcome = severity === "ERROR" && code !== statementCompletionUnknown ? "refused" : "unknown";
  return new SqlError(cleaned(error.message || (code ?? error.name)), outcome, code);
}

const statementCompletionUnknown = "40003";

/** A `bytea` as PostgreSQL writes it: `\x` and hex. */
function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}
