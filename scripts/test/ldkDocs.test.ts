import assert from "node:assert/strict";
import { it } from "node:test";
import { outdatedLdkDocs } from "../checks/ldkDocs.ts";
import { counterpartsIn, counterpartTable } from "../source/ldkCounterparts.ts";
import { workspaceRoot } from "../source/workspace.ts";

it("docs/from-ldk.md is up to date", () => {
  assert.deepEqual(outdatedLdkDocs(workspaceRoot), []);
});

it("a docstring's counterpart is of what follows it, with the class around it", () => {
  const text = `
/** No word of it. */
const other = 1;

/**
 * Says much.
 *
 * @ldk lightning::a::Thing, Other::name
 */
export class Thing {
  readonly #inner = 1;

  /** Does. @ldk lightning::a::Thing::do_it */
  // A comment between.
  async doIt(): Promise<void> {}
}

/** Yields. @ldk lightning::a::walk */
export function* walk(): Generator<number> {}
`;
  const found = counterpartsIn({ path: "packages/x/src/thing.ts", text });
  assert.deepEqual(
    found.map(({ ldk, ours, line }) => [ldk, ours, line]),
    [
      ["lightning::a::Thing", "Thing", 10],
      ["Other::name", "Thing", 10],
      ["lightning::a::Thing::do_it", "Thing.doIt", 15],
      ["lightning::a::walk", "walk", 19],
    ],
  );
});

it("the table is in the order of LDK's names, and says from where a thing is imported", () => {
  const path = "packages/x/src/thing.ts";
  const table = counterpartTable([
    { ldk: "lightning::z::Beta::new", ours: "newBeta", path, line: 1 },
    { ldk: "Alpha", ours: "Alpha", path, line: 2, entry: "@fulmen/x" },
  ]);
  assert.deepEqual(table.split("\n").slice(2), [
    "| `Alpha` | [`Alpha`](../packages/x/src/thing.ts) | `@fulmen/x` |",
    "| `lightning::z::Beta::new` | [`newBeta`](../packages/x/src/thing.ts) |  |",
    "",
  ]);
});
