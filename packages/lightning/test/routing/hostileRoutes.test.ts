import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRoute } from "@fulmen/lightning/routing";
import { msat } from "@fulmen/lightning/util";
import fc from "fast-check";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";
import { checkRoute, node } from "./routes.ts";
import { asked, found, hint, hinted, own, roads, ways } from "./situations.ts";

describe("terms that make no sense", () => {
  const maxU64 = 2n ** 64n - 1n;
  const amounts = fc.oneof(
    fc.constantFrom(0n, 1n, 2n ** 53n, maxU64),
    fc.bigInt({ min: 0n, max: 10n ** 6n }),
    fc.bigInt({ min: 0n, max: maxU64 }),
  );
  const u32 = fc.oneof(fc.constantFrom(0, 1, 1_000_001, 0xffff_ffff), fc.nat(2_000_000));
  const terms = fc
    .record({
      htlcMinimum: fc.oneof(fc.constant(0n), amounts),
      htlcMaximum: fc.oneof(fc.constant(maxU64), amounts),
      feeBaseMsat: fc.oneof(fc.constant(0), u32),
      feeProportionalMillionths: fc.oneof(fc.constant(0), u32),
      cltvExpiryDelta: fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 65_535 })),
    })
    .map((each) =>
      plainTerms({ ...each, htlcMinimum: msat(each.htlcMinimum), htlcMaximum: msat(each.htlcMaximum) }),
    );
  const letters = ["B", "C", "D", "E"].map(node);
  const channels = fc.array(fc.tuple(fc.nat(3), fc.nat(3), terms, terms), { minLength: 1, maxLength: 10 });

  test("never break a limit, nor the search", () => {
    let count = 0;
    const wish = fc.record({
      amount: fc.oneof(
        fc.integer({ min: 1, max: 10 ** 6 }),
        fc.maxSafeNat().map((n) => n + 1),
      ),
      maxFee: fc.oneof(fc.nat(10 ** 6), fc.maxSafeNat()),
      largest: fc.oneof(fc.nat(10 ** 6), fc.maxSafeNat()),
    });
    fc.assert(
      fc.property(channels, wish, (all, { amount, maxFee, largest }) => {
        const graph = new PlainGraph(
          all
            .filter(([a, b]) => a !== b)
            .map(([a, b, from, to], i) =>
              plainChannel(BigInt(10 + i), [letters[a] ?? "", letters[b] ?? ""] as never, { from, to }),
            ),
        );
        const wanted = asked(amount, "E", [own(1, "B", largest), own(2, "C", largest)], { maxFee });
        const route = findRoute(wanted, graph);
        if (!route.ok) return;
        count++;
        checkRoute(route.value, wanted, graph);
      }),
      { seed: 61, numRuns: 1_500 },
    );
    assert.ok(count > 30, `${count}`);
  });

  test("of above 100 % are paid when the user allows", () => {
    const graph = roads({ id: 12, way: "B>D", ppm: 3_000_000, base: 7 });
    const route = found(asked(100, "D", [own(1, "B")], { maxFee: 307 }), graph);
    assert.equal(route.paths[0]?.hops[0]?.fee, 307n);
    assert.equal(ways(asked(100, "D", [own(1, "B")], { maxFee: 306 }), graph), "no-route");
  });
});

describe("an invoice of a thousand hints", () => {
  test("that lead in circles, to us, or nowhere, is answered in a moment", () => {
    const graph = roads({ id: 12, way: "B>C" });
    const all = Array.from({ length: 1_500 }, (_, i) =>
      Array.from({ length: 30 }, (_, j) => hint(`n${(i * 7 + j * 13) % 200}`, 1_000 + i * 30 + j)),
    );
    const start = performance.now();
    assert.equal(ways(asked(100, hinted("P", ...all), [own(1, "B")]), graph), "no-route");
    const last = [...all.slice(0, 999), [hint("C", 90)]];
    assert.deepEqual(ways(asked(100, hinted("P", ...last), [own(1, "B")]), graph), [["1 12 90", 100]]);
    const time = performance.now() - start;
    assert.ok(time < 10_000, `${time} ms`);
  });
});
