import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { bannedNames } from "../checks/bannedNames.ts";
import { floors } from "../checks/floors.ts";
import { unusedExports } from "../checks/unusedExports.ts";
import type { Problem } from "../source/problem.ts";
import { manifest, treeOf } from "./tree.ts";

const manifests = {
  "packages/bitcoin/package.json": manifest("bitcoin"),
  "packages/lightning/package.json": manifest("lightning", ["@fulmen/bitcoin", "@scure/base"]),
  "packages/testkit/package.json": manifest("testkit", ["@fulmen/bitcoin", "@fulmen/lightning"]),
  "packages/net/package.json": manifest("net", ["@fulmen/lightning"]),
  "packages/bitcoin/src/primitives/index.ts": "export const a = 1;",
  "packages/lightning/src/util/units.ts": "export const u = 1;",
  "packages/lightning/src/codec/reader.ts": 'import { u } from "../util/units.ts";\nexport const r = u;',
  "packages/testkit/src/index.ts": "export const t = 1;",
};

type Check = (root: string) => readonly Problem[];

function complaints(
  context: TestContext,
  check: Check,
  files: Readonly<Record<string, string>>,
): readonly string[] {
  return check(treeOf(context, { ...manifests, ...files })).map(
    ({ file, line, message }) => `${file}:${line ?? ""} ${message}`,
  );
}

describe("floors", () => {
  const find = (context: TestContext, files: Readonly<Record<string, string>>): readonly string[] =>
    complaints(context, floors, files);
  const lightning = "packages/lightning/src";

  it("accepts downward imports, and anything in tests", (context) => {
    const files = {
      "packages/lightning/src/wire/init.ts":
        'import { a } from "@fulmen/bitcoin/primitives";\nimport { base } from "@scure/base";\nimport type { r } from "../codec/reader.ts";\nimport { x } from "./x.ts";',
      "packages/lightning/src/wire/x.ts": "export const x = 1;",
      "packages/lightning/test/wire/init.test.ts":
        'import { t } from "@fulmen/testkit";\nimport { u } from "#src/util/units";\nimport fc from "fast-check";',
    };
    assert.deepEqual(find(context, files), []);
  });

  it("an upward import of a type", (context) => {
    const found = find(context, {
      [`${lightning}/codec/low.ts`]: '\nimport type { T } from "../wire/high.ts";',
      [`${lightning}/wire/high.ts`]: "export type T = 1;",
    });
    assert.deepEqual(found, [`${lightning}/codec/low.ts:2 codec (F1) imports upwards from wire (F2)`]);
  });

  it("an upward re-export", (context) => {
    const found = find(context, {
      [`${lightning}/codec/low.ts`]: 'export * from "../wire/high.ts";\nexport { T } from "../wire/high.ts";',
      [`${lightning}/wire/high.ts`]: "export type T = 1;",
    });
    assert.deepEqual(
      found.map((one) => one.slice(one.indexOf(" ") + 1)),
      ["codec (F1) imports upwards from wire (F2)", "codec (F1) imports upwards from wire (F2)"],
    );
  });

  it("an import between folders of one floor", (context) => {
    const found = find(context, {
      [`${lightning}/noise/a.ts`]: 'import { w } from "../wire/w.ts";',
      [`${lightning}/wire/w.ts`]: "export const w = 1;",
    });
    assert.deepEqual(found, [
      `${lightning}/noise/a.ts:1 noise and wire are on one floor (F2) and do not import each other`,
    ]);
  });

  it("a folder without a floor and a package that nobody placed", (context) => {
    const found = find(context, {
      [`${lightning}/stuff/a.ts`]: "export const a = 1;",
      "packages/surprise/package.json": manifest("surprise"),
    });
    assert.deepEqual(found, [
      "packages/surprise/package.json: say in scripts/checks/floors.ts what it may build on",
      `${lightning}/stuff/a.ts: give the folder stuff a floor in scripts/checks/floors.ts`,
    ]);
  });

  it("a package that builds on one above or beside it", (context) => {
    const found = find(context, {
      "packages/bitcoin/src/a.ts": 'import { u } from "@fulmen/lightning/util";',
      "packages/lightning/src/util/index.ts": "export const u = 1;",
      "packages/net/src/a.ts": 'import { t } from "@fulmen/testkit";',
    });
    assert.deepEqual(found, [
      "packages/bitcoin/src/a.ts:1 @fulmen/bitcoin may not build on @fulmen/lightning",
      "packages/net/src/a.ts:1 @fulmen/net may not build on @fulmen/testkit",
    ]);
  });

  it("packages that the package.json does not list", (context) => {
    const found = find(context, {
      "packages/net/src/a.ts":
        'import { a } from "@fulmen/bitcoin/primitives";\nimport "ws";\nimport "node:net";',
    });
    assert.deepEqual(found, [
      "packages/net/src/a.ts:1 imports @fulmen/bitcoin, which the package.json of @fulmen/net does not list",
      'packages/net/src/a.ts:2 imports "ws", which the package.json of @fulmen/net does not list',
    ]);
  });

  it("wrong ways to name a file", (context) => {
    const found = find(context, {
      "packages/net/src/a.ts":
        'import "../../lightning/src/util/units.ts";\nimport "./gone.ts";\nimport "../test/b.ts";',
      "packages/net/src/b.ts": 'import "#src/a";',
      "packages/net/test/b.ts": "",
    });
    assert.deepEqual(found, [
      'packages/net/src/a.ts:1 imports "../../lightning/src/util/units.ts": name another package by its name',
      'packages/net/src/a.ts:2 imports "./gone.ts", which is not there',
      'packages/net/src/a.ts:3 imports "../test/b.ts", which is not part of any package\'s src',
      'packages/net/src/b.ts:1 imports "#src/a": name a file of its own package by its relative path',
    ]);
  });

  it("a cycle of folders in any package", (context) => {
    const found = find(context, {
      "packages/net/src/one/a.ts": 'import "../two/b.ts";',
      "packages/net/src/two/b.ts": 'import "../three/c.ts";',
      "packages/net/src/three/c.ts": '\nimport "../one/d.ts";',
      "packages/net/src/one/d.ts": "",
    });
    const folder = (name: string): string => `packages/net/src/${name}`;
    const path = [folder("one"), folder("two"), folder("three"), folder("one")].join(" -> ");
    assert.deepEqual(found, [`${folder("three")}/c.ts:2 imports "../one/d.ts": a cycle of ${path}`]);
  });
});

describe("banned names", () => {
  const find = (context: TestContext, text: string): readonly string[] =>
    complaints(context, bannedNames, { "packages/bitcoin/src/a.ts": text });

  const cases: readonly (readonly [string, string])[] = [
    ["const a = Date.now();", "the core does not use Date"],
    ["const a = Math.random();", "the core does not use Math.random"],
    ["const a: Buffer = b;", "the core does not use Buffer"],
    ["const a = b ? Buffer : c;", "the core does not use Buffer"],
    ["setTimeout(f, 1);", "the core does not use setTimeout"],
    ["queueMicrotask(f);", "the core does not use queueMicrotask"],
    ["console.log(1);", "the core does not use console"],
    ["const a = process.env;", "the core does not use process"],
    ["const a = `${globalThis.a}`;", "the core does not use globalThis"],
    ["const a = new TextEncoder();", "the core does not use TextEncoder"],
    ["performance.now();", "the core does not use performance"],
    ['import { b } from "node:fs";', 'the core does not import "node:fs"'],
  ];
  for (const [text, message] of cases) {
    it(text, (context) => assert.deepEqual(find(context, text), [`packages/bitcoin/src/a.ts:1 ${message}`]));
  }

  const harmless = [
    "// Date, Buffer",
    'const a = "Math.random()";',
    "const a = message.process(b).performance;",
    "interface A { process(b: number): void; readonly performance: number; console?: string }",
    "const process = 1; export const b = process + 1;",
    'import { Date } from "./b.ts"; const a: Date = b;',
    "const a = Math.max(1, 2);",
  ];
  for (const text of harmless)
    it(`nothing against: ${text}`, (context) => assert.deepEqual(find(context, text), []));

  it("leaves packages with IO alone", (context) => {
    assert.deepEqual(
      complaints(context, bannedNames, { "packages/net/src/a.ts": "setTimeout(Date.now, 1);" }),
      [],
    );
  });

  it("file names that say nothing", (context) => {
    const found = complaints(context, bannedNames, {
      "packages/net/src/utils.ts": "",
      "packages/net/test/helpers.test.ts": "",
      "packages/lightning/src/util/index.ts": "",
    });
    assert.deepEqual(found, [
      'packages/net/src/utils.ts: "utils" does not say what the file holds',
      'packages/net/test/helpers.test.ts: "helpers" does not say what the file holds',
    ]);
  });
});

describe("unused exports", () => {
  const find = (context: TestContext, files: Readonly<Record<string, string>>): readonly string[] =>
    complaints(context, unusedExports, files).filter((one) => !one.startsWith("packages/lightning/"));

  it("what nobody imports", (context) => {
    const found = find(context, {
      "packages/net/src/a.ts": "export const used = 1;\nexport const unused = 2;\nexport interface Unused {}",
      "packages/net/src/b.ts": 'import { used } from "./a.ts";',
    });
    assert.deepEqual(found, [
      "packages/net/src/a.ts:2 nobody imports unused",
      "packages/net/src/a.ts:3 nobody imports Unused",
    ]);
  });

  it("follows re-exports, renamings and stars from the public entries", (context) => {
    const found = find(context, {
      "packages/net/src/index.ts":
        'export { a as b } from "./a.ts";\nexport * from "./star.ts";\nexport * as ns from "./ns.ts";',
      "packages/net/src/tcp/index.ts": 'export { t } from "./t.ts";',
      "packages/net/src/tcp/t.ts": "export const t = 1;",
      "packages/net/src/a.ts": "const a = 1;\nexport { a };\nexport const c = 1;",
      "packages/net/src/star.ts": 'export * from "./deep.ts";',
      "packages/net/src/deep.ts": "export const d = 1;",
      "packages/net/src/ns.ts": "export const n = 1;",
    });
    assert.deepEqual(found, ["packages/net/src/a.ts:3 nobody imports c"]);
  });

  it("a use by a test, by a script or by another package counts", (context) => {
    const found = find(context, {
      "packages/net/src/a.ts": "export const a = 1;\nexport const b = 2;\nexport const c = 3;",
      "packages/net/test/a.test.ts": 'import { a } from "#src/a";',
      "packages/net/test/b.test.ts": 'const { b } = await import("../src/a.ts");',
    });
    assert.deepEqual(found, []);
  });

  it("a type that a used export of its file names", (context) => {
    const found = find(context, {
      "packages/net/src/index.ts": 'export { open } from "./open.ts";',
      "packages/net/src/open.ts":
        "export interface Deep { x: 1 }\nexport interface Options { deep: Deep }\nexport interface Other {}\nexport function open(o: Options): void {}",
    });
    assert.deepEqual(found, ["packages/net/src/open.ts:3 nobody imports Other"]);
  });

  it("a re-export and a star in a private package that nobody takes from", (context) => {
    const found = find(context, {
      "packages/playground/package.json": JSON.stringify({ name: "@fulmen/playground", private: true }),
      "packages/playground/src/index.ts": 'export { a } from "./a.ts";\nexport * from "./b.ts";',
      "packages/playground/src/a.ts": "export const a = 1;",
      "packages/playground/src/b.ts": "export const b = 1;",
      "packages/playground/src/main.ts": 'import { b } from "./b.ts";\nimport { a } from "./a.ts";',
    });
    assert.deepEqual(found, [
      "packages/playground/src/index.ts:1 nobody imports a",
      'packages/playground/src/index.ts:2 nobody imports what "./b.ts" gives',
    ]);
  });
});
