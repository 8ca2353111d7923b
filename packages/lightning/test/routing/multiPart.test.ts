import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRoute, type RouteRequest } from "@fulmen/lightning/routing";
import { msat, sat } from "@fulmen/lightning/util";
import fc from "fast-check";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";
import { checkRoute, clear, firstHop, node, partsOf, request, scid, type Wish } from "./routes.ts";

const [a, b, c, d] = [node("A"), node("B"), node("C"), node("D")];
const wide = 10 ** 9;

/** The parts of the one right route, which must also keep to all limits. */
function parts(asked: RouteRequest, graph: PlainGraph) {
  const found = findRoute(asked, graph);
  if (!found.ok) return found.error.kind;
  checkRoute(found.value, asked, graph);
  return partsOf(found.value);
}

/** A pays D by way of B or C; what the two pass on to D, in msat. */
function diamond(
  overB: Parameters<typeof plainTerms>[0],
  overC: Parameters<typeof plainTerms>[0],
): PlainGraph {
  return new PlainGraph([
    plainChannel(3n, [b, d], { from: plainTerms({ cltvExpiryDelta: 10, ...overB }) }),
    plainChannel(4n, [c, d], { from: plainTerms({ cltvExpiryDelta: 10, ...overC }) }),
  ]);
}

function wish(amount: number, changes: Partial<Wish> = {}): RouteRequest {
  const firstHops = [firstHop(1, b, wide), firstHop(2, c, wide)];
  const limits = { maxChannelSaturationPowerOfHalf: 0, ...changes.limits };
  return request({ payer: a, payee: clear(d), amount, firstHops, ...changes, limits });
}

describe("an amount that one way carries, and several carry cheaper", () => {
  const graph = diamond(
    { htlcMaximum: msat(600), feeBaseMsat: 0, feeProportionalMillionths: 0 },
    { htlcMaximum: msat(2_000), feeBaseMsat: 0, feeProportionalMillionths: 100_000 },
  );

  function partsWith(penalty: number) {
    const scorer = { penaltiesFor: () => ({ edgePenalty: () => penalty }) };
    const asked = wish(1_000);
    const found = findRoute(asked, graph, { scorer });
    assert.ok(found.ok);
    checkRoute(found.value, asked, graph);
    return partsOf(found.value);
  }

  test("goes in parts as long as these cost less by fees and penalties", () => {
    // In one part 100 msat of fees, in two 40, and a penalty more.
    assert.deepEqual(partsWith(59), [
      ["2 4", 400],
      ["1 3", 600],
    ]);
    assert.deepEqual(partsWith(61), [["2 4", 1_000]]);
  });

  test("goes in one part where nobody says what another part risks", () => {
    assert.deepEqual(parts(wish(1_000), graph), [["2 4", 1_000]]);
  });
});

describe("an amount that no channel carries", () => {
  const graph = diamond({ htlcMaximum: msat(600) }, { htlcMaximum: msat(500) });

  test("goes in as few parts as can be, each as large as can be", () => {
    assert.deepEqual(parts(wish(600), graph), [["1 3", 600]]);
    const two = parts(wish(601), graph);
    assert.ok(Array.isArray(two) && two.length === 2);
    assert.deepEqual(parts(wish(1_100), graph), [
      ["2 4", 500],
      ["1 3", 600],
    ]);
    assert.equal(parts(wish(1_101), graph), "no-route");
  });

  test("goes nowhere when the payee takes one part, or the user allows one", () => {
    const { features: _, ...plain } = clear(d);
    assert.equal(parts(wish(601, { payee: plain }), graph), "no-route");
    assert.equal(parts(wish(601, { limits: { maxPathCount: 1 } }), graph), "no-route");
    assert.deepEqual(parts(wish(600, { limits: { maxPathCount: 1 } }), graph), [["1 3", 600]]);
  });

  test("is shared by our own channels, too, with room for the fees", () => {
    const costly = diamond({ feeBaseMsat: 10 }, { feeBaseMsat: 10 });
    const firstHops = [firstHop(1, b, 510), firstHop(2, c, 410)];
    assert.deepEqual(parts(wish(900, { firstHops }), costly), [
      ["2 4", 400],
      ["1 3", 500],
    ]);
    assert.equal(parts(wish(901, { firstHops }), costly), "no-route");
    assert.equal(parts(wish(900, { firstHops, maxFee: 20 }), costly).length, 2);
    assert.equal(parts(wish(900, { firstHops, maxFee: 19 }), costly), "no-route");
  });
});

describe("several parts over one channel", () => {
  // Both ways lead through C-D.
  const ways = (capacity: number | undefined, htlcMaximum: number) =>
    new PlainGraph([
      plainChannel(3n, [b, c], { from: plainTerms({}) }),
      {
        ...plainChannel(4n, [c, d], { from: plainTerms({ htlcMaximum: msat(htlcMaximum) }) }),
        ...(capacity !== undefined && { capacity: sat(capacity) }),
      },
    ]);
  const firstHops = [firstHop(1, b, 3_000), firstHop(2, c, 3_000)];

  test("share what it holds: its capacity, or what it says of one HTLC where that is unknown", () => {
    assert.equal(parts(wish(6_000, { firstHops }), ways(6, 4_000)).length, 2);
    assert.equal(parts(wish(6_000, { firstHops }), ways(5, 4_000)), "no-route");
    assert.equal(parts(wish(4_001, { firstHops }), ways(undefined, 4_000)), "no-route");
    assert.equal(parts(wish(4_000, { firstHops }), ways(undefined, 4_000)).length, 2);
  });
});

describe("HTLCs of ours that are under way", () => {
  const graph = diamond({ htlcMaximum: msat(1_000) }, { htlcMaximum: msat(1_000), feeBaseMsat: 5 });
  const inFlight = (source: typeof b, amount: number) => [
    { shortChannelId: scid(3), source, amount: msat(amount) },
  ];

  test("take up the channels that they are on, in their direction", () => {
    assert.deepEqual(parts(wish(700), graph), [["1 3", 700]]);
    assert.deepEqual(parts(wish(700, { inFlightHtlcs: inFlight(b, 300) }), graph), [["1 3", 700]]);
    assert.deepEqual(parts(wish(700, { inFlightHtlcs: inFlight(b, 301) }), graph), [["2 4", 700]]);
    assert.deepEqual(parts(wish(700, { inFlightHtlcs: inFlight(d, 301) }), graph), [["1 3", 700]]);
  });

  test("forbid nothing where there is no other way", () => {
    const firstHops = [firstHop(1, b, wide)];
    assert.deepEqual(parts(wish(700, { firstHops, inFlightHtlcs: inFlight(b, 900) }), graph), [["1 3", 700]]);
  });
});

describe("saturation", () => {
  const graph = diamond({ htlcMaximum: msat(1_000) }, { htlcMaximum: msat(1_000), feeBaseMsat: 1 });

  test("is avoided where another way is not as full", () => {
    const limits = { maxChannelSaturationPowerOfHalf: 1 };
    assert.deepEqual(parts(wish(500, { limits }), graph), [["1 3", 500]]);
    assert.equal(parts(wish(501, { limits }), graph).length, 2);
  });

  test("is accepted where there is none", () => {
    const limits = { maxChannelSaturationPowerOfHalf: 2 };
    assert.equal(parts(wish(2_000, { limits }), graph).length, 2);
    assert.equal(parts(wish(2_001, { limits }), graph), "no-route");
  });
});

describe("a rest that is too small for any channel", () => {
  test("is made up for by more, of which the surplus is taken off again", () => {
    const graph = diamond({ htlcMaximum: msat(999) }, { htlcMaximum: msat(900), htlcMinimum: msat(200) });
    const found = parts(wish(1_000), graph);
    assert.ok(Array.isArray(found));
    assert.deepEqual(
      found.map(([way]) => way),
      ["2 4", "1 3"],
    );
  });

  test("is no route where the minimums leave no room", () => {
    const graph = diamond(
      { htlcMaximum: msat(999), htlcMinimum: msat(999) },
      { htlcMaximum: msat(900), htlcMinimum: msat(200) },
    );
    assert.equal(parts(wish(1_000), graph), "no-route");
  });
});

describe("many channels", () => {
  const peers = Array.from({ length: 30 }, (_, i) => node(`peer ${i}`));

  test("carry at most ten parts", () => {
    const graph = new PlainGraph(
      peers.map((peer, i) =>
        plainChannel(BigInt(100 + i), [peer, d], { from: plainTerms({ htlcMaximum: msat(100) }) }),
      ),
    );
    const firstHops = peers.map((peer, i) => firstHop(i + 1, peer, wide));
    assert.equal(parts(wish(1_000, { firstHops }), graph).length, 10);
    assert.equal(parts(wish(1_001, { firstHops }), graph), "no-route");
    assert.equal(parts(wish(1_001, { firstHops, limits: { maxPathCount: 30 } }), graph).length, 11);
  });

  test("of random sizes: every route that is found can be paid, and one is found when even shares would do", () => {
    const terms = fc.record({
      htlcMaximum: fc.nat(2_000).map((n) => msat(n)),
      htlcMinimum: fc.nat(60).map((n) => msat(n)),
      feeBaseMsat: fc.nat(20),
      feeProportionalMillionths: fc.nat(30_000),
      cltvExpiryDelta: fc.nat(60),
    });
    const ways = fc.array(fc.tuple(terms, terms, fc.nat(2_000)), { minLength: 1, maxLength: 8 });
    let found = 0;
    let several = 0;
    fc.assert(
      fc.property(ways, fc.integer({ min: 1, max: 6_000 }), fc.nat(600), (each, amount, maxFee) => {
        const graph = new PlainGraph(
          each.flatMap(([to, across], i) => {
            const peer = peers[i] ?? b;
            return [
              plainChannel(BigInt(100 + i), [peer, d], { from: plainTerms(to) }),
              plainChannel(BigInt(200 + i), [peer, peers[(i + 1) % each.length] ?? c], {
                from: plainTerms(across),
              }),
            ].slice(0, each.length > 1 ? 2 : 1);
          }),
        );
        const firstHops = each.map(([, , most], i) => firstHop(i + 1, peers[i] ?? b, most));
        const asked = request({ payer: a, payee: clear(d), amount, firstHops, maxFee });
        const route = findRoute(asked, graph);
        if (!route.ok) return;
        checkRoute(route.value, asked, graph);
        found++;
        if (route.value.paths.length > 1) several++;
      }),
      { seed: 31, numRuns: 1_500 },
    );
    assert.ok(found > 300 && several > 50, `${found} routes, ${several} of several parts`);
  });
});
