import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { toHex } from "@fulmen/lightning/util";
import { GroupCommits } from "../groupCommits.ts";
import { checkLimit, keyRange, ownBatch } from "../keys.ts";
import { StoreError } from "../storeError.ts";
import { type Browser, type Database, type KeyRanges, type Transaction, thisBrowser } from "./browser.ts";
import { databaseError, takenAway } from "./databaseError.ts";
import { answer, entriesName, openDatabase, ownerName } from "./openDatabase.ts";
import { lockTab } from "./tabLock.ts";

/** The key of the only row of the object store that says who has the database open. */
const ownerKey = "owner";

/**
 * Opens the store in the IndexedDB database `name` of this page's origin, or creates it. `browser` is the browser that
 * this runs in; tests bring their own.
 *
 * Each commit is one transaction with strict durability; commits that wait while one is under way share the next. A
 * failed transaction (the quota, an error of the disk) is `commit-failed`: nothing of it is there, and it may be tried
 * again. When the database is deleted, closed by the browser, or asked for by a page that wants to delete or change it,
 * every call is rejected with `taken-away`, which is fatal. One tab has the store open: by Web Locks, where the browser
 * has them, and by a row that each transaction checks, so that one that was overtaken gets `lease-lost`.
 *
 * A browser may delete what a site stores when the disk is full: call `navigator.storage.persist()` first, and do not
 * keep channels where it says no.
 *
 * Rejects with `StoreError`: `unsupported-runtime`, `locked`, `open-failed`, `newer-schema`, `foreign-file`.
 */
export async function openIndexedDbStore(name: string, browser: Partial<Browser> = {}): Promise<KVStore> {
  const { indexedDB, IDBKeyRange, locks } = { ...thisBrowser(), ...browser };
  if (indexedDB === undefined || IDBKeyRange === undefined) {
    throw new StoreError("unsupported-runtime", "there is no IndexedDB here, or the page may not use it");
  }
  const unlock = locks === undefined ? () => {} : await lockTab(locks, name);
  let database: Database | undefined;
  try {
    database = await openDatabase(indexedDB, name);
    const store = new IndexedDbStore({ name, database, ranges: IDBKeyRange, unlock });
    await store.takeOver();
    return store;
  } catch (error) {
    database?.close();
    unlock();
    throw databaseError(error, name, "open-failed");
  }
}

interface Opened {
  readonly name: string;
  readonly database: Database;
  readonly ranges: KeyRanges;
  readonly unlock: () => void;
}

class IndexedDbStore implements KVStore {
  readonly #name: string;
  readonly #database: Database;
  readonly #ranges: KeyRanges;
  readonly #unlock: () => void;
  readonly #lease = toHex(crypto.getRandomValues(new Uint8Array(16)));
  readonly #commits = new GroupCommits({
    write: (writes) => this.#write(writes),
    refusal: (error) => this.#refusal(error, "commit-failed"),
  });
  #closed: Promise<void> | undefined;
  /** Why nothing more can be done here. */
  #end: StoreError | undefined;

  constructor({ name, database, ranges, unlock }: Opened) {
    this.#name = name;
    this.#database = database;
    this.#ranges = ranges;
    this.#unlock = unlock;
    database.onclose = () => {
      this.#end ??= takenAway(name, "the browser closed the database: its data may have been cleared");
    };
    // It stays open: closing it would let the other page delete it at once.
    database.onversionchange = () => {
      this.#end ??= takenAway(name, "another page wants to delete or to change the database");
    };
  }

  /** Writes down whose the database is now. Rejects when the browser does not promise durability. */
  async takeOver(): Promise<void> {
    await this.#transact((transaction) => {
      if (transaction.durability !== "strict") {
        const text =
          "this browser does not promise that what is committed survives a power cut: use a newer one";
        throw new StoreError("unsupported-runtime", text);
      }
      transaction.objectStore(ownerName).put(this.#lease, ownerKey);
    });
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    this.#checkUsable();
    return this.#reading(async (transaction) => {
      const value = await answer(transaction.objectStore(entriesName).get(key));
      return value === undefined ? undefined : this.#checkedValue(key, value);
    });
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    this.#checkUsable();
    checkLimit(limit);
    const { from, after: behind, below } = keyRange(prefix, after);
    // To ask IndexedDB for no entries is to ask it for all.
    if (limit === 0 || behind >= below) return [];
    const range =
      behind < from
        ? this.#ranges.bound(from, below, false, true)
        : this.#ranges.bound(behind, below, true, true);
    return this.#reading(async (transaction) => {
      const entries = transaction.objectStore(entriesName);
      const count = Math.min(limit, 0xffff_ffff);
      const [keys, values] = await Promise.all([
        answer(entries.getAllKeys(range, count)),
        answer(entries.getAll(range, count)),
      ]);
      return keys.map((key, at) => ({
        key: String(key),
        value: this.#checkedValue(String(key), values[at]),
      }));
    });
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
    const settled = this.#commits.settled();
    const before = this.#end;
    this.#end = before ?? new StoreError("closed", `the store ${this.#name} is closed`);
    await settled;
    this.#database.close();
    this.#unlock();
  }

  async #write(writes: readonly KvWrite[]): Promise<void> {
    if (this.#end !== undefined && this.#end.code !== "closed") throw this.#end;
    if (writes.length === 0) return;
    await this.#transact((transaction, fail) => {
      const owner = transaction.objectStore(ownerName).get(ownerKey);
      owner.onsuccess = () => {
        if (owner.result === this.#lease) return;
        const text = `another tab has opened the store ${this.#name}: this one must stop`;
        fail(
          owner.result === undefined
            ? takenAway(this.#name, "its data is gone")
            : new StoreError("lease-lost", text),
        );
      };
      const entries = transaction.objectStore(entriesName);
      for (const { key, value } of writes) {
        if (value === undefined) entries.delete(key);
        else entries.put(value, key);
      }
    });
  }

  /** Runs `act` in a transaction; fulfilled once that is on the disk. `fail` ends it, with a reason of ours. */
  #transact(act: (transaction: Transaction, fail: (reason: StoreError) => void) => void): Promise<void> {
    return new Promise((fulfil, reject) => {
      const transaction = this.#database.transaction([entriesName, ownerName], "readwrite", {
        durability: "strict",
      });
      let reason: unknown;
      const fail = (error: unknown): void => {
        reason = error;
        transaction.abort();
      };
      transaction.oncomplete = () => fulfil();
      transaction.onabort = () =>
        reject(reason ?? transaction.error ?? new Error("the browser ended a transaction"));
      try {
        act(transaction, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  async #reading<T>(read: (transaction: Transaction) => Promise<T>): Promise<T> {
    try {
      return await read(this.#database.transaction([entriesName], "readonly"));
    } catch (error) {
      throw this.#refusal(error, "read-failed");
    }
  }

  #refusal(error: unknown, otherwise: "commit-failed" | "read-failed"): StoreError {
    if (this.#end !== undefined && this.#end.code !== "closed") return this.#end;
    const reason = databaseError(error, this.#name, otherwise);
    if (reason.isFatal) this.#end = reason;
    return reason;
  }

  #checkedValue(key: string, value: unknown): Uint8Array {
    if (value instanceof Uint8Array) return value;
    throw new StoreError(
      "corrupt",
      `the value of ${key} in the store ${this.#name} is none of ours: keep it as it is`,
    );
  }

  #checkUsable(): void {
    if (this.#end !== undefined) throw this.#end;
  }
}
