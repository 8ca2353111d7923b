// needs: chromium
// timeout: 180 s
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { browserBundle } from "#src/chromium/browserBundle";
import { openPage } from "#src/chromium/chromium";

const timeoutSeconds = 60;
/** Any that is free: what a page stores is for one port. */
const port = 20_000 + (process.pid % 20_000);

describe("the store in IndexedDB in Chromium", () => {
  it("does all that a store must", async (t) => {
    const program = await browserBundle("bench/src/chromium/indexedDbPage.ts");
    assert.doesNotMatch(program, /["'`]node:/);
    const { passed, failures, seconds } = JSON.parse(await openPage({ program }, timeoutSeconds)) as {
      readonly passed: number;
      readonly failures: readonly string[];
      readonly seconds: number;
    };
    t.diagnostic(`${passed} tests in ${seconds.toFixed(1)} s`);
    assert.deepEqual(failures, []);
    assert.ok(passed >= 25, `${passed} tests`);
  });

  it("has whole batches, and what was acknowledged, after the browser is killed while it commits", async (t) => {
    const profile = mkdtempSync(join(tmpdir(), "fulmen-chromium-"));
    t.after(() => rmSync(profile, { recursive: true, force: true, maxRetries: 10 }));
    const program = await browserBundle("bench/src/chromium/indexedDbCommitsPage.ts");
    let known = 0;
    for (let round = 0; round < 4; round++) {
      const { found, acknowledged } = JSON.parse(
        await openPage({ program, port }, timeoutSeconds, profile),
      ) as {
        readonly found: readonly number[];
        readonly acknowledged: number;
      };
      assert.equal(new Set(found).size, round === 0 ? 0 : 1, `parts of several batches: ${found.join(" ")}`);
      assert.ok((found[0] ?? 0) >= known, `${known} was acknowledged, ${found[0]} is there`);
      t.diagnostic(`${known} acknowledged, ${found[0] ?? 0} found`);
      known = acknowledged;
    }
  });
});
