import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromHex } from "@fulmen/bitcoin/primitives";
import { type HistoryItem, scriptHashOf, statusOf } from "@fulmen/testkit/electrum";

interface Fixture {
  readonly statuses: readonly {
    readonly history: readonly HistoryItem[];
    readonly status: string | null;
  }[];
  readonly scriptHashes: readonly { readonly script: string; readonly scriptHash: string }[];
}

const fixture = JSON.parse(
  readFileSync(new URL("../../../../fixtures/electrum/statuses.json", import.meta.url), "utf8"),
) as Fixture;

test("a history has the status that Electrum gives it", () => {
  assert.equal(fixture.statuses.length, 6);
  for (const { history, status } of fixture.statuses) assert.equal(statusOf(history), status);
});

test("a script has the name that Electrum gives it", () => {
  assert.equal(fixture.scriptHashes.length, 4);
  for (const { script, scriptHash } of fixture.scriptHashes)
    assert.equal(scriptHashOf(fromHex(script)), scriptHash);
});
