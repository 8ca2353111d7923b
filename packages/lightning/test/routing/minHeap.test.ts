import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MinHeap } from "#src/routing/minHeap";
import { feeFor } from "#src/routing/part";

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

describe("MinHeap", () => {
  test("gives values in order of their keys, whatever the order and moment they come", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant(undefined)), { maxLength: 200 }), (steps) => {
        const heap = new MinHeap();
        const model: number[] = [];
        const leave = () => {
          assert.equal(heap.leastKey, (model[0] ?? Number.POSITIVE_INFINITY) / 7);
          if (model.length > 0) assert.equal(heap.pop(), model.shift());
        };
        for (const step of steps) {
          if (step === undefined) leave();
          else {
            heap.push(step / 7, step);
            model.push(step);
            model.sort((x, y) => x - y);
          }
          assert.equal(heap.size, model.length);
        }
        while (model.length > 0) leave();
        assert.equal(heap.size, 0);
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  test("grows, and is empty once cleared", () => {
    const heap = new MinHeap();
    for (let i = 0; i < 5000; i++) heap.push((i * 7919) % 5000, i);
    for (let i = 0; i < 5000; i++) assert.equal((heap.pop() * 7919) % 5000, i);
    heap.push(1, 1);
    heap.clear();
    assert.equal(heap.leastKey, Number.POSITIVE_INFINITY);
  });
});
