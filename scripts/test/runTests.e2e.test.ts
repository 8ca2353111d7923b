import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { workspaceRoot } from "../source/workspace.ts";
import { treeOf } from "./tree.ts";

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly lastLine: string | undefined;
}

function runTests(root: string, ...parameters: readonly string[]): Run {
  const script = join(workspaceRoot, "scripts", "runTests.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--root", root, ...parameters], {
    encoding: "utf8",
  });
  const output = stdout + stderr;
  return { status, output, lastLine: stdout.trimEnd().split("\n").at(-1) };
}

const test = 'import { test } from "node:test";\n';
const passing = `${test}test("passes", () => {});`;

function tree(context: TestContext, files: Readonly<Record<string, string>>): string {
  const paths = Object.entries(files).map(([name, text]) => [`packages/a/test/${name}`, text]);
  return treeOf(context, { "package.json": '{"type":"module"}', ...Object.fromEntries(paths) });
}

describe("npm test", () => {
  it("sums unit and end-to-end tests", (context) => {
    const root = tree(context, { "x/a.test.ts": passing, "b.test.ts": passing, "c.e2e.test.ts": passing });
    const { status, lastLine } = runTests(root);
    assert.equal(lastLine, "3 passed, 0 failed");
    assert.equal(status, 0);
  });

  it("runs what the filters name", (context) => {
    const root = tree(context, { "x/a.test.ts": passing, "b.test.ts": passing, "c.e2e.test.ts": passing });
    assert.equal(runTests(root, "test/x", "c.e2e").lastLine, "2 passed, 0 failed");
  });

  it("adds full and long tests when asked, and bitcoind tests never by themselves", (context) => {
    const root = tree(context, {
      "a.test.ts": passing,
      "a.full.test.ts": passing,
      "a.long.test.ts": passing,
      "a.bitcoind.test.ts": passing,
    });
    assert.equal(runTests(root).lastLine, "1 passed, 0 failed");
    assert.equal(runTests(root, "--full").lastLine, "2 passed, 0 failed");
    assert.equal(runTests(root, "--full", "--long").lastLine, "3 passed, 0 failed");
    assert.equal(runTests(root, "--only", "--bitcoind").lastLine, "1 passed, 0 failed");
  });

  it("fails a test whose program cannot be had, or leaves it out and says so", (context) => {
    const needy = `// needs: nonsense\n${passing}`;
    const root = tree(context, { "a.e2e.test.ts": passing, "b.e2e.test.ts": needy });
    const reason = 'packages/a/test/b.e2e.test.ts: nobody knows how to get "nonsense"';
    const failed = runTests(root);
    assert.equal(failed.lastLine, "1 passed, 1 failed");
    assert.equal(failed.status, 1);
    assert.ok(failed.output.includes(`FAILED ${reason}`), failed.output);
    const { lastLine, status, output } = runTests(root, "--leave-out-missing");
    assert.equal(lastLine, "1 passed, 0 failed");
    assert.equal(status, 0);
    assert.ok(output.includes(`LEFT OUT ${reason}`), output);
  });

  it("says what failed and where, in both kinds", (context) => {
    const failing = `${test}test("fails", () => {\n  throw new Error("the reason");\n});`;
    const root = tree(context, { "a.test.ts": failing, "b.e2e.test.ts": failing, "c.test.ts": passing });
    const { status, output, lastLine } = runTests(root);
    assert.equal(lastLine, "1 passed, 2 failed");
    assert.equal(status, 1);
    assert.match(output, /FAILED fails\n {2}at packages\/a\/test\/a\.test\.ts:2\n {2}Error: the reason/);
    assert.match(output, /at packages\/a\/test\/b\.e2e\.test\.ts:2/);
  });

  const troubles: readonly (readonly [string, string, string])[] = [
    ["a file that cannot be imported", 'import { gone } from "./gone.ts";', "0 passed, 1 failed"],
    ["a file that ends the process", "process.exit(0);", "0 passed, 1 failed"],
    ["a test that ends the process", `${test}test("x", () => process.exit(0));`, "0 passed, 1 failed"],
    ["a test that is skipped", `${test}test.skip("x", () => {});`, "0 passed, 1 failed"],
    ["a test that skips itself", `${test}test("x", (context) => context.skip());`, "0 passed, 1 failed"],
    ["a test to be done", `${test}test.todo("x");`, "0 passed, 1 failed"],
    [
      "a suite whose body throws",
      'import { describe } from "node:test";\ndescribe("x", () => { throw 1; });',
      "0 passed, 1 failed",
    ],
    [
      "an error after the end of its test",
      `${test}test("x", () => { setTimeout(() => { throw new Error("late"); }, 1); });\ntest("y", () => new Promise((done) => setTimeout(done, 50)));`,
      "2 passed, 1 failed",
    ],
  ];
  for (const [name, text, expected] of troubles) {
    it(`counts as a failure: ${name}`, (context) => {
      const { status, lastLine } = runTests(tree(context, { "a.test.ts": text }));
      assert.equal(lastLine, expected);
      assert.equal(status, 1);
    });
  }

  it("counts as a failure: no file that matches", (context) => {
    const { status, output, lastLine } = runTests(tree(context, { "a.test.ts": passing }), "nothing-like-it");
    assert.match(output, /No test file matches/);
    assert.equal(lastLine, "0 passed, 1 failed");
    assert.equal(status, 1);
  });

  it("kills a test that takes too long, with all that it started", async (context) => {
    const root = tree(context, {
      "a.e2e.test.ts": `// timeout: 2 s
import { spawn } from "node:child_process";
${test}
test("hangs", () => new Promise(() => {
  const beat = "setInterval(() => require('node:fs').appendFileSync('beats', '.'), 20)";
  spawn(process.execPath, ["-e", beat], { stdio: "inherit" });
}));`,
      "b.e2e.test.ts": passing,
    });
    const { output, lastLine } = runTests(root);
    assert.match(output, /a\.e2e\.test\.ts: 0 passed, 1 failed \(2\.\d s, killed after 2 s\)/);
    assert.equal(lastLine, "1 passed, 1 failed");
    const beats = (): number => readFileSync(join(root, "beats")).length;
    const before = beats();
    assert.ok(before > 0);
    await delay(200);
    assert.equal(beats(), before);
  });
});
