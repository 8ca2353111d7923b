import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { bundlePackages } from "../source/packageBundle.ts";
import { treeOf } from "./tree.ts";

const forNode = { ".": { node: "./lib/index.js" }, "./*": { node: "./lib/*.js" } };

/**
 * A package of two subpaths, of which its front door needs one, with state, one name for two things, and a dependency
 * from the registry.
 */
function counters(context: TestContext): string {
  return treeOf(context, {
    "packages/counters/package.json": JSON.stringify({
      name: "@fulmen/counters",
      type: "module",
      exports: forNode,
      peerDependencies: { chooser: "1.0.0" },
    }),
    "packages/counters/src/index.ts": 'export { next } from "./up/count.ts";',
    "packages/counters/src/up/count.ts": [
      'import { step } from "stepper";',
      'export { sign } from "@fulmen/sign";',
      'export const choose = (): Promise<unknown> => import("chooser");',
      "let count: number = 0;",
      "export const next = (): number => (count += step);",
    ].join("\n"),
    "packages/counters/src/up/index.ts":
      'export { choose, next, sign } from "./count.ts"; export const name = "up";',
    "packages/counters/src/side-ways/index.ts":
      'export { next as again } from "../up/count.ts"; export const name = "sideways";',
    "packages/user/package.json": JSON.stringify({
      name: "@fulmen/user",
      type: "module",
      exports: { ".": { node: "./lib/index.js" } },
    }),
    "packages/user/src/index.ts": [
      'import { next } from "@fulmen/counters";',
      'import { again, name as other } from "@fulmen/counters/side-ways";',
      'import { name, next as same } from "@fulmen/counters/up";',
      "export const three = (): unknown => [next(), same(), again(), name, other];",
    ].join("\n"),
    "packages/plain/package.json": JSON.stringify({
      name: "@fulmen/plain",
      exports: { ".": { default: "./dist/index.js" } },
    }),
    "node_modules/stepper/package.json": '{"name":"stepper","version":"1.2.3","main":"index.js"}',
    "node_modules/stepper/index.js": "export const step = 5;",
    "node_modules/stepper/LICENSE": "Do as you please.",
    "node_modules/chooser/package.json": '{"name":"chooser","version":"1.0.0","main":"index.js"}',
    "node_modules/chooser/index.js": "module.exports = __dirname;",
    "node_modules/@fulmen/sign/package.json": '{"name":"@fulmen/sign","type":"module","main":"index.js"}',
    "node_modules/@fulmen/sign/index.js": 'export const sign = "+";',
  });
}

/** What `expression` gives where `imports` are in scope, in a process of its own. */
function evaluate(imports: string, expression: string): unknown {
  const program = `${imports}; process.stdout.write(JSON.stringify(${expression}));`;
  return JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" }),
  );
}

/** The text of a module and of all that it imports by relative paths. */
function loadedBy(path: string): string {
  const text = readFileSync(path, "utf8");
  const imported = [...text.matchAll(/from ?"(\.\/[^"]*)"/g)].map(([, name = ""]) => join(path, "..", name));
  return [text, ...imported.map(loadedBy)].join("\n");
}

describe("the bundle of a package", () => {
  it("has each module once, whatever subpaths lead to it", async (context) => {
    const root = counters(context);
    await bundlePackages(root);
    const directory = join(root, "packages", "counters");
    const from = (subpath: string): string => JSON.stringify(join(directory, "lib", `${subpath}.js`));
    const imports = [
      `import { next } from ${from("index")}`,
      `import { name, next as same, sign } from ${from("up")}`,
      `import { name as other, again } from ${from("side-ways")}`,
    ].join(";");
    assert.deepEqual(evaluate(imports, "[next(), same(), again(), name, other, sign]"), [
      5,
      10,
      15,
      "up",
      "sideways",
      "+",
    ]);
  });

  it("is what the bundles of other packages import, so that state exists once", async (context) => {
    const root = counters(context);
    await bundlePackages(root);
    const ours = join(root, "packages");
    const scope = join(root, "node_modules", "@fulmen");
    symlinkSync(join(ours, "counters"), join(scope, "counters"));
    const user = join(ours, "user", "lib", "index.js");
    const bundle = readFileSync(user, "utf8");
    assert.deepEqual(
      new Set(bundle.match(/from ?"[^"]*"/g)),
      new Set(['from"@fulmen/counters/bundle"', 'from"@fulmen/counters/side-ways"']),
    );
    const imports = `import { three } from ${JSON.stringify(user)}; import { next } from "${join(scope, "counters/lib/up.js")}"`;
    assert.deepEqual(evaluate(imports, "[three(), next()]"), [[5, 10, 15, "up", "sideways"], 20]);
    assert.equal(existsSync(join(ours, "plain", "lib")), false);
  });

  it("is loaded without the subpaths that the front door needs nothing of", async (context) => {
    const root = counters(context);
    await bundlePackages(root);
    const lib = join(root, "packages", "counters", "lib");
    assert.doesNotMatch(loadedBy(join(lib, "index.js")), /sideways/);
    assert.match(loadedBy(join(lib, "index.js")), /"up"/);
    assert.match(loadedBy(join(lib, "side-ways.js")), /sideways/);
  });

  it("leaves to the user's own copy what the user may install", async (context) => {
    const root = counters(context);
    await bundlePackages(root);
    const up = join(root, "packages", "counters", "lib", "up.js");
    const imports = `import { choose } from ${JSON.stringify(up)}; const chosen = await choose()`;
    assert.equal(evaluate(imports, "chosen.default"), join(root, "node_modules", "chooser"));
  });

  it("holds what comes from the registry, with its licence, and no package of ours", async (context) => {
    const root = counters(context);
    await bundlePackages(root);
    const directory = join(root, "packages", "counters");
    const bundle = loadedBy(join(directory, "lib", "index.js"));
    assert.doesNotMatch(bundle, /from ?"stepper"/);
    assert.match(bundle, /from ?"@fulmen\/sign"/);
    const licences = readFileSync(join(directory, "lib", "THIRD-PARTY.txt"), "utf8");
    assert.equal(licences, "stepper 1.2.3\n\nDo as you please.\n");
  });
});
