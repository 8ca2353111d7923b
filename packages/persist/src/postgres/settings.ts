import type { TLSSocketOptions } from "node:tls";
import { StoreError } from "../storeError.ts";
import { type LeaseClock, systemLeaseClock } from "./clock.ts";

/** Where the database is and who asks. What is absent is taken from the environment (`PGHOST`, `PGPASSWORD`, ...). */
export interface PostgresSettings {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** Or a function that gives it, asked anew for each connection. */
  readonly password?: string | (() => string | Promise<string>);
  /** `true` for TLS with a certificate that the system trusts, or the options of `node:tls`. */
  readonly ssl?: boolean | TLSSocketOptions;
}

export interface PostgresStoreOptions {
  /** `postgresql://user:password@host:port/database`, or the same in parts. */
  readonly connection: string | PostgresSettings;
  /**
   * Which of the nodes that share the database this is: 1 to 100 characters of `[A-Za-z0-9_.:-]`. Hosts that are to
   * take over from one another use the same.
   */
  readonly node: string;
  /**
   * Milliseconds after which the holder is still when it cannot renew its lease, and a stand-by may take over, from 500
   * up to 60,000. Default 6,000: a stand-by then has taken over 8 s after a death at the latest. Hosts may differ in
   * it.
   */
  readonly leaseDuration?: number;
  /** Milliseconds until a statement that the database does not answer counts as failed. Default 15,000. */
  readonly answerTimeout?: number;
  /**
   * Opens the store even though the server says that it does not write to its disk before it acknowledges (`fsync` is
   * off): for databases that are durable in another way, and for tests.
   */
  readonly trustServer?: boolean;
  /** Told what its operator may want to know: that it waits, that the database cannot be reached. Never a password. */
  readonly log?: (text: string) => void;
  /** For tests. */
  readonly clock?: LeaseClock;
}

/** `PostgresStoreOptions`, checked and complete. */
export type CheckedOptions = Required<PostgresStoreOptions>;

const nodeName = /^[A-Za-z0-9_.:-]{1,100}$/;

/** Throws `StoreError` `open-failed` on what cannot be meant. */
export function checkOptions(options: PostgresStoreOptions): CheckedOptions {
  const { connection, node, leaseDuration = 6_000, answerTimeout = 15_000 } = options;
  if (!nodeName.test(node)) {
    throw new StoreError(
      "open-failed",
      "the name of a node in a database has 1 to 100 characters of A-Z, a-z, 0-9, _ . : and -",
    );
  }
  expectBetween("leaseDuration", leaseDuration, 500, 60_000);
  expectBetween("answerTimeout", answerTimeout, 100, 600_000);
  return {
    connection,
    node,
    leaseDuration,
    answerTimeout,
    trustServer: options.trustServer ?? false,
    log: options.log ?? (() => {}),
    clock: options.clock ?? systemLeaseClock,
  };
}

function expectBetween(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new StoreError(
    "open-failed",
    `${name} is ${value}; whole milliseconds from ${least} up to ${most} can be`,
  );
}

/** `text` without the password of `connection`, in whatever spelling it may have come there. */
export function withoutPassword(text: string, connection: string | PostgresSettings): string {
  let clean = text;
  for (const secret of secretsOf(connection)) clean = clean.replaceAll(secret, "[redacted]");
  return clean;
}

function secretsOf(connection: string | PostgresSettings): readonly string[] {
  if (typeof connection !== "string") {
    return typeof connection.password === "string" && connection.password !== "" ? [connection.password] : [];
  }
  const secrets = [connection];
  const userInfo = /^[a-z]+:\/\/[^/]*?:(.*)@/i.exec(connection)?.[1] ?? "";
  const parameter = /[?&]password=([^&]*)/.exec(connection)?.[1] ?? "";
  for (const secret of [userInfo, parameter]) {
    if (secret !== "") secrets.push(secret, decoded(secret));
  }
  return secrets;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
