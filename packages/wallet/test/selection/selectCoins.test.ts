import assert from "node:assert/strict";
import { test } from "node:test";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { dustLimit, p2tr, p2wpkh } from "@fulmen/bitcoin/script";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import { feeratePerKw, sat, sum } from "@fulmen/lightning/util";
import {
  Dice,
  feeAtLeast,
  inputWeight,
  type SelectableCoin,
  type SelectionProblem,
  satisfactionWeight,
  selectCoins,
  transactionWeight,
} from "@fulmen/wallet/selection";
import fc from "fast-check";

type Kind = "wpkh" | "tr";

function scriptOf(kind: Kind, byte = 1): Uint8Array {
  return kind === "wpkh" ? p2wpkh(new Uint8Array(20).fill(byte)) : p2tr(new Uint8Array(32).fill(byte));
}

function coin(value: number | bigint, index: number, kind: Kind = "wpkh"): SelectableCoin {
  return {
    outPoint: { txid: "aa".repeat(32) as Txid, index },
    output: { value: sat(value), script: scriptOf(kind) },
    satisfactionWeight: satisfactionWeight(kind),
  };
}

const problemWith = (
  coins: readonly SelectableCoin[],
  outputs: readonly TxOut[],
  more: Partial<SelectionProblem<SelectableCoin>> = {},
): SelectionProblem<SelectableCoin> => ({
  required: [],
  coins,
  outputs,
  feerate: feeratePerKw(2500),
  longTermFeerate: feeratePerKw(2500),
  change: { script: scriptOf("wpkh", 9), satisfactionWeight: satisfactionWeight("wpkh") },
  maxWeight: 400_000,
  ...more,
});

const pay = (value: number | bigint): TxOut => ({ value: sat(value), script: scriptOf("tr", 7) });
const dice = (seed = 1) => new Dice(new Uint8Array(32).fill(seed));
const totalOf = (inputs: readonly Pick<SelectableCoin, "output">[]) =>
  sum(inputs.map(({ output }) => output.value));

const anyKind = fc.constantFrom<Kind>("wpkh", "tr");
const anyValue = fc.oneof(
  { weight: 1, arbitrary: fc.bigInt(1n, 2_000n) },
  { weight: 4, arbitrary: fc.bigInt(2_000n, 3_000_000n) },
  { weight: 1, arbitrary: fc.bigInt(3_000_000n, 10_000_000_000n) },
);
const anyProblem = fc
  .record({
    coins: fc.array(fc.tuple(anyValue, anyKind), { maxLength: 40 }),
    required: fc.array(fc.tuple(anyValue, anyKind), { maxLength: 2 }),
    outputs: fc.array(fc.bigInt(330n, 4_000_000n), { maxLength: 3 }),
    feerate: fc.bigInt(250n, 60_000n),
    longTerm: fc.bigInt(250n, 10_000n),
    minimumFee: fc.option(fc.bigInt(0n, 200_000n), { nil: undefined }),
    parent: fc.option(
      fc.record({ weight: fc.integer({ min: 400, max: 40_000 }), fee: fc.bigInt(0n, 100_000n) }),
      {
        nil: undefined,
      },
    ),
    maxWeight: fc.constantFrom(400_000, 4_000, 1_500),
    change: anyKind,
  })
  .map(({ coins, required, outputs, feerate, longTerm, minimumFee, parent, maxWeight, change }) =>
    problemWith(
      coins.map(([value, kind], index) => coin(value, index, kind)),
      outputs.map(pay),
      {
        required: required.map(([value, kind], index) => coin(value, 1000 + index, kind)),
        feerate: feeratePerKw(feerate),
        longTermFeerate: feeratePerKw(longTerm),
        maxWeight,
        change: { script: scriptOf(change, 9), satisfactionWeight: satisfactionWeight(change) },
        ...(minimumFee === undefined ? {} : { minimumFee: sat(minimumFee) }),
        ...(parent === undefined ? {} : { parent: { weight: parent.weight, fee: sat(parent.fee) } }),
      },
    ),
  );

/** The least fee of a transaction of this weight, computed apart from the code under test. */
function leastFee(problem: SelectionProblem<SelectableCoin>, weight: number): bigint {
  const at = (units: number) => {
    const vbytes = BigInt(units % 4 === 0 ? units / 4 : (units - (units % 4)) / 4 + 1);
    const thousandths = problem.feerate * 4n * vbytes;
    return thousandths / 1000n + (thousandths % 1000n === 0n ? 0n : 1n);
  };
  const { parent } = problem;
  const deficit = parent === undefined ? 0n : at(parent.weight) - parent.fee;
  const own = at(weight) + (deficit > 0n ? deficit : 0n);
  return own > (problem.minimumFee ?? 0n) ? own : (problem.minimumFee ?? 0n);
}

test("any selection pays its fee, keeps every satoshi, makes no dust and has room", () => {
  let finished = 0;
  fc.assert(
    fc.property(anyProblem, (problem) => {
      const result = selectCoins(problem, dice());
      const { required, outputs, feerate, change: changeTo } = problem;
      const worthwhile = problem.coins.filter(
        ({ output, satisfactionWeight: weight }) =>
          output.value > (feerate * BigInt(inputWeight(weight)) + 999n) / 1000n,
      );
      if (!result.ok) {
        if (result.error.kind === "too-heavy") {
          assert.ok(result.error.weight > problem.maxWeight);
          return;
        }
        const everything = [...required, ...worthwhile];
        assert.equal(result.error.available, totalOf(everything));
        assert.ok(result.error.needed > result.error.available);
        if (outputs.length > 0) {
          const fee = leastFee(problem, transactionWeight(everything, outputs));
          assert.equal(result.error.needed, sum(outputs.map(({ value }) => value)) + fee);
        }
        return;
      }
      finished++;
      const { coins, change, fee, weight } = result.value;
      const made = change === undefined ? outputs : [...outputs, { value: change, script: changeTo.script }];
      const inputs = [...required, ...coins];
      assert.equal(weight, transactionWeight(inputs, made));
      assert.ok(weight <= problem.maxWeight);
      assert.equal(totalOf(inputs), sum(made.map(({ value }) => value)) + fee);
      assert.ok(fee >= leastFee(problem, weight));
      if (change !== undefined) {
        assert.ok(change >= dustLimit(changeTo.script));
        assert.equal(fee, leastFee(problem, weight));
      }
      assert.ok(made.length > 0);
      assert.equal(new Set(coins).size, coins.length);
      for (const each of coins) assert.ok(worthwhile.includes(each));
      if (change === undefined) {
        // What is lost to the fee could not have paid for change.
        const excess = fee - leastFee(problem, weight);
        const changeFee = feeAtLeast(feerate, 4 * 43 + 4);
        const spending = feeAtLeast(problem.longTermFeerate, inputWeight(changeTo.satisfactionWeight));
        assert.ok(excess <= changeFee + (spending > 330n ? spending : 330n) + 2n);
      }
    }),
    { seed: 1, numRuns: 400 },
  );
  assert.ok(finished > 100, `only ${finished} of 400 problems had a solution`);
});

test("the same dice, the same coins", () => {
  fc.assert(
    fc.property(anyProblem, (problem) => {
      assert.deepEqual(selectCoins(problem, dice(3)), selectCoins(problem, dice(3)));
    }),
    { seed: 2, numRuns: 50 },
  );
});

test("coins that pay without change are found whenever there are such", () => {
  let changeless = 0;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 9 }),
      fc.nat(),
      (values, mask) => {
        const coins = values.map((value, index) => coin(value * 10_000, index));
        const wanted = coins.filter((_, index) => (mask >> index) & 1);
        if (wanted.length === 0) return;
        const fee = leastFee(problemWith(coins, [pay(1000)]), transactionWeight(wanted, [pay(1000)]));
        // The search rounds the fee of each part up.
        const rounding = BigInt(wanted.length) + 10n;
        const exact = problemWith(coins, [pay(totalOf(wanted) - fee - rounding)]);
        const result = selectCoins(exact, dice());
        assert.ok(result.ok);
        assert.equal(result.value.change, undefined);
        changeless++;
      },
    ),
    { seed: 3, numRuns: 100 },
  );
  assert.ok(changeless > 50);
});

test("little change is preferred to much: the fewest coins when fees are high", () => {
  const coins = [1_000_000, 400_000, 300_000, 200_000, 100_000, 60_000].map((value, index) =>
    coin(value, index),
  );
  const high = selectCoins(problemWith(coins, [pay(330_000)], { feerate: feeratePerKw(50_000) }), dice());
  assert.deepEqual(high.ok && high.value.coins.length, 1);
});

test("a coin worth less than its fee is left alone, even when the rest does not suffice", () => {
  const fee = feeAtLeast(feeratePerKw(2500), transactionWeight([coin(10_000, 0)], [pay(9_500)]));
  const result = selectCoins(problemWith([coin(10_000, 0), coin(600, 1)], [pay(9_500)]), dice());
  assert.deepEqual(result, {
    ok: false,
    error: {
      kind: "insufficient-funds",
      needed: sat(9_500n + fee),
      available: 10_000n,
    },
  });
});

test("a transaction that pays nobody has change, and a required input may pay for it all", () => {
  const lone = problemWith([], [], { required: [coin(100_000, 0)] });
  const result = selectCoins(lone, dice());
  assert.ok(result.ok && result.value.change !== undefined);
  assert.deepEqual(result.value.coins, []);
  const poor = selectCoins(problemWith([], [], { required: [coin(1_500, 0)] }), dice());
  assert.equal(poor.ok || poor.error.kind, "insufficient-funds");
});

test("too heavy is told with the weight, and the heaviest that is allowed fits", () => {
  const coins = Array.from({ length: 12 }, (_, index) => coin(10_000, index));
  const problem = problemWith(coins, [pay(75_000)]);
  const free = selectCoins(problem, dice());
  assert.ok(free.ok);
  assert.equal(selectCoins({ ...problem, maxWeight: free.value.weight }, dice()).ok, true);
  const tight = selectCoins({ ...problem, maxWeight: 1_000 }, dice());
  assert.ok(!tight.ok && tight.error.kind === "too-heavy");
  assert.ok(tight.error.weight > 1_000 && tight.error.most === 1_000);
});

test("300 inputs: the longer count is paid for", () => {
  const coins = Array.from({ length: 300 }, (_, index) => coin(20_000, index));
  const value = 300n * 20_000n;
  const weight = transactionWeight(coins, [pay(1000)]);
  const fee = feeAtLeast(feeratePerKw(2500), weight);
  const exact = selectCoins(problemWith(coins, [pay(value - fee)]), dice());
  assert.ok(exact.ok);
  assert.equal(exact.value.coins.length, 300);
  assert.equal(exact.value.weight, weight);
  assert.equal(selectCoins(problemWith(coins, [pay(value - fee + 1n)]), dice()).ok, false);
});
