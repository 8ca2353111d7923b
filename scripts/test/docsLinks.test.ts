import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { workspaceRoot } from "../source/workspace.ts";

const pages = globSync(
  ["*.md", "docs/**/*.md", "packages/*/*.md", "packages/*/src/**/*.md", "examples/**/*.md"],
  { cwd: workspaceRoot },
);

test("links between pages, to files and to headings lead somewhere", () => {
  const broken: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const [, path = "", heading] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)) {
      count++;
      const target = path === "" ? page : join(dirname(page), path);
      const leads =
        existsSync(join(workspaceRoot, target)) &&
        (heading === undefined || !target.endsWith(".md") || headingsOf(target).includes(heading));
      if (!leads) broken.push(`${page}: ${path}${heading === undefined ? "" : `#${heading}`}`);
    }
  }
  assert.ok(count > 200, `only ${count} links were found`);
  assert.deepEqual(broken, []);
});

test("the README names npm scripts that there are", () => {
  const { scripts } = JSON.parse(read("package.json")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = [...read("README.md").matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)];
  assert.ok(named.length > 8);
  const missing = named
    .map(([, script, short]) => script ?? short ?? "")
    .filter((name) => !Object.hasOwn(scripts, name));
  assert.deepEqual(missing, []);
});

function read(page: string): string {
  return readFileSync(join(workspaceRoot, page), "utf8");
}

/** As a link names them: lower case, hyphens for spaces, and nothing but letters, digits, `_` and `-`. */
function headingsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}
