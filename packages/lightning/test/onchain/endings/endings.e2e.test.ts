// timeout: 600 s
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { coverage, pairwiseRows } from "./coveringRows.ts";
import { endingFactors, runEnding } from "./ending.ts";

installNodeCrypto();

const rows = pairwiseRows(endingFactors, 1);

describe("the end of a channel on chain", () => {
  for (const [i, row] of rows.entries()) {
    it(`${i}: ${Object.values(row).join(", ")}`, () => {
      runEnding(row);
    });
  }

  it("any two factors together", (t) => {
    const { product, distinct, pairs, allPairs } = coverage(endingFactors, rows);
    t.diagnostic(`${distinct} of ${product} endings; ${pairs} of ${allPairs} pairs`);
    assert.equal(pairs, allPairs);
  });
});
