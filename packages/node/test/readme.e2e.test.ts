import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);
const quickstart = new URL("examples/quickstart/example.ts", root);

test("the README's node in twelve lines is an example, has twelve lines, and pays", () => {
  const readme = readFileSync(new URL("README.md", root), "utf8");
  const [, code = ""] = /## A node in twelve lines[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  assert.equal(code, readFileSync(quickstart, "utf8"));
  assert.equal(code.split("\n").filter((line) => line !== "").length, 12);
  const conditions = process.execArgv.filter((argument) => argument.startsWith("--conditions"));
  const output = execFileSync(process.execPath, [...conditions, fileURLToPath(quickstart)], {
    encoding: "utf8",
  });
  assert.equal(output, "alice paid 25000000 msat, and bob has 25000000\n");
});
