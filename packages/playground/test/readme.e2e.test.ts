import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
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

test("the README's links to files and its npm commands lead somewhere", () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, path = ""]) => path);
  assert.ok(links.length > 8);
  assert.deepEqual(
    links.filter((path) => !existsSync(new URL(path, root))),
    [],
  );
  const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = [...readme.matchAll(/npm (?:run )?(start|test|check|bench)\b/g)].map(([, name = ""]) => name);
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
});
