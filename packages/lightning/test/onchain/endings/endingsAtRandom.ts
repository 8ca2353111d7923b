import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { coverage, sampledRows } from "./coveringRows.ts";
import { endingFactors, runEnding } from "./ending.ts";

/** Tests of `count` endings, drawn from all of them. */
export function endingsAtRandom(count: number, seed: number): void {
  describe(`the end of a channel on chain, drawn with seed ${seed}`, () => {
    const rows = sampledRows(endingFactors, count, seed);
    for (const [i, row] of rows.entries()) {
      it(`${i}: ${Object.values(row).join(", ")}`, () => {
        runEnding(row);
      });
    }

    it("so many of all", (t) => {
      const { product, distinct, pairs, allPairs } = coverage(endingFactors, rows);
      t.diagnostic(`${distinct} of ${product} endings; ${pairs} of ${allPairs} pairs`);
      assert.ok(distinct > 0.9 * count, "the same again and again");
    });
  });
}
