import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

/** Writes `files` (path -> text) to a directory of its own, which is removed after the test, and gives its path. */
export function treeOf(context: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "fulmen-scripts-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** The `package.json` of a library of the workspace, with the two kinds of entries that the packages have. */
export function manifest(shortName: string, dependencies: readonly string[] = []): string {
  return JSON.stringify({
    name: `@fulmen/${shortName}`,
    exports: {
      ".": { "@fulmen/source": "./src/index.ts" },
      "./*": { "@fulmen/source": "./src/*/index.ts" },
    },
    dependencies: Object.fromEntries(dependencies.map((name) => [name, "1.0.0"])),
  });
}
