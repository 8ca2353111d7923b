import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import { openNodeRecord } from "@fulmen/lightning/storage";
import type { NodeId } from "@fulmen/lightning/util";
import { StoreError, type StoreErrorCode } from "@fulmen/persist";
import { type CopyProgress, copyStore, markMoved, takeBackMove } from "@fulmen/persist/copy";
import { encryptedStore } from "@fulmen/persist/encrypted";
import { openFileStore } from "@fulmen/persist/files";
import { MemoryStore } from "@fulmen/persist/memory";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const nodeId = `02${"a1".repeat(32)}` as NodeId;

const hasCode = (code: StoreErrorCode, text: RegExp) => (error: unknown) =>
  error instanceof StoreError && error.code === code && text.test(error.message);

/** A store with a node's record and some entries. */
async function nodeStore(entries: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const opened = openNodeRecord({ stored: undefined, storeIsEmpty: true, nodeId, network: networks.regtest });
  assert.ok(opened.ok);
  await store.commit(opened.value);
  for (let n = 0; n < entries; n++) {
    const key = `${["channel", "payment", "zebra"][n % 3]}/${String(n).padStart(5, "0")}`;
    await store.commit([{ key, value: new Uint8Array(n % 50).fill(n) }]);
  }
  return store;
}

/** Why a node does not start from the store; `undefined` when it does. */
async function refusal(store: KVStore): Promise<string | undefined> {
  const stored = await store.read("node");
  const storeIsEmpty = (await store.scan("", undefined, 1)).length === 0;
  if (storeIsEmpty) return "empty";
  const opened = openNodeRecord({ stored, storeIsEmpty, nodeId, network: networks.regtest });
  return opened.ok ? undefined : opened.error.kind;
}

async function allOf(store: KVStore): Promise<unknown> {
  return (await store.scan("", undefined, 100_000)).map(({ key, value }) => [key, [...value]]);
}

describe("copyStore", () => {
  it("moves a node through stores of all kinds", async (context) => {
    const directory = temporaryDirectory(context);
    const inner = new MemoryStore();
    const entropy = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
    const first = await nodeStore(450);
    const before = await allOf(first);
    const stores: KVStore[] = [
      first,
      await openSqliteStore(join(directory, "node.db")),
      await openFileStore(join(directory, "files"), { journalBytes: 5_000 }),
      await encryptedStore({ store: inner, key: new Uint8Array(32), entropy }),
      // As it is, encrypted.
      new MemoryStore(),
    ];
    for (const [at, to] of stores.entries()) {
      const from = at === 4 ? inner : stores[at - 1];
      if (from === undefined || at === 4) continue;
      const progress: CopyProgress[] = [];
      const options = { movedTo: `place ${at}`, progress: (one: CopyProgress) => void progress.push(one) };
      assert.deepEqual(await copyStore(from, to, options), { entries: 450 });
      assert.deepEqual(await allOf(to), before);
      assert.equal(await refusal(to), undefined);
      assert.equal(await refusal(from), "moved");
      assert.ok(progress.some(({ stage, entries }) => stage === "copying" && entries === 450));
      assert.ok(progress.some(({ stage, entries }) => stage === "verifying" && entries === 450));
    }
    for (const store of stores) await store.close();
  });

  it("refuses a target with anything in it, and leaves both as they were", async () => {
    const from = await nodeStore(5);
    for (const to of [await nodeStore(1), new MemoryStore([{ key: "a", value: new Uint8Array(1) }])]) {
      const before = await allOf(to);
      await assert.rejects(copyStore(from, to, { movedTo: "x" }), hasCode("not-empty", /choose a new one/));
      assert.deepEqual(await allOf(to), before);
      assert.equal(await refusal(from), undefined);
    }
    await assert.rejects(copyStore(from, from, { movedTo: "x" }), hasCode("not-empty", /choose a new one/));
  });

  it("refuses a source that was moved, and one without a node", async () => {
    const from = await nodeStore(5);
    await copyStore(from, new MemoryStore(), { movedTo: "the new disk" });
    const again = copyStore(from, new MemoryStore(), { movedTo: "x" });
    await assert.rejects(again, hasCode("moved", /moved from this store to the new disk/));
    const onward = new MemoryStore();
    const twice = await nodeStore(5);
    await copyStore(twice, onward, { movedTo: "b" });
    await copyStore(onward, new MemoryStore(), { movedTo: "c" });
    await assert.rejects(copyStore(twice, onward, { movedTo: "b" }), hasCode("moved", /to c/));
    const empty = copyStore(new MemoryStore(), new MemoryStore(), { movedTo: "x" });
    await assert.rejects(empty, hasCode("unfinished", /there is no node/));
  });

  it("moves nothing when the target has something else than what it was given", async () => {
    const from = await nodeStore(50);
    const to = new MemoryStore();
    const forgetful: KVStore = {
      read: (key) => to.read(key),
      scan: (prefix, after, limit) => to.scan(prefix, after, limit),
      commit: (batch) => to.commit(batch.filter(({ key }) => key !== "payment/00025" && !key.endsWith("31"))),
      close: () => to.close(),
    };
    const copy = copyStore(from, forgetful, { movedTo: "x" });
    await assert.rejects(copy, hasCode("copy-differs", /the copy has 48 entries.*has 50 entries/));
    assert.equal(await refusal(from), undefined);
    assert.equal(await refusal(to), "missing");
  });

  it("can be taken back, and done by other means", async () => {
    const from = await nodeStore(3);
    const before = await allOf(from);
    await markMoved(from, "a file");
    assert.equal(await refusal(from), "moved");
    await assert.rejects(markMoved(from, "elsewhere"), hasCode("moved", /a file/));
    await takeBackMove(from);
    assert.deepEqual(await allOf(from), before);
  });

  it("never leaves two stores that a node starts from, wherever it is cut off, and is finished by a second call", async () => {
    const states = new Set<string>();
    for (const isApplied of [true, false]) {
      for (let cut = 1; ; cut++) {
        const [from, to] = [await nodeStore(450), new MemoryStore()];
        const before = await allOf(from);
        let commits = 0;
        const crashing = (store: KVStore): KVStore => ({
          read: (key) => store.read(key),
          scan: (prefix, after, limit) => store.scan(prefix, after, limit),
          commit: async (batch: readonly KvWrite[]) => {
            commits++;
            if (commits === cut && isApplied) await store.commit(batch);
            if (commits === cut) throw new Error("crash");
            await store.commit(batch);
          },
          close: () => store.close(),
        });
        const options = { movedTo: "the target" };
        const done = await copyStore(crashing(from), crashing(to), options).then(
          () => true,
          () => false,
        );
        const state = `${await refusal(from)} ${await refusal(to)}`;
        states.add(state);
        assert.notEqual(state, "undefined undefined", `cut ${cut}`);
        if (!done) assert.deepEqual(await copyStore(from, to, options), { entries: 450 });
        assert.deepEqual(await allOf(to), before);
        assert.equal(await refusal(from), "moved");
        if (done) break;
      }
    }
    assert.deepEqual([...states].sort(), [
      "moved missing",
      "moved undefined",
      "undefined empty",
      "undefined missing",
    ]);
  });
});
