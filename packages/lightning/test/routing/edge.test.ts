import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { feeFor } from "#src/routing/edge";
import { PriorityQueue } from "#src/routing/priorityQueue";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe("feeFor", () => {
  test("is exact for every amount and rate", () => {
    const amounts = fc.oneof(fc.maxSafeNat(), fc.nat(2_000_000_000));
    fc.assert(
      fc.property(amounts, u32, u32, (amount, base, rate) => {
        const exact = BigInt(base) + (BigInt(amount) * BigInt(rate)) / 1_000_000n;
        const fee = feeFor(amount, base, rate);
        if (exact > BigInt(Number.MAX_SAFE_INTEGER)) assert.equal(fee, Number.POSITIVE_INFINITY);
        else assert.equal(BigInt(fee), exact);
      }),
      { seed: 11, numRuns: 2000, examples: [[999_999, 0, 0xffff_ffff]] },
    );
  });
});

describe("PriorityQueue", () => {
  test("gives values in order, whatever the order and moment they come", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant(undefined)), { maxLength: 200 }), (steps) => {
        const queue = new PriorityQueue<number>((x, y) => x < y);
        const model: number[] = [];
        for (const step of steps) {
          if (step === undefined) assert.equal(queue.pop(), model.shift());
          else {
            queue.push(step);
            model.push(step);
            model.sort((x, y) => x - y);
          }
        }
        for (const value of model) assert.equal(queue.pop(), value);
        assert.equal(queue.pop(), undefined);
      }),
      { seed: 12, numRuns: 200 },
    );
  });
});
