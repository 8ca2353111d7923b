import { createHash } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  fsync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { promisify } from "node:util";
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
 * The keys of payments that were asked for with an `Idempotency-Key`, on disk before the payment begins: what a crash
 * leaves of a payment on chain cannot be told from what was never sent.
 */
export class PaymentKeys {
  readonly #path: string | undefined;
  readonly #records = new Map<string, KeyRecord>();
  readonly #maxLines: number;
  #lines = 0;
  /** Whether a full disk may have left half a line. */
  #isTorn = false;

  /**
   * Without a path nothing outlives the process: for tests. After `maxLines` the file is written anew, without what was
   * overwritten.
   */
  constructor(path?: string, maxLines: number = 4 * maxKeys) {
    this.#path = path;
    this.#maxLines = maxLines;
    if (path !== undefined) this.#read(path);
  }

  find(key: string): KeyRecord | undefined {
    return this.#records.get(hashOf(key));
  }

  /**
   * It is known at once, and durable when this resolves, if the key is new; what is added to one that is known may be
   * lost on a full disk or with the power: the payment was made then, which is what whoever asked has to hear.
   */
  async set(key: string, record: KeyRecord): Promise<void> {
    const hash = hashOf(key);
    const isNew = !this.#records.has(hash);
    this.#records.delete(hash);
    this.#records.set(hash, record);
    this.#forgetOldest();
    try {
      await this.#append({ key: hash, ...record }, isNew);
    } catch (error) {
      if (!isNew) return;
      this.#records.delete(hash);
      throw error;
    }
  }

  /** Nothing was paid under this key. */
  async delete(key: string): Promise<void> {
    const hash = hashOf(key);
    this.#records.delete(hash);
    try {
      await this.#append({ key: hash }, false);
    } catch {
      // After a restart it is not known whether something was paid, which is no worse than a crash.
    }
  }

  #forgetOldest(): void {
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= maxKeys) return;
      this.#records.delete(oldest);
    }
  }

  /**
   * Writes a line at once. What was not written whole is not there, and spoils no line that comes later. With
   * `isToLast` it outlives the power, too: a disk may take its time for that, in which others are answered.
   */
  async #append(row: object, isToLast: boolean): Promise<void> {
    if (this.#path === undefined) return;
    let file: number | undefined;
    try {
      if (this.#lines >= this.#maxLines) this.#rewrite(this.#path);
      const before = this.#isTorn ? "\n" : "";
      this.#isTorn = true;
      file = openSync(this.#path, "a", 0o600);
      writeFileSync(file, `${before}${JSON.stringify(row)}\n`);
      this.#isTorn = false;
      this.#lines++;
      if (isToLast) await promisify(fsync)(file);
    } catch (cause) {
      throw unusable(this.#path, cause);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Reads what was appended. A line that was cut off counts as absent. */
  #read(path: string): void {
    try {
      appendFileSync(path, "", { mode: 0o600 });
      for (const line of readFileSync(path, "utf8").split("\n")) this.#take(line);
      this.#forgetOldest();
      this.#rewrite(path);
    } catch (cause) {
      throw unusable(path, cause);
    }
  }

  #rewrite(path: string): void {
    const rows = [...this.#records].map(([key, record]) => JSON.stringify({ key, ...record }));
    const file = openSync(`${path}.new`, "w", 0o600);
    try {
      writeFileSync(file, rows.map((row) => `${row}\n`).join(""));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
    this.#lines = rows.length;
    this.#isTorn = false;
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

function unusable(path: string, cause: unknown): ServerError {
  return new ServerError("payment-keys-unusable", `${path} cannot be read or written.`, {
    remedy: "Give the file back to the user that runs the node, and make room on the disk.",
    cause,
  });
}

function hashOf(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
