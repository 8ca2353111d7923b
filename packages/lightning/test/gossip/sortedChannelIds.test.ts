import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ShortChannelId } from "@fulmen/lightning/util";
import fc from "fast-check";
import { SortedChannelIds } from "#src/gossip/sortedChannelIds";

describe("SortedChannelIds", () => {
  test("does as a sorted set does", () => {
    const step = fc.record({ adds: fc.boolean(), id: fc.bigInt({ min: 0n, max: 30n }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ids = new SortedChannelIds();
        const model = new Set<bigint>();
        for (const { adds, id } of steps) {
          if (adds) model.add(id);
          else model.delete(id);
          if (adds) ids.add(id as ShortChannelId);
          else ids.remove(id as ShortChannelId);
        }
        for (let from = 0n; from < 32n; from++) {
          const expected = [...model].filter((id) => id >= from).sort((a, b) => (a < b ? -1 : 1))[0];
          assert.equal(ids.firstFrom(from), expected);
        }
      }),
      { seed: 41, numRuns: 200 },
    );
  });
});
