import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StoreError, type StoreErrorCode } from "@fulmen/persist";
import { openIndexedDbStore } from "@fulmen/persist/indexeddb";
import { kvStoreConformance } from "@fulmen/testkit/conformance";
import { forceCloseDatabase, IDBFactory, IDBKeyRange } from "fake-indexeddb";
import type { Browser, Database, DatabaseFactory, Locks, Transaction } from "#src/indexeddb/browser";

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

const hasCode = (code: StoreErrorCode, isFatal: boolean, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StoreError, String(error));
  assert.equal(error.code, code, error.message);
  assert.equal(error.isFatal, isFatal);
  assert.match(error.message, text);
  return true;
};

/** Locks of one origin, as the standard has them. */
function originLocks(): Locks {
  const held = new Set<string>();
  return {
    request: async (name, _options, callback) => {
      if (held.has(name)) return callback(null);
      held.add(name);
      try {
        return await callback({ name });
      } finally {
        held.delete(name);
      }
    },
  };
}

interface TestBrowser extends Browser {
  /** Those that were opened. */
  readonly databases: Database[];
}

/** A browser without data. */
function testBrowser(): TestBrowser {
  const factory = new IDBFactory();
  const databases: Database[] = [];
  const indexedDB: DatabaseFactory = {
    open: (name, version) => {
      const request = factory.open(name, version);
      request.addEventListener("success", () => databases.push(request.result));
      return request;
    },
  };
  return { indexedDB, IDBKeyRange, locks: originLocks(), databases };
}

/** Has `change` see each transaction of the database that was opened last. */
function changeTransactions({ databases }: TestBrowser, change: (transaction: Transaction) => void): void {
  const database = databases.at(-1);
  assert.ok(database !== undefined);
  const begin = database.transaction.bind(database);
  database.transaction = (...parameters) => {
    const transaction = begin(...parameters);
    change(transaction);
    return transaction;
  };
}

/** The rows as they are, without the store. */
function deleteOwner(browser: TestBrowser): Promise<void> {
  const transaction = browser.databases.at(-1)?.transaction(["owner"], "readwrite");
  assert.ok(transaction !== undefined);
  transaction.objectStore("owner").delete("owner");
  return new Promise((fulfil) => {
    transaction.oncomplete = () => fulfil();
  });
}

describe("the store in IndexedDB", () => {
  kvStoreConformance({ describe, it }, async () => {
    const browser = testBrowser();
    return { open: () => openIndexedDbStore("node", browser), remove: async () => {} };
  });

  it("commits with strict durability, one transaction for each", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    const seen: string[] = [];
    changeTransactions(browser, ({ durability }) => void seen.push(durability ?? ""));
    await store.commit([{ key: "a", value: one }]);
    await store.commit([{ key: "b", value: one }]);
    assert.deepEqual(seen, ["strict", "strict"]);
    await store.close();
  });

  it("needs a browser with IndexedDB", async () => {
    const refused = hasCode("unsupported-runtime", true, /there is no IndexedDB/);
    await assert.rejects(openIndexedDbStore("node"), refused);
  });

  it("refuses a browser that does not promise durability", async () => {
    const browser = testBrowser();
    const indexedDB: DatabaseFactory = {
      open: (name, version) => {
        const request = browser.indexedDB?.open(name, version);
        assert.ok(request !== undefined);
        queueMicrotask(() => {
          const succeed = request.onsuccess as (() => void) | null;
          request.onsuccess = () => {
            changeTransactions(browser, (transaction) => {
              Object.defineProperty(transaction, "durability", { value: undefined });
            });
            succeed?.();
          };
        });
        return request;
      },
    };
    const refused = hasCode("unsupported-runtime", true, /does not promise that what is committed/);
    await assert.rejects(openIndexedDbStore("node", { ...browser, indexedDB }), refused);
  });
});

describe("one tab", () => {
  it("has the store, until it is closed", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    await assert.rejects(openIndexedDbStore("node", browser), hasCode("locked", true, /another tab/));
    await (await openIndexedDbStore("other", browser)).close();
    await store.close();
    await (await openIndexedDbStore("node", browser)).close();
  });

  it("that is overtaken, where there are no locks, can commit nothing more", async () => {
    const browser = { ...testBrowser(), locks: undefined };
    const first = await openIndexedDbStore("node", browser);
    await first.commit([{ key: "a", value: one }]);
    const second = await openIndexedDbStore("node", browser);
    const refused = hasCode("lease-lost", true, /another tab has opened/);
    await assert.rejects(first.commit([{ key: "a", value: two }]), refused);
    await assert.rejects(first.read("a"), refused);
    assert.deepEqual(await second.read("a"), one);
    await first.close();
    await second.close();
  });
});

describe("a browser that fails", () => {
  it("for want of room rejects the commit and those behind it, keeps what was there, and may be asked again", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    await store.commit([{ key: "a", value: one }]);
    let isFull = true;
    changeTransactions(browser, (transaction) => {
      if (!isFull || transaction.durability !== "strict") return;
      // The object store of a transaction is one object, however often it is asked for.
      const entries = transaction.objectStore("entries");
      const put = entries.put.bind(entries);
      let puts = 0;
      entries.put = (value, key) => {
        if (++puts === 2) throw new DOMException("no room", "QuotaExceededError");
        return put(value, key);
      };
    });
    const batch = [
      { key: "a", value: two },
      { key: "b", value: two },
    ];
    const commits = [store.commit(batch)];
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    commits.push(store.commit([{ key: "c", value: two }]));
    for (const outcome of await Promise.allSettled(commits)) {
      assert.equal(outcome.status, "rejected");
      hasCode("commit-failed", false, /gives no more room/)(outcome.reason);
    }
    assert.deepEqual(await store.scan("", undefined, 10), [{ key: "a", value: one }]);
    isFull = false;
    await store.commit(batch);
    assert.deepEqual(await store.read("b"), two);
    await store.close();
  });

  it("ends a transaction by itself: none of it is there", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    let ends = 1;
    changeTransactions(browser, (transaction) => {
      if (ends-- > 0) setImmediate(() => transaction.abort());
    });
    const refused = hasCode("commit-failed", false, /ended a transaction/);
    const many = Array.from({ length: 2_000 }, (_, n) => ({ key: `k/${n}`, value: one }));
    await assert.rejects(store.commit(many), refused);
    assert.deepEqual(await store.scan("", undefined, 10), []);
    await store.commit(many);
    await store.close();
  });

  it("closes the database: everything is refused from then on", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    await store.commit([{ key: "a", value: one }]);
    forceCloseDatabase(browser.databases[0]);
    await new Promise(setImmediate);
    const refused = hasCode("taken-away", true, /the browser closed the database/);
    await assert.rejects(store.commit([{ key: "a", value: two }]), refused);
    await assert.rejects(store.read("a"), refused);
    await assert.rejects(store.scan("", undefined, 1), refused);
    await store.close();
  });

  it("is asked to delete or change it: everything is refused, and it is not let go", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    const request = browser.indexedDB?.open("node", 2);
    assert.ok(request !== undefined);
    const blocked = new Promise<void>((fulfil) => {
      request.onblocked = () => fulfil();
    });
    await blocked;
    const refused = hasCode("taken-away", true, /another page wants to delete or to change/);
    await assert.rejects(store.commit([{ key: "a", value: two }]), refused);
    await store.close();
    await new Promise<void>((fulfil) => {
      request.onsuccess = () => fulfil();
    });
    request.result.close();
    await assert.rejects(openIndexedDbStore("node", browser), hasCode("newer-schema", true, /later version/));
  });

  it("has emptied the database: nothing is written to what is left", async () => {
    const browser = testBrowser();
    const store = await openIndexedDbStore("node", browser);
    await deleteOwner(browser);
    const refused = hasCode("taken-away", true, /its data is gone/);
    await assert.rejects(store.commit([{ key: "a", value: two }]), refused);
    await assert.rejects(store.commit([]), refused);
    await store.close();
    const again = await openIndexedDbStore("node", browser);
    assert.equal(await again.read("a"), undefined);
    await again.close();
  });
});
