import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { filesOf } from "#src/sqlite/writer/openedDatabase";
import { WriterThread } from "#src/sqlite/writerThread";
import { refusal } from "../support/refusal.ts";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const value = Uint8Array.of(1);

function program(text: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
}

describe("the thread that commits to a SQLite store", () => {
  it("creates no file where the database was", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const thread = new WriterThread({ path, lease: "mine", files: filesOf(path) });
    await assert.rejects(thread.commit([{ key: "a", value }]), refusal("commit-failed", /unable to open/));
    await thread.close();
  });

  it("refuses to commit once another opened the store", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const store = await openSqliteStore(path);
    const thread = new WriterThread({ path, lease: "mine", files: filesOf(path) });
    await assert.rejects(thread.commit([{ key: "a", value }]), refusal("lease-lost", /another process/));
    await thread.close();
    await store.close();
  });

  it("is given large values, which nobody copies for it", async (context) => {
    const path = join(temporaryDirectory(context), "node.db");
    const thread = new WriterThread({ path, lease: "mine", files: filesOf(path) });
    const large = new Uint8Array(1_000_000);
    const refused = thread.commit([
      { key: "a", value },
      { key: "b", value: large },
    ]);
    assert.deepEqual([value.length, large.length], [1, 0]);
    await assert.rejects(refused, refusal("commit-failed", /unable to open/));
    await thread.close();
  });

  it("that cannot be started is tried again with the next commit", async () => {
    const thread = new WriterThread(
      { path: "node.db", lease: "", files: [] },
      new URL("https://example.com/thread"),
    );
    for (let n = 0; n < 2; n++) {
      await assert.rejects(
        thread.commit([{ key: "a", value }]),
        refusal(
          "commit-failed",
          /the store node\.db: no thread can be started.*let the node have more threads/,
        ),
      );
    }
    await thread.close();
  });

  for (const [how, text] of [
    [
      "by an error",
      'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { throw new Error("out of luck"); });',
    ],
    ["at once", "process.exit(1);"],
  ] as const) {
    it(`that dies ${how} stops the store, whatever became of the commit`, async () => {
      const thread = new WriterThread({ path: "node.db", lease: "", files: [] }, program(text));
      const isDeath = refusal(
        "closed",
        /what commits to the store node\.db has ended .*start the node again/,
      );
      await assert.rejects(thread.commit([{ key: "a", value }]), isDeath);
      await assert.rejects(thread.commit([{ key: "b", value }]), isDeath);
      await thread.close();
    });
  }
});
