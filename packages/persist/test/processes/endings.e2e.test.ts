import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const run = promisify(execFile);

/** Opens a store, commits `k/0`, and says what becomes of 50 more, which it does not wait for. */
const program = `
  import { openSqliteStore } from "@fulmen/persist/sqlite";
  const [path, count, end] = process.argv.slice(1);
  const store = await openSqliteStore(path);
  const commit = (n) => store.commit([{ key: "k/" + n, value: new Uint8Array(3000) }]);
  await commit(0);
  for (let n = 1; n <= Number(count); n++) void commit(n).then(() => console.log(n));
  if (end === "exit") setImmediate(() => process.exit());
  if (end === "close") void Promise.all([store.close(), store.close()]).then(() => console.log("closed"));
`;

describe("a process with a store in SQLite that ends by itself", () => {
  const all = Array.from({ length: 50 }, (_, n) => String(n + 1));

  for (const [how, count, end, said] of [
    ["as soon as it has nothing to commit", 0, "", []],
    ["has made its commits by then", 50, "", all],
    ["though it closes the store twice, with commits under way", 50, "close", [...all, "closed"]],
    ["in the middle of a commit loses none that was acknowledged", 50, "exit", undefined],
  ] as const) {
    it(how, async (context) => {
      const path = join(temporaryDirectory(context), "node.db");
      const parameters = ["--conditions=@fulmen/source", "--disable-warning=ExperimentalWarning"];
      const { stdout } = await run(
        process.execPath,
        [...parameters, "--input-type=module", "--eval", program, path, String(count), end],
        { timeout: 20_000 },
      );
      const lines = stdout.split("\n").filter((line) => line !== "");
      if (said !== undefined) assert.deepEqual(lines, said);
      const store = await openSqliteStore(path);
      const there = (await store.scan("k/", undefined, 100)).length;
      // Those of one turn share a transaction.
      assert.ok(there === count + 1 || (end === "exit" && lines.length === 0 && there === 1), `${there}`);
      await store.close();
    });
  }
});
