import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { kvStoreConformance } from "@fulmen/testkit/conformance";
import { loadSqlite } from "#src/sqlite/runtime";
import { storeError } from "#src/sqlite/sqliteError";
import { keepsOutASecond } from "../support/oneOpener.ts";
import { refusal } from "../support/refusal.ts";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

describe("the store in SQLite", () => {
  kvStoreConformance({ describe, it }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "fulmen-persist-"));
    return {
      open: () => openSqliteStore(join(directory, "node.db")),
      remove: () => rm(directory, { recursive: true }),
    };
  });
});

describe("opening a SQLite store", () => {
  it("creates the directories above it and a file for its owner alone", async (context) => {
    const path = join(temporaryDirectory(context), "a", "b", "node.db");
    const store = await openSqliteStore(path);
    await store.commit([{ key: "a", value: one }]);
    for (const file of [path, `${path}-wal`, `${path}-shm`])
      assert.equal(statSync(file).mode & 0o777, 0o600, file);
    await store.close();
  });

  it("commits with a write-ahead log that is synced every time", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    await (await openSqliteStore(path)).close();
    const database = new DatabaseSync(path);
    assert.deepEqual({ ...database.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
    database.close();
  });

  keepsOutASecond((path) => openSqliteStore(path));

  it("can be read from outside while it is open", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN");
    assert.equal(reader.prepare("SELECT count(*) AS n FROM entries").get()?.["n"], 0);
    await store.commit([{ key: "a", value: one }]);
    reader.exec("COMMIT");
    assert.equal(reader.prepare("SELECT count(*) AS n FROM entries").get()?.["n"], 1);
    reader.close();
    await store.close();
  });

  it("refuses a file that is no database", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    writeFileSync(
      path,
      "no database, but more than long enough to have a header of a hundred bytes".repeat(40),
    );
    await assert.rejects(openSqliteStore(path), refusal("corrupt", /node\.db is damaged.*not a database/));
  });

  it("refuses a database of another program, and leaves it as it is", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE theirs (a)");
    other.close();
    const before = readFileSync(path);
    await assert.rejects(
      openSqliteStore(path),
      refusal("foreign-file", /node\.db is a database of another program/),
    );
    assert.deepEqual(readFileSync(path), before);
  });

  it("refuses a version that it does not know", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    await (await openSqliteStore(path)).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 2");
    database.close();
    await assert.rejects(
      openSqliteStore(path),
      refusal("newer-schema", /has version 2, this Fulmen reads up to 1/),
    );
  });

  it("refuses a log whose database is gone", async (context) => {
    const directory = temporaryDirectory(context);
    const [path, copy] = [join(directory, "node.db"), join(directory, "copy.db")];
    const store = await openSqliteStore(path);
    await store.commit([{ key: "a", value: one }]);
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    await store.close();
    await assert.rejects(
      openSqliteStore(copy),
      refusal("corrupt", /is missing or empty, its log .*copy\.db-wal is not/),
    );
  });

  it("says what is wrong with a path", async (context) => {
    const directory = temporaryDirectory(context);
    await assert.rejects(
      openSqliteStore(directory),
      refusal("open-failed", /unable to open database file|EISDIR/),
    );
    writeFileSync(join(directory, "file"), "");
    await assert.rejects(
      openSqliteStore(join(directory, "file", "node.db")),
      refusal("open-failed", /ENOTDIR|EEXIST/),
    );
  });

  it("lets go of the lock when opening fails", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    writeFileSync(path, "x".repeat(4096));
    await assert.rejects(openSqliteStore(path), refusal("corrupt", /damaged/));
    rmSync(path);
    await (await openSqliteStore(path)).close();
  });

  it("names the Node it needs where SQLite is missing, or too old to commit with", () => {
    const isRefusal = refusal("unsupported-runtime", /needs Node 22\.16 or later.*this is Node \d/);
    assert.throws(() => loadSqlite(() => undefined), isRefusal);
    const older = Object.assign({ ...loadSqlite() }, { DatabaseSync: class {} });
    assert.throws(() => loadSqlite(() => older), isRefusal);
  });
});

describe("what SQLite says", () => {
  for (const [code, said] of [
    [8, /^the store db: the disk is read-only/],
    [10, /^the store db: the disk does not answer/],
    [13, /^the store db: the disk is full/],
    [15, /^the store db: its file system does not lock files/],
    [11, /^the store db is damaged/],
  ] as const) {
    it(`as code ${code} is said in words`, () => {
      const error = Object.assign(new Error("as SQLite puts it"), { errcode: code | 0x100 });
      assert.match(storeError(error, "db", "commit-failed").message, said);
    });
  }
});

describe("damage to a SQLite store", () => {
  it("finds damaged pages when it opens", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    for (let n = 0; n < 200; n++) await store.commit([{ key: `k/${n}`, value: new Uint8Array(400).fill(n) }]);
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4096 * 3, 4096 * 8);
    writeFileSync(path, bytes);
    await assert.rejects(
      openSqliteStore(path),
      refusal("corrupt", /damaged.*Do not go on with an older copy/),
    );
  });

  it("finds a file that was cut short", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    await store.commit([{ key: "a", value: new Uint8Array(100_000) }]);
    await store.close();
    truncateSync(path, 40_960);
    await assert.rejects(openSqliteStore(path), refusal("corrupt", /damaged/));
  });

  it("finds a single changed byte of a value, and then does nothing more", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const first = await openSqliteStore(path);
    const value = new TextEncoder().encode("a value that is easy to find");
    await first.commit([
      { key: "a", value },
      { key: "b", value: two },
    ]);
    await first.close();
    const bytes = readFileSync(path);
    const at = bytes.indexOf(value);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);

    const store = await openSqliteStore(path);
    assert.deepEqual(await store.read("b"), two);
    await assert.rejects(store.read("a"), refusal("corrupt", /the value of a does not have its checksum/));
    await assert.rejects(store.commit([{ key: "c", value: one }]), refusal("corrupt", /checksum/));
    await store.close();
  });

  it("after a power cut has a whole number of batches, wherever the log ends", async (context) => {
    const directory = temporaryDirectory(context);
    const path = join(directory, "node.db");
    const store = await openSqliteStore(path);
    const batches = 12;
    for (let n = 1; n <= batches; n++) {
      const writes = Array.from({ length: 5 }, (_, k) => ({
        key: `k/${k}`,
        value: new Uint8Array(600).fill(n),
      }));
      await store.commit(writes);
    }
    const [database, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    await store.close();
    const seen = new Set<number>();
    const copy = join(directory, "copy.db");
    for (let cut = 0; cut <= 60; cut++) {
      const length = Math.round((log.length * cut) / 60);
      writeFileSync(copy, database);
      writeFileSync(`${copy}-wal`, log.subarray(0, length));
      rmSync(`${copy}-shm`, { force: true });
      const after = await openSqliteStore(copy);
      const entries = await after.scan("k/", undefined, 10);
      const values = new Set(entries.map(({ value }) => value[0] ?? 0));
      assert.ok(entries.length === 0 || (entries.length === 5 && values.size === 1), `cut at ${length}`);
      seen.add([...values][0] ?? 0);
      await after.close();
    }
    assert.ok(seen.size > batches / 2, `the cuts fell on ${seen.size} different batches`);
    assert.ok(seen.has(batches), "the whole log has the last batch");
  });
});

describe("commits to a SQLite store", () => {
  it("of one turn share a transaction", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    const logSize = (): number => statSync(`${path}-wal`).size;
    const before = logSize();
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.commit([{ key: `k/${n}`, value: one }])));
    const together = logSize() - before;
    for (let n = 0; n < 100; n++) await store.commit([{ key: `k/${n}`, value: two }]);
    const apart = logSize() - before - together;
    assert.ok(together * 10 < apart, `${together} bytes of log together, ${apart} apart`);
    await store.close();
  });

  it("that cannot go through are rejected, change nothing, and can be tried again", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    await store.commit([{ key: "a", value: one }]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const commit = (): Promise<readonly PromiseSettledResult<void>[]> =>
      Promise.allSettled([
        store.commit([{ key: "a", value: two }]),
        store.commit([{ key: "b", value: two }]),
      ]);
    for (const outcome of await commit()) {
      assert.equal(outcome.status, "rejected");
      refusal("commit-failed", /another program is writing to the file/)(outcome.reason);
      assert.equal(outcome.reason.isFatal, false);
    }
    assert.deepEqual(await store.read("a"), one);
    assert.equal(await store.read("b"), undefined);
    other.exec("ROLLBACK");
    other.close();
    for (const outcome of await commit()) assert.equal(outcome.status, "fulfilled");
    assert.deepEqual(await store.read("b"), two);
    await store.close();
  });

  it("do not hold up the event loop while the disk, or another program, lets them wait", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    await store.commit([{ key: "a", value: one }]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    let isWaiting = true;
    const commit = assert
      .rejects(store.commit([{ key: "a", value: two }]), refusal("commit-failed", /another program/))
      .finally(() => {
        isWaiting = false;
      });
    let turns = 0;
    for (; isWaiting; turns++) {
      assert.deepEqual(await store.read("a"), one);
      await delay(1);
    }
    await commit;
    assert.ok(turns > 10, `${turns} turns of the event loop in 250 ms`);
    other.close();
    await store.close();
  });

  it("are refused while the file, its log or its folder is not where it was, and go through when it is back", async (context) => {
    const folder = join(temporaryDirectory(context), "node");
    const path = join(folder, "node.db");
    const store = await openSqliteStore(path);
    for (const [count, moved] of [path, `${path}-wal`, folder].entries()) {
      await store.commit([{ key: "a", value: one }]);
      renameSync(moved, `${moved}.away`);
      const refused = store.commit([{ key: "a", value: two }]);
      await assert.rejects(refused, { code: "commit-failed", isFatal: false, message: /not where it was/ });
      assert.deepEqual(await store.read("a"), one, "what was refused is not seen");
      if (count === 0) writeFileSync(path, "another file");
      await assert.rejects(store.commit([{ key: "a", value: two }]), { code: "commit-failed" });
      rmSync(moved, { force: true });
      renameSync(`${moved}.away`, moved);
      await store.commit([{ key: "b", value: two }]);
    }
    await store.close();
    const again = await openSqliteStore(path);
    assert.deepEqual(
      (await again.scan("", undefined, 9)).map(({ key }) => key),
      ["a", "b"],
    );
    await again.close();
  });

  it("stop for good when the store has been taken over", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    const other = new DatabaseSync(path);
    other.exec("UPDATE owner SET lease = 'another'");
    other.close();
    const isRefusal = refusal("lease-lost", /another process has opened the store .*node\.db/);
    await assert.rejects(store.commit([{ key: "a", value: one }]), isRefusal);
    await assert.rejects(store.read("a"), isRefusal);
    await store.close();
    const again = await openSqliteStore(path);
    assert.equal(await again.read("a"), undefined);
    await again.close();
  });
});
