import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Path } from "@fulmen/lightning/routing";
import { msat, noBytes } from "@fulmen/lightning/util";
import { blindedHop, mppFeatures, node } from "./routes.ts";
import { asked, found, own, roads } from "./situations.ts";

// [adds_and_limits_cltv_offset, adds_plausible_cltv_offset, blinded_path_cltv_shadow_offset]

const line = roads(
  { id: 12, way: "B>C", delta: 20 },
  { id: 13, way: "C>D", delta: 30 },
  { id: 14, way: "D>E", delta: 50 },
  { id: 15, way: "E>F", delta: 60 },
);
const seeds = Array.from({ length: 40 }, (_, i) => new Uint8Array(32).fill(i + 1));

function offsetOf(path: Path | undefined): number {
  return (path?.hops.at(-1)?.cltvExpiryDelta ?? 0) - 18;
}

describe("blocks that hide where a path ends", () => {
  const to = (letter: string, seed: Uint8Array, maxTotalCltvExpiryDelta = 1008) =>
    found(asked(100, letter, [own(1, "B")], { seed, limits: { maxTotalCltvExpiryDelta } }), line).paths[0];

  test("are what one to three more hops add, by the seed alone, and none without it", () => {
    const offsets = seeds.map((seed) => offsetOf(to("D", seed)));
    assert.deepEqual(
      seeds.map((seed) => offsetOf(to("D", seed))),
      offsets,
    );
    // From D on: E, F; back to C, which is passed by; or a hop's 40 where there is no way.
    const plausible = new Set([40, 50, 80, 90, 110, 120, 130, 150]);
    for (const offset of offsets) assert.ok(plausible.has(offset), `${offset}`);
    assert.ok(new Set(offsets).size >= 4, offsets.join(" "));
    const without = found(asked(100, "D", [own(1, "B")]), line).paths[0];
    assert.equal(offsetOf(without), 0);
  });

  test("leave the rest of the path as it is", () => {
    const deltas = to("D", seeds[0] ?? new Uint8Array(32))?.hops.map(
      ({ cltvExpiryDelta }) => cltvExpiryDelta,
    );
    assert.deepEqual(deltas?.slice(0, 2), [20, 30]);
  });

  test("never exceed the limit of all expiries, and hold whole hops there", () => {
    for (const room of [0, 1, 39, 40, 41, 79, 80, 81, 100]) {
      for (const seed of seeds.slice(0, 10)) {
        const offset = offsetOf(to("D", seed, 18 + 50 + room));
        assert.ok(offset <= room, `${offset} of ${room}`);
      }
    }
  });

  test("are a blinded recipient's excess, beside what its path asks for", () => {
    const tail = {
      introductionNode: { kind: "node-id", nodeId: node("D") },
      pathKey: blindedHop(2).blindedNodeId,
      blindedHops: [blindedHop(2), blindedHop(3)],
      payinfo: {
        ...{ feeBase: msat(0), feeProportionalMillionths: 0, cltvExpiryDelta: 77, features: noBytes },
        ...{ htlcMinimum: msat(0), htlcMaximum: msat(10_000) },
      },
    } as const;
    const payee = { kind: "blinded", paths: [tail], features: mppFeatures } as const;
    const offsets = seeds.map((seed) => {
      const path = found(asked(100, payee, [own(1, "B")], { seed }), line).paths[0];
      assert.equal(path?.hops.at(-1)?.cltvExpiryDelta, 77);
      return path?.blindedTail?.excessFinalCltvExpiryDelta ?? 0;
    });
    assert.ok(offsets.every((offset) => offset >= 40) && new Set(offsets).size >= 4, offsets.join(" "));
  });
});
