import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { openNodeRecord } from "@fulmen/lightning/storage";
import type { NodeId } from "@fulmen/lightning/util";
import { StoreError } from "@fulmen/persist";
import { checkExport, exportedBytes, importBytes, takeBackMove } from "@fulmen/persist/copy";
import { exportToFile, importFromFile, replaceFile } from "@fulmen/persist/exportFile";
import { MemoryStore } from "@fulmen/persist/memory";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const nodeId = `02${"a1".repeat(32)}` as NodeId;

async function nodeStore(entries: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const opened = openNodeRecord({ stored: undefined, storeIsEmpty: true, nodeId, network: networks.regtest });
  assert.ok(opened.ok);
  await store.commit(opened.value);
  for (let n = 0; n < entries; n++)
    await store.commit([{ key: `k/${n}`, value: new Uint8Array(n % 9).fill(n) }]);
  return store;
}

async function bytesOf(store: MemoryStore): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of exportedBytes(store)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** In parts of `length` bytes. */
async function* partsOf(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

describe("an export", () => {
  it("gives the same store again, in whatever parts it comes", async () => {
    const store = await nodeStore(450);
    const bytes = await bytesOf(store);
    for (const length of [1, 7, 1_000, bytes.length]) {
      const to = new MemoryStore();
      assert.deepEqual(await importBytes(partsOf(bytes, length), to), { entries: 450 });
      assert.deepEqual(to.snapshot(), store.snapshot());
    }
    assert.deepEqual(await checkExport(partsOf(bytes, 64)), { entries: 451 });
  });

  it("that is damaged or cut off anywhere is refused, and no node starts from what came of it", async () => {
    const bytes = await bytesOf(await nodeStore(12));
    const codes = new Set<string>();
    const refused = async (given: Uint8Array, what: string): Promise<void> => {
      const to = new MemoryStore();
      const code = await importBytes(partsOf(given, 100), to).then(
        () => "imported",
        (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
      );
      codes.add(code);
      assert.notEqual(code, "imported", what);
      assert.equal(await to.read("node"), undefined, what);
    };
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      await refused(changed, `byte ${at} changed`);
      await refused(bytes.subarray(0, at), `cut off at ${at}`);
    }
    await refused(Uint8Array.of(...bytes, 0), "something behind it");
    assert.deepEqual([...codes].sort(), ["corrupt", "foreign-file", "newer-schema"]);
  });

  it("that claims long pages takes no memory for them", async () => {
    const head = (await bytesOf(await nodeStore(1))).slice(0, 8);
    const long = partsOf(Uint8Array.of(...head, 0xff, 0xff, 0xff, 0xff, 1, 2, 3), 3);
    await assert.rejects(importBytes(long, new MemoryStore()), /a page claims 4294967295 bytes/);
  });

  it("can be imported again where an import was cut off", async () => {
    const store = await nodeStore(450);
    const bytes = await bytesOf(store);
    const to = new MemoryStore();
    await assert.rejects(importBytes(partsOf(bytes.subarray(0, bytes.length - 50), 99), to), /it is cut off/);
    assert.ok(to.snapshot().length > 100);
    await importBytes(partsOf(bytes, 99), to);
    assert.deepEqual(to.snapshot(), store.snapshot());
  });
});

describe("exportToFile", () => {
  it("moves the node to a file of its owner alone, from which it is imported", async (context) => {
    const path = join(temporaryDirectory(context), "node.export");
    const store = await nodeStore(20);
    const before = store.snapshot();
    await exportToFile(store, path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await assert.rejects(exportToFile(store, `${path}2`), /moved from this store to .*node\.export/);
    const to = new MemoryStore();
    await importFromFile(path, to);
    assert.deepEqual(to.snapshot(), before);
    await assert.rejects(importFromFile(`${path}2`, new MemoryStore()), /there is no file/);
  });

  it("makes a file that is imported once", async (context) => {
    const path = join(temporaryDirectory(context), "node.export");
    const store = await nodeStore(20);
    const before = store.snapshot();
    await exportToFile(store, path);
    const first = new MemoryStore();
    // The power goes when the file has its other name, and before a node could be started.
    const { commit } = first;
    first.commit = async (batch) => {
      if (batch.some(({ key }) => key === "node")) throw new Error("no power");
      await commit.call(first, batch);
    };
    await assert.rejects(importFromFile(path, first), /no power/);
    assert.ok(existsSync(`${path}.imported`) && !existsSync(path));
    await assert.rejects(importFromFile(path, new MemoryStore()), { code: "moved" });
    first.commit = commit;
    await importFromFile(path, first);
    assert.deepEqual(first.snapshot(), before);
    for (const to of [first, new MemoryStore()])
      await assert.rejects(importFromFile(path, to), /imported into another store/);
    // By the name that it has now, neither.
    await assert.rejects(importFromFile(`${path}.imported`, new MemoryStore()), { code: "moved" });
    assert.ok(existsSync(`${path}.imported`));
  });

  it("starts no node from a file that cannot be given another name", async (context) => {
    const path = join(temporaryDirectory(context), "node.export");
    await exportToFile(await nodeStore(20), path);
    mkdirSync(join(`${path}.imported`, "full"), { recursive: true });
    const to = new MemoryStore();
    await assert.rejects(importFromFile(path, to), /could be imported twice/);
    assert.equal(await to.read("node"), undefined);
  });

  it("overwrites nothing, and marks nothing when it cannot write", async (context) => {
    const directory = temporaryDirectory(context);
    const store = await nodeStore(20);
    const before = store.snapshot();
    writeFileSync(join(directory, "letter"), "text");
    await assert.rejects(exportToFile(store, join(directory, "letter")), /is there already/);
    assert.equal(readFileSync(join(directory, "letter"), "utf8"), "text");
    await assert.rejects(
      exportToFile(store, join(directory, "nowhere", "file")),
      /cannot be written.*ENOENT/,
    );
    assert.deepEqual(store.snapshot(), before);
  });

  it("that was cut off before the file had its name is finished by a second call", async (context) => {
    const path = join(temporaryDirectory(context), "node.export");
    const store = await nodeStore(20);
    await exportToFile(store, path);
    renameSync(path, `${path}.new`);
    await exportToFile(store, path);
    assert.deepEqual(await checkExport(partsOf(readFileSync(path), 50)), { entries: 21 });
    rmSync(path);
    await assert.rejects(exportToFile(store, path), /moved/);
    await takeBackMove(store);
    await exportToFile(store, path);
  });
});

describe("replaceFile", () => {
  it("replaces a file as a whole, for its owner alone", async (context) => {
    const path = join(temporaryDirectory(context), "backup");
    await replaceFile(path, Uint8Array.of(1, 2, 3));
    await replaceFile(path, Uint8Array.of(4));
    assert.deepEqual(new Uint8Array(readFileSync(path)), Uint8Array.of(4));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await assert.rejects(replaceFile(join(path, "none"), Uint8Array.of(1)), /ENOTDIR/);
    assert.deepEqual(new Uint8Array(readFileSync(path)), Uint8Array.of(4));
  });
});
