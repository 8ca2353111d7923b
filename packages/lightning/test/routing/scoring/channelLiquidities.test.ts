import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChannelLiquidities } from "@fulmen/lightning/routing";
import fc from "fast-check";

/** Ids that meet in few places of a small table, and some that do not. */
const id = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 300 }));

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("add"), id, value: fc.integer({ min: 1, max: 1_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("retain"), modulus: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("oldest"), kept: fc.integer({ min: 0, max: 20 }) }) },
);

describe("channel liquidities", () => {
  it("find each channel that is there, and no other, whatever came and went", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
        const scores = new ChannelLiquidities();
        const expected = new Map<bigint, { readonly value: number; readonly time: number }>();
        for (const [time, one] of actions.entries()) {
          if ("id" in one) {
            const [high, low] = one.id;
            const key = (BigInt(high) << 32n) | BigInt(low);
            const entry = scores.findOrAdd(high, low, time);
            scores.offsets[2 * entry] = one.value;
            scores.setTime(entry, 2, time);
            expected.set(key, { value: one.value, time });
          } else if ("modulus" in one) {
            scores.retain((entry) => (scores.offsets[2 * entry] ?? 0) % one.modulus === 0);
            for (const [key, { value }] of expected) if (value % one.modulus !== 0) expected.delete(key);
          } else {
            scores.dropOldest(one.kept, (channel) => channel % 2n === 0n);
            const even = [...expected].filter(([key]) => key % 2n === 0n);
            const gone = even.sort(([, a], [, b]) => b.time - a.time).slice(one.kept);
            for (const [key] of gone) expected.delete(key);
          }
        }
        assert.equal(scores.size, expected.size);
        for (const [key, { value }] of expected) {
          const entry = scores.find(Number(key >> 32n), Number(key & 0xffff_ffffn));
          assert.ok(entry >= 0);
          assert.equal(scores.shortChannelIdOf(entry), key);
          assert.equal(scores.offsets[2 * entry], value);
        }
        assert.equal(scores.find(9, 9), -1);
      }),
      { seed: 21, numRuns: 60 },
    );
  });

  it("know nothing of a channel that is new, though its place was another's", () => {
    const scores = new ChannelLiquidities();
    const first = scores.findOrAdd(1, 1, 5);
    scores.offsets[2 * first + 1] = 7;
    scores.track(2 * first, { min: 10, max: 20, capacity: 100 });
    assert.ok((scores.weights[first] ?? 0) > 0 && scores.filled[2 * first] !== 0);
    scores.retain(() => false);
    const second = scores.findOrAdd(2, 2, 6);
    assert.equal(second, first);
    assert.deepEqual(
      [scores.offsets[2 * second + 1], scores.weights[second], scores.filled[2 * second]],
      [0, 0, 0],
    );
    assert.ok(scores.historyOf(2 * second).every((points) => points === 0));
    assert.deepEqual(
      [0, 1, 2].map((place) => scores.time(second, place)),
      [6, 6, 6],
    );
  });
});
