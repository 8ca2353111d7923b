import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { batchCount, countCalls, cutEverywhere, failing, readWithoutSync } from "./crashRuns.ts";

// A part of what crashes.full.test.ts runs through.

describe("the store in files after a power cut", () => {
  it("has what was acknowledged, and whole batches only", async () => {
    const { cuts, found, snapshots } = await cutEverywhere(100);
    assert.ok(cuts > 200, `${cuts} cuts`);
    assert.ok(found > batchCount / 2, `${found} different numbers of batches`);
    assert.ok(snapshots >= 2, `${snapshots} snapshots`);
  });
});

describe("a start of the store in files", () => {
  it("relies on nothing that is not on the disk", readWithoutSync);
});

describe("the store in files on a disk that fails", () => {
  for (const [code, length] of [
    ["ENOSPC", 1],
    ["EIO", 12],
  ] as const) {
    it(`${code} for ${length} calls: rejects, stays readable, and goes on`, async () => {
      const calls = await countCalls();
      let rejected = 0;
      for (let first = length % 7; first < calls; first += 29)
        rejected += await failing({ code, first, length });
      assert.ok(rejected > calls / 200, `${rejected} commits were rejected`);
    });
  }
});
