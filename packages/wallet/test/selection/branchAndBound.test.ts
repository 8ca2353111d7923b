import assert from "node:assert/strict";
import { test } from "node:test";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { sat } from "@fulmen/lightning/util";
import { branchAndBound } from "#src/selection/branchAndBound";
import type { Candidate, SelectableCoin } from "#src/selection/candidate";

function pool(values: readonly number[], waste = 0): readonly Candidate<SelectableCoin>[] {
  const sorted = [...values].sort((a, b) => b - a);
  return sorted.map((effective, index) => ({
    coin: {
      outPoint: { txid: "aa".repeat(32) as Txid, index },
      output: { value: sat(effective), script: new Uint8Array(0) },
      satisfactionWeight: 0,
    },
    weight: 100,
    effective,
    waste,
  }));
}

const valuesOf = (found: readonly Candidate<SelectableCoin>[] | undefined) =>
  found?.map(({ effective }) => effective);

test("finds what lies in the window, and nothing outside of it", () => {
  const coins = pool([1, 2, 4, 8, 16, 32].map((value) => value * 100));
  const maxWeight = 10_000;
  assert.deepEqual(
    valuesOf(branchAndBound(coins, { target: 4_100, window: 0, maxWeight })),
    [3200, 800, 100],
  );
  assert.equal(branchAndBound(coins, { target: 4_101, window: 98, maxWeight }), undefined);
  assert.deepEqual(
    valuesOf(branchAndBound(coins, { target: 4_101, window: 99, maxWeight })),
    [3200, 800, 200],
  );
  assert.equal(branchAndBound(coins, { target: 6_301, window: 1_000, maxWeight }), undefined);
});

test("has no more coins than there is room for", () => {
  const coins = pool([500, 300, 200, 100, 100]);
  const goal = { target: 600, window: 0 };
  assert.equal(valuesOf(branchAndBound(coins, { ...goal, maxWeight: 200 }))?.length, 2);
  assert.equal(branchAndBound(pool([300, 200, 100]), { ...goal, maxWeight: 200 }), undefined);
});

test("takes fewer coins when spending is dear, more when it is cheap, and less excess in between", () => {
  const values = [600, 300, 200, 100];
  const goal = { target: 600, window: 10, maxWeight: 10_000 };
  assert.deepEqual(valuesOf(branchAndBound(pool(values, 5), goal)), [600]);
  assert.deepEqual(valuesOf(branchAndBound(pool(values, -5), goal)), [300, 200, 100]);
  assert.deepEqual(valuesOf(branchAndBound(pool([605, 300, 300], 1), goal)), [300, 300]);
});

test("many coins of one value take no time", () => {
  const coins = pool(Array.from({ length: 2_000 }, () => 100));
  const found = branchAndBound(coins, { target: 100_000, window: 0, maxWeight: 1_000_000 });
  assert.equal(found?.length, 1_000);
});
