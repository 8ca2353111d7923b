// timeout: 120 s
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openFileStore } from "@fulmen/persist/files";
import { kvStoreConformance } from "@fulmen/testkit/conformance";
import { countCalls, cutEverywhere, failing } from "./crashRuns.ts";

describe("the store in files after a power cut anywhere", () => {
  it("has what was acknowledged, and whole batches only, whatever byte was the last", async (t) => {
    const { cuts, found, snapshots } = await cutEverywhere(1);
    t.diagnostic(`${cuts} cuts; ${found} different numbers of batches; ${snapshots} snapshots`);
    assert.ok(cuts > 2_000, `${cuts} cuts`);
  });
});

describe("the store in files on a disk that fails at any call", () => {
  for (const [code, length] of [
    ["ENOSPC", 1],
    ["EIO", 1],
    ["EIO", 3],
    ["ENOSPC", 12],
  ] as const) {
    it(`${code} for ${length} calls: rejects, stays readable, and goes on`, async (t) => {
      const calls = await countCalls();
      let rejected = 0;
      for (let first = 0; first < calls; first++) rejected += await failing({ code, first, length });
      t.diagnostic(`${rejected} commits were rejected over ${calls} runs`);
      assert.ok(rejected > calls / 6, `${rejected} commits were rejected`);
    });
  }
});

describe("the store in files as it is opened without options", () => {
  kvStoreConformance({ describe, it }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "fulmen-persist-"));
    return { open: () => openFileStore(folder), remove: () => rm(folder, { recursive: true }) };
  });
});
