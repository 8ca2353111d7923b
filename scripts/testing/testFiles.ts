import { globSync } from "node:fs";

/** How a test file is run, by the end of its name. */
export type TestKind = "unit" | "e2e" | "full" | "long" | "bitcoind";

/** A test file; the path is relative to the root, with `/`. */
export interface TestFile {
  readonly path: string;
  readonly kind: TestKind;
}

const kindBySuffix: Readonly<Record<string, TestKind>> = {
  e2e: "e2e",
  full: "full",
  long: "long",
  bitcoind: "bitcoind",
};

/** The kind that `path` names: `x.e2e.test.ts` is an `e2e` test, `x.test.ts` a unit test. */
export function kindOf(path: string): TestKind {
  const suffix = /\.([^./]+)\.test\.ts$/.exec(path)?.[1];
  return suffix === undefined ? "unit" : (kindBySuffix[suffix] ?? "unit");
}

/** All test files under `root` whose path contains one of `filters` (all of them when there is none), in order. */
export function findTestFiles(root: string, filters: readonly string[]): readonly TestFile[] {
  return globSync("{packages/*/test,bench/test,fuzz/test,examples/*/test,scripts/test}/**/*.test.ts", {
    cwd: root,
  })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort()
    .map((path) => ({ path, kind: kindOf(path) }));
}
