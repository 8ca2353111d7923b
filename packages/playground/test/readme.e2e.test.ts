import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);
const quickstart = new URL("quickstart.ts", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");

test("the README's code is quickstart.ts, which compiles with the tests, and pays", () => {
  const [, code] = /```ts\n([^`]*TestNetwork[\s\S]*?)```/.exec(readme) ?? [];
  assert.equal(code, readFileSync(quickstart, "utf8"));
  const conditions = process.execArgv.filter((argument) => argument.startsWith("--conditions"));
  const output = execFileSync(process.execPath, [...conditions, fileURLToPath(quickstart)], {
    encoding: "utf8",
  });
  assert.equal(output, "alice paid 25000000 msat and 1000 in fees\ncarol has 25000000 msat\n");
});
