import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import { MemoryStore } from "@fulmen/persist/memory";
import { kvStoreConformance } from "@fulmen/testkit/conformance";

/** A store with one fault each; the suite must find it. */
const faults: Readonly<Record<string, () => KVStore>> = {
  "a value that is empty counts as absent": () =>
    faulty({
      read: async (inner, key) => {
        const value = await inner.read(key);
        return value?.length === 0 ? undefined : value;
      },
    }),
  "deletions are forgotten": () =>
    faulty({ commit: (inner, batch) => inner.commit(batch.filter(({ value }) => value !== undefined)) }),
  "a batch is written in opposite order": () =>
    faulty({ commit: (inner, batch) => inner.commit([...batch].reverse()) }),
  "a batch is written key by key": () =>
    faulty({
      commit: async (inner, batch) => {
        for (const write of batch) await inner.commit([write]);
      },
    }),
  "commits overtake one another": () => {
    let number = 0;
    return faulty({
      commit: async (inner, batch) => {
        if (number++ % 2 === 0) for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        await inner.commit(batch);
      },
    });
  },
  "a commit is fulfilled before it is visible": () =>
    faulty({
      commit: async (inner, batch) => {
        const writes = batch.map(({ key, value }) => ({ key, value: value?.slice() }));
        setImmediate(() => void inner.commit(writes).catch(() => {}));
      },
    }),
  "arrays are taken as they are": () => {
    const given = new Map<string, Uint8Array>();
    return faulty({
      commit: async (inner, batch) => {
        await inner.commit(batch);
        for (const { key, value } of batch) if (value !== undefined) given.set(key, value);
      },
      read: async (inner, key) => given.get(key) ?? inner.read(key),
    });
  },
  "a scan starts at the key it should start after": () =>
    faulty({
      scan: async (inner, { prefix, after, limit }) => {
        const first = after === undefined ? undefined : await inner.read(after);
        const rest = await inner.scan(prefix, after, limit);
        return first === undefined || after === undefined
          ? rest
          : [{ key: after, value: first }, ...rest].slice(0, limit);
      },
    }),
  "a scan does not stop at the end of the prefix": () =>
    faulty({ scan: (inner, { prefix, after, limit }) => inner.scan("", after ?? prefix, limit) }),
  "a scan ignores the limit": () =>
    faulty({ scan: (inner, { prefix, after }) => inner.scan(prefix, after, 1_000_000) }),
  "a scan sorts as a person would": () =>
    faulty({
      scan: async (inner, { prefix, after, limit }) => {
        const all = await inner.scan(prefix, after, limit);
        return [...all].sort((a, b) => a.key.localeCompare(b.key));
      },
    }),
  "any key is accepted": () =>
    faulty({
      commit: (inner, batch) => inner.commit(batch.filter(({ key }) => /^[\w./:-]{1,500}$/.test(key))),
    }),
  "a closed store goes on": () => faulty({ close: async () => {} }),
};

interface Scan {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

interface Overrides {
  readonly read?: (inner: MemoryStore, key: string) => Promise<Uint8Array | undefined>;
  readonly scan?: (inner: MemoryStore, scan: Scan) => Promise<readonly KvEntry[]>;
  readonly commit?: (inner: MemoryStore, batch: readonly KvWrite[]) => Promise<void>;
  readonly close?: () => Promise<void>;
}

function faulty({ read, scan, commit, close }: Overrides): KVStore {
  const inner = new MemoryStore();
  return {
    read: (key) => read?.(inner, key) ?? inner.read(key),
    scan: (prefix, after, limit) =>
      scan?.(inner, { prefix, after, limit }) ?? inner.scan(prefix, after, limit),
    commit: (batch) => commit?.(inner, batch) ?? inner.commit(batch),
    close: () => close?.() ?? inner.close(),
  };
}

/** Runs the suite by itself and gives the names of the tests that fail. */
async function failuresOf(open: () => KVStore): Promise<readonly string[]> {
  const tests: { readonly name: string; readonly body: () => Promise<void> }[] = [];
  const runner = {
    describe: (_name: string, body: () => void): void => body(),
    it: (name: string, body: () => Promise<void>): void => void tests.push({ name, body }),
  };
  kvStoreConformance(runner, async () => ({ open: async () => open(), remove: async () => {} }));
  const failures: string[] = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch {
      failures.push(name);
    }
  }
  return failures;
}

/** These reopen, which a store that lives in one object cannot. */
const reopening = [
  "what is committed is there after reopening",
  "closing finishes the commits that were called before",
  "behaves as a sorted map through 300 random steps",
];

describe("the conformance suite for stores", () => {
  it("finds nothing in a store without a fault, but that this one forgets when it is opened again", async () => {
    assert.deepEqual(await failuresOf(() => faulty({})), reopening);
  });

  for (const [fault, open] of Object.entries(faults)) {
    it(`finds that ${fault}`, async () => {
      const found = (await failuresOf(open)).filter((name) => !reopening.includes(name));
      assert.notDeepEqual(found, []);
    });
  }
});
