import { createHash } from "node:crypto";
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { ServerError } from "../serverError.ts";

/** What is known of a key that came with a payment. */
export interface KeyRecord {
  /** Of the request, to find a key that is used for two payments. */
  readonly fingerprint: string;
  /** Absent while it is not known whether the payment was begun. */
  readonly paymentId?: string;
}

/** The newest keys that are kept. */
const maxKeys = 20_000;

/**
 * The keys of payments that were asked for with an `Idempotency-Key`, on disk before the payment begins: what a crash leaves
 * of a payment on chain cannot be told from what was never sent.
 */
export class PaymentKeys {
  readonly #path: string | undefined;
  readonly #records = new Map<string, KeyRecord>();

  /** Without a path nothing outlives the process: for tests. */
  constructor(path?: string) {
    this.#path = path;
    if (path !== undefined) this.#read(path);
  }

  find(key: string): KeyRecord | undefined {
    return this.#records.get(hashOf(key));
  }

  /** Durable when it returns. */
  set(key: string, record: KeyRecord): void {
    const hash = hashOf(key);
    this.#append({ key: hash, ...record });
    this.#records.delete(hash);
    this.#records.set(hash, record);
    this.#forgetOldest();
  }

  /** Nothing was paid under this key. */
  delete(key: string): void {
    const hash = hashOf(key);
    this.#append({ key: hash });
    this.#records.delete(hash);
  }

  #forgetOldest(): void {
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= maxKeys) return;
      this.#records.delete(oldest);
    }
  }

  #append(row: object): void {
    if (this.#path === undefined) return;
    const file = openSync(this.#path, "a", 0o600);
    try {
      writeSync(file, `${JSON.stringify(row)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** Reads what was appended, and writes it anew without what was overwritten. A line that was cut off counts as absent. */
  #read(path: string): void {
    try {
      appendFileSync(path, "", { mode: 0o600 });
      for (const line of readFileSync(path, "utf8").split("\n")) this.#take(line);
      this.#forgetOldest();
      const rows = [...this.#records].map(([key, record]) => JSON.stringify({ key, ...record }));
      const file = openSync(`${path}.new`, "w", 0o600);
      try {
        writeSync(file, rows.map((row) => `${row}\n`).join(""));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
    } catch (cause) {
      throw new ServerError("payment-keys-unusable", `${path} cannot be read or written.`, {
        remedy: "Give the file back to the user that runs the node, and make room on the disk.",
        cause,
      });
    }
  }

  #take(line: string): void {
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      return;
    }
    if (typeof row !== "object" || row === null || !("key" in row) || typeof row.key !== "string") return;
    const fingerprint = "fingerprint" in row ? row.fingerprint : undefined;
    const paymentId = "paymentId" in row ? row.paymentId : undefined;
    this.#records.delete(row.key);
    if (typeof fingerprint !== "string") return;
    this.#records.set(row.key, { fingerprint, ...(typeof paymentId === "string" && { paymentId }) });
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
