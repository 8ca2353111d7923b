/** A value of a row as text, as PostgreSQL writes it, or the bytes of a `bytea`. */
export type SqlRow = Readonly<Record<string, string | Uint8Array | null>>;

export type SqlValue = string | number | null | readonly string[] | readonly Uint8Array[];

/** One connection to a database: one statement at a time, in the order of the calls, each a transaction of its own. */
export interface SqlConnection {
  /** Whether it can still be used. */
  readonly isOpen: boolean;
  /** Rejects with `SqlError` only. Without an answer within `timeout` milliseconds the connection is destroyed. */
  query(text: string, values: readonly SqlValue[], timeout: number): Promise<readonly SqlRow[]>;
  /** Ends it after what is under way. Never rejects. */
  close(): Promise<void>;
  /** Cuts it at once; what is under way is rejected. */
  destroy(): void;
}

/** Makes a connection that is ready for use; rejects with `SqlError` or a fatal `StoreError`. */
export type Connect = () => Promise<SqlConnection>;

export class SqlError extends Error {
  override readonly name = "SqlError";
  /** PostgreSQL's SQLSTATE, or the system's code such as ECONNREFUSED. */
  readonly code: string | undefined;
  /**
   * `refused`: the server answered with an error, and none of the statement's effects is there. `unknown`: the
   * statement may or may not have had its effects, now or later.
   */
  readonly outcome: "refused" | "unknown";

  constructor(message: string, outcome: "refused" | "unknown", code?: string) {
    super(message);
    this.outcome = outcome;
    this.code = code;
  }
}
