import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { StoreError } from "@fulmen/persist";
import { openFileStore } from "@fulmen/persist/files";
import { kvStoreConformance } from "@fulmen/testkit/conformance";
import { keepsOutASecond } from "../support/oneOpener.ts";
import { refusal } from "../support/refusal.ts";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

describe("the store in files, a snapshot every 2,000 bytes", () => {
  kvStoreConformance({ describe, it }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "fulmen-persist-"));
    return {
      open: () => openFileStore(folder, { journalBytes: 2_000 }),
      remove: () => rm(folder, { recursive: true }),
    };
  });
});

/** Commits `k/0` to `k/29`, 1,000 bytes each, in as many batches. */
async function fill(folder: string, journalBytes: number): Promise<void> {
  const store = await openFileStore(folder, { journalBytes });
  for (let n = 0; n < 30; n++) await store.commit([{ key: `k/${n}`, value: new Uint8Array(1_000).fill(n) }]);
  await store.close();
}

function fileIn(folder: string, kind: "journal" | "snapshot"): string {
  const name = readdirSync(folder).find((file) => file.startsWith(kind));
  assert.ok(name !== undefined, `no ${kind} in ${readdirSync(folder).join(" ")}`);
  return join(folder, name);
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe("opening a store in files", () => {
  it("creates the folders above it, and files for its owner alone", async (context) => {
    const folder = join(temporaryDirectory(context), "a", "b");
    const store = await openFileStore(folder);
    await store.commit([{ key: "a", value: one }]);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(fileIn(folder, "journal")).mode & 0o777, 0o600);
    await store.close();
  });

  keepsOutASecond((folder) => openFileStore(folder));

  it("refuses a folder of another program", async (context) => {
    const folder = temporaryDirectory(context);
    writeFileSync(join(folder, "letter.txt"), "");
    await assert.rejects(
      openFileStore(folder),
      refusal("foreign-file", /letter\.txt.*choose an empty folder/),
    );
  });

  it("says what is wrong with a path", async (context) => {
    const file = join(temporaryDirectory(context), "file");
    writeFileSync(file, "");
    await assert.rejects(openFileStore(file), refusal("open-failed", /EEXIST|ENOTDIR/));
  });

  it("keeps few files, however much was committed", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 2_000);
    const names = readdirSync(folder).filter((name) => /^(journal|snapshot)/.test(name));
    assert.ok(names.length <= 3, names.join(" "));
    assert.ok(statSync(fileIn(folder, "snapshot")).size > 20_000);
  });
});

describe("a store in files that is filled faster than it can write snapshots", () => {
  it("has commits wait: the journal does not outgrow the snapshots", async (context) => {
    const folder = temporaryDirectory(context);
    const store = await openFileStore(folder, { journalBytes: 20_000 });
    const commits = Array.from({ length: 100 }, (_, n) =>
      Array.from({ length: 10 }, (_, k) => ({ key: `k/${n}/${k}`, value: new Uint8Array(500).fill(n) })),
    );
    for (const batch of commits) {
      await store.commit(batch);
      const journals = readdirSync(folder).filter((name) => /^journal-\d+$/.test(name));
      for (const name of journals) assert.ok(statSync(join(folder, name)).size < 50_000, name);
    }
    assert.equal((await store.scan("k/", undefined, 10_000)).length, 1_000);
    await store.close();
  });
});

describe("damage to a store in files", () => {
  it("in the middle of a journal is named with file and offset", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 1_000_000);
    flip(fileIn(folder, "journal"), 2_000);
    const message =
      /journal-0000000001 is damaged at byte \d+ \(frame 1 .*a frame follows at byte 2\d\d\d\).*older copy/;
    await assert.rejects(openFileStore(folder), refusal("corrupt", message));
  });

  it("in the last frame is damage, too, after the store was closed", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 1_000_000);
    const file = fileIn(folder, "journal");
    flip(file, statSync(file).size - 100);
    await assert.rejects(openFileStore(folder), refusal("corrupt", /frame 29 does not have its checksum/));
  });

  it("in any byte of a snapshot is found by a start", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 25_000);
    const file = fileIn(folder, "snapshot");
    for (let offset = 0; offset < statSync(file).size; offset += 4_999) {
      flip(file, offset);
      const message = /snapshot-0000000002 (is damaged at byte \d+|has format)/;
      await assert.rejects(openFileStore(folder), (error: unknown) => {
        assert.ok(error instanceof StoreError && error.isFatal, `offset ${offset}: ${String(error)}`);
        assert.match(error.message, message);
        return true;
      });
      flip(file, offset);
    }
    await (await openFileStore(folder)).close();
  });

  it("to a snapshot while the store is open makes it stop", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 25_000);
    const store = await openFileStore(folder);
    flip(fileIn(folder, "snapshot"), 5_000);
    await assert.rejects(store.read("k/3"), refusal("corrupt", /damaged at byte 32 \(block 0/));
    await assert.rejects(store.commit([{ key: "a", value: one }]), refusal("corrupt", /block 0/));
    await store.close();
  });

  it("is a journal that is missing", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 25_000);
    rmSync(fileIn(folder, "journal"));
    await assert.rejects(openFileStore(folder), refusal("corrupt", /journal-0000000002 .*it is missing/));
  });

  it("is a file with another's name", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 1_000_000);
    const bytes = readFileSync(fileIn(folder, "journal"));
    writeFileSync(join(folder, "journal-0000000002"), bytes);
    await assert.rejects(openFileStore(folder), refusal("corrupt", /was written as number 1/));
  });

  it("is not what a later version wrote", async (context) => {
    const folder = temporaryDirectory(context);
    await fill(folder, 1_000_000);
    const file = fileIn(folder, "journal");
    const bytes = readFileSync(file);
    bytes[7] = 2;
    writeFileSync(file, bytes);
    await assert.rejects(
      openFileStore(folder),
      refusal("newer-schema", /has format 2, this Fulmen reads format 1/),
    );
  });

  it("cannot be made by a value that looks like a frame", async (context) => {
    const folder = temporaryDirectory(context);
    const store = await openFileStore(folder);
    await store.commit([{ key: "a", value: one }]);
    const journal = readFileSync(fileIn(folder, "journal"));
    // What follows the header is a whole frame; as a value, behind a frame that is torn, it must count for nothing in
    // another file, which has another salt.
    await store.close();
    const other = join(folder, "other");
    const second = await openFileStore(other);
    await second.commit([{ key: "a", value: two }]);
    await second.commit([{ key: "b", value: journal.subarray(32) }]);
    const torn = readFileSync(fileIn(other, "journal")).subarray(0, -1);
    await second.close();
    writeFileSync(fileIn(other, "journal"), torn);
    const third = await openFileStore(other);
    assert.deepEqual(await third.read("a"), two);
    assert.equal(await third.read("b"), undefined);
    await third.close();
  });
});

describe("commits to a store in files", () => {
  it("are refused while the folder is not where it was, and go through when it is back", async (context) => {
    const folder = join(temporaryDirectory(context), "node");
    const store = await openFileStore(folder);
    await store.commit([{ key: "a", value: one }]);
    renameSync(folder, `${folder}.away`);
    const refused = store.commit([{ key: "a", value: one }]);
    await assert.rejects(refused, { code: "commit-failed", isFatal: false, message: /not where it was/ });
    renameSync(`${folder}.away`, folder);
    await store.commit([{ key: "b", value: one }]);
    await store.close();
  });

  it("stop for good when the store has been taken over", async (context) => {
    const folder = temporaryDirectory(context);
    const store = await openFileStore(folder);
    await store.commit([{ key: "a", value: one }]);
    rmSync(join(folder, "lock"));
    const other = await openFileStore(folder);
    await assert.rejects(store.commit([{ key: "a", value: two }]), refusal("lease-lost", /another process/));
    await assert.rejects(store.read("a"), refusal("lease-lost", /another process/));
    assert.deepEqual(await other.read("a"), one);
    await store.close();
    await other.close();
  });
});
