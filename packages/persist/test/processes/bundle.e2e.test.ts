import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { buildSync } from "esbuild";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";

const program = `
  import { openSqliteStore } from "@fulmen/persist/sqlite";
  openSqliteStore(process.argv[2]).then(() => console.log("opened"), (error) => console.log(String(error)));
`;

describe("a bundle with the store in SQLite, whose package is not installed", () => {
  for (const [format, name] of [
    ["esm", "app.mjs"],
    ["cjs", "app.cjs"],
  ] as const) {
    it(`in the format ${format} is told so when it opens the store`, (context) => {
      const folder = temporaryDirectory(context);
      const app = join(folder, name);
      buildSync({
        stdin: { contents: program, resolveDir: import.meta.dirname },
        bundle: true,
        platform: "node",
        format,
        conditions: ["@fulmen/source"],
        outfile: app,
        logLevel: "error",
      });
      const quiet = "--disable-warning=ExperimentalWarning";
      const said = execFileSync(process.execPath, [quiet, app, join(folder, "node.db")], {
        encoding: "utf8",
      });
      assert.match(said, /^StoreError: the store in SQLite commits on a thread.*leave the packages @fulmen/);
    });
  }
});
