import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { expectBytes, expectRejection, expectSame } from "./expect.ts";
import { modelTest } from "./kvStoreModel.ts";
import type { TestRunner } from "./suite.ts";

/** A place where a store keeps its data, empty at first. */
export interface KvStoreMedium {
  /** Opens the store that is kept here; what was committed before is there. */
  open(): Promise<KVStore>;
  /** Called once, when all stores opened here are closed. */
  remove(): Promise<void>;
}

/**
 * Tests that every `KVStore` must pass, whatever it is kept in: atomic and ordered commits, scans in byte order, what
 * is committed is there after reopening. Crashes and a failing disk need tests that know the medium.
 *
 *     import { describe, it } from "node:test";
 *     kvStoreConformance({ describe, it }, async () => ({ open: () => openMyStore(), remove: async () => {} }));
 */
export function kvStoreConformance(runner: TestRunner, createMedium: () => Promise<KvStoreMedium>): void {
  const check = (name: string, body: (store: KVStore) => Promise<void>): void => {
    runner.it(name, async () => {
      await withMedium(createMedium, async (medium) => {
        const store = await medium.open();
        try {
          await body(store);
        } finally {
          await store.close();
        }
      });
    });
  };
  runner.describe("reading and writing", () => readingAndWriting(check));
  runner.describe("scanning", () => scanning(check));
  runner.describe("order and atomicity", () => orderAndAtomicity(check));
  runner.describe("closing and reopening", () => closingAndReopening(runner, createMedium));
  runner.it("behaves as a sorted map through 300 random steps", () =>
    withMedium(createMedium, (medium) => modelTest(() => medium.open(), 1, 300)),
  );
}

type Check = (name: string, body: (store: KVStore) => Promise<void>) => void;

async function withMedium(
  createMedium: () => Promise<KvStoreMedium>,
  body: (medium: KvStoreMedium) => Promise<void>,
): Promise<void> {
  const medium = await createMedium();
  try {
    await body(medium);
  } finally {
    await medium.remove();
  }
}

function readingAndWriting(check: Check): void {
  check("a key that is not there", async (store) => {
    expectBytes(await store.read("a"), undefined, "a");
  });

  check("a value", async (store) => {
    await store.commit([put("channel/01:0/htlc.5_-", 1, 2, 3)]);
    expectBytes(await store.read("channel/01:0/htlc.5_-"), bytes(1, 2, 3), "the value");
  });

  check("an empty value is not an absent one", async (store) => {
    await store.commit([put("a")]);
    expectBytes(await store.read("a"), bytes(), "a");
    expectSame(keys(await store.scan("", undefined, 10)), "a", "keys");
  });

  check("a value that replaces another, longer or shorter", async (store) => {
    await store.commit([put("a", 1, 2)]);
    await store.commit([put("a", 3, 4, 5)]);
    expectBytes(await store.read("a"), bytes(3, 4, 5), "longer");
    await store.commit([put("a", 6)]);
    expectBytes(await store.read("a"), bytes(6), "shorter");
  });

  check("a key that is deleted, and put again", async (store) => {
    await store.commit([put("a", 1), put("b", 2)]);
    await store.commit([remove("a")]);
    expectBytes(await store.read("a"), undefined, "a");
    expectSame(keys(await store.scan("", undefined, 10)), "b", "keys");
    await store.commit([put("a", 3)]);
    expectBytes(await store.read("a"), bytes(3), "a, put again");
  });

  check("deleting what is not there", async (store) => {
    await store.commit([remove("a"), put("b", 1)]);
    expectSame(keys(await store.scan("", undefined, 10)), "b", "keys");
  });

  check("a large value", async (store) => {
    const large = pattern(1_000_000);
    await store.commit([{ key: "large", value: large }]);
    expectBytes(await store.read("large"), large, "the large value");
    const [entry] = await store.scan("large", undefined, 1);
    expectBytes(entry?.value, large, "the large value, scanned");
  });

  check("the longest key", async (store) => {
    const key = "k".repeat(500);
    await store.commit([put(key, 1)]);
    expectBytes(await store.read(key), bytes(1), "the value");
    await expectRejection(store.commit([put(`${key}k`, 1)]), "a key of 501 characters");
  });

  check("refuses keys that are none, and writes nothing of their batch", async (store) => {
    for (const key of ["", "a b", "a\n", "é", "a\u0000", "~"]) {
      await expectRejection(store.commit([put("good", 1), put(key, 1)]), `the key ${JSON.stringify(key)}`);
    }
    expectBytes(await store.read("good"), undefined, "the good key");
  });

  check("values belong to the store: later changes of the caller's arrays do not reach it", async (store) => {
    const given = bytes(1, 2, 3);
    const committed = store.commit([{ key: "a", value: given }]);
    given[0] = 9;
    await committed;
    const read = await store.read("a");
    expectBytes(read, bytes(1, 2, 3), "after changing what was given");
    read?.fill(9);
    const [scanned] = await store.scan("a", undefined, 1);
    scanned?.value.fill(9);
    expectBytes(await store.read("a"), bytes(1, 2, 3), "after changing what was read");
  });
}

function scanning(check: Check): void {
  const check12 = (name: string, body: (store: KVStore) => Promise<void>): void => {
    check(name, async (store) => {
      const all = ["a", "a-", "a.", "a/", "a/1", "a/10", "a/2", "a0", "aZ", "a_", "aa", "b/1"];
      await store.commit([...all].reverse().map((key, index) => put(key, index)));
      await body(store);
    });
  };

  check("an empty store", async (store) => {
    expectSame(keys(await store.scan("", undefined, 10)), "", "all");
    expectSame(keys(await store.scan("a", "a", 10)), "", "a prefix");
  });

  check12("all keys in byte order", async (store) => {
    expectSame(keys(await store.scan("", undefined, 100)), "a a- a. a/ a/1 a/10 a/2 a0 aZ a_ aa b/1", "all");
  });

  check12("a prefix takes what starts with it, itself included, and nothing beside", async (store) => {
    expectSame(keys(await store.scan("a/", undefined, 100)), "a/ a/1 a/10 a/2", "a/");
    expectSame(keys(await store.scan("a/1", undefined, 100)), "a/1 a/10", "a/1");
    expectSame(keys(await store.scan("aa", undefined, 100)), "aa", "aa");
    expectSame(keys(await store.scan("c", undefined, 100)), "", "c");
  });

  check("the greatest character after a prefix", async (store) => {
    await store.commit([put("az", 1), put("azz", 2), put("b", 3)]);
    expectSame(keys(await store.scan("a", undefined, 100)), "az azz", "a");
    expectSame(keys(await store.scan("az", undefined, 100)), "az azz", "az");
  });

  check12("after a key, which need not be there and need not have the prefix", async (store) => {
    expectSame(keys(await store.scan("a/", "a/1", 100)), "a/10 a/2", "after a/1");
    expectSame(keys(await store.scan("a/", "a/15", 100)), "a/2", "after a/15");
    expectSame(keys(await store.scan("a/", "a", 100)), "a/ a/1 a/10 a/2", "after a");
    expectSame(keys(await store.scan("a/", "a/2", 100)), "", "after the last");
    expectSame(keys(await store.scan("a/", "b", 100)), "", "after b");
    expectSame(keys(await store.scan("", "a_", 100)), "aa b/1", "of all, after a_");
  });

  check12("no more than the limit", async (store) => {
    expectSame(keys(await store.scan("a/", undefined, 2)), "a/ a/1", "2");
    expectSame(keys(await store.scan("a/", undefined, 0)), "", "0");
    expectSame(keys(await store.scan("a/", undefined, 4)), "a/ a/1 a/10 a/2", "as many as there are");
  });

  check12("page by page it sees each key once", async (store) => {
    const seen: string[] = [];
    for (let after: string | undefined; seen.length < 100; ) {
      const page = await store.scan("a", after, 3);
      if (page.length === 0) break;
      for (const { key } of page) seen.push(key);
      after = page.at(-1)?.key;
    }
    expectSame(seen.join(" "), "a a- a. a/ a/1 a/10 a/2 a0 aZ a_ aa", "all pages");
  });

  check("many keys", async (store) => {
    const count = 5_000;
    const key = (n: number): string => `n/${String(n).padStart(6, "0")}`;
    const writes: KvWrite[] = [];
    for (let n = count - 1; n >= 0; n--) writes.push(put(key(n), n & 0xff, n >> 8));
    await store.commit(writes);
    const found = await store.scan("n/", undefined, count + 1);
    expectSame(found.length, count, "entries");
    for (const [n, entry] of found.entries()) {
      expectSame(entry.key, key(n), `key ${n}`);
      expectBytes(entry.value, bytes(n & 0xff, n >> 8), `value ${n}`);
    }
  });
}

function orderAndAtomicity(check: Check): void {
  check("writes of one batch take effect in their order", async (store) => {
    await store.commit([put("a", 1), remove("a"), put("b", 1), put("b", 2), remove("c"), put("c", 3)]);
    expectSame(keys(await store.scan("", undefined, 10)), "b c", "keys");
    expectBytes(await store.read("b"), bytes(2), "b");
  });

  check("an empty batch", async (store) => {
    await store.commit([]);
    expectSame(keys(await store.scan("", undefined, 10)), "", "keys");
  });

  check("commits called without waiting take effect in the order of their calls", async (store) => {
    const commits: Promise<void>[] = [];
    const settled: number[] = [];
    for (let n = 0; n < 200; n++) {
      commits.push(store.commit([put("last", n), put(`n/${n}`, n)]).then(() => void settled.push(n)));
    }
    await Promise.all(commits);
    expectBytes(await store.read("last"), bytes(199), "last");
    expectSame((await store.scan("n/", undefined, 1000)).length, 200, "entries");
    expectSame(
      settled.every((n, index) => n === index),
      true,
      "promises are fulfilled in order",
    );
  });

  check("a batch is seen as a whole once its commit is fulfilled", async (store) => {
    const writing = async (): Promise<void> => {
      for (let n = 0; n < 50; n++) {
        await store.commit([put("pair/a", n), put("pair/b", n)]);
        expectBytes(await store.read("pair/b"), bytes(n), "after its commit");
      }
    };
    const reading = async (): Promise<void> => {
      for (let n = 0; n < 50; n++) {
        const [a, b] = await store.scan("pair/", undefined, 2);
        expectBytes(a?.value, b?.value, "both halves");
      }
    };
    await Promise.all([writing(), reading()]);
  });

  check("a refused batch does not harm those before and after it", async (store) => {
    const before = store.commit([put("before", 1)]);
    const refused = expectRejection(store.commit([put("refused", 1), put("", 1)]), "an empty key");
    const after = store.commit([put("after", 1)]);
    await Promise.all([before, refused, after]);
    expectSame(keys(await store.scan("", undefined, 10)), "after before", "keys");
  });
}

function closingAndReopening(runner: TestRunner, createMedium: () => Promise<KvStoreMedium>): void {
  const check = (name: string, body: (medium: KvStoreMedium) => Promise<void>): void =>
    runner.it(name, () => withMedium(createMedium, body));

  check("what is committed is there after reopening", async (medium) => {
    const first = await medium.open();
    await first.commit([put("a", 1), put("b", 2), put("c")]);
    await first.commit([remove("a"), put("b", 3)]);
    await first.close();
    const second = await medium.open();
    expectSame(keys(await second.scan("", undefined, 10)), "b c", "keys");
    expectBytes(await second.read("b"), bytes(3), "b");
    await second.close();
  });

  check("closing finishes the commits that were called before", async (medium) => {
    const first = await medium.open();
    await Promise.all([first.commit([put("a", 1)]), first.commit([put("b", 2)]), first.close()]);
    const second = await medium.open();
    expectSame(keys(await second.scan("", undefined, 10)), "a b", "keys");
    await second.close();
  });

  check("a closed store refuses everything but to be closed again", async (medium) => {
    const store = await medium.open();
    await store.close();
    await expectRejection(store.read("a"), "read");
    await expectRejection(store.scan("", undefined, 1), "scan");
    await expectRejection(store.commit([put("a", 1)]), "commit");
    await store.close();
    const again = await medium.open();
    expectBytes(await again.read("a"), undefined, "a");
    await again.close();
  });
}

function put(key: string, ...value: readonly number[]): KvWrite {
  return { key, value: Uint8Array.from(value) };
}

function remove(key: string): KvWrite {
  return { key, value: undefined };
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

function keys(entries: readonly KvEntry[]): string {
  return entries.map(({ key }) => key).join(" ");
}
