import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRoute, type RouteRequest, type ScoreLookUp } from "@fulmen/lightning/routing";
import { msat } from "@fulmen/lightning/util";
import fc from "fast-check";
import { SearchWorkspace } from "#src/routing/searchWorkspace";
import type { PlainGraph } from "../gossip/plainGraph.ts";
import { checkRoute, node, scid } from "./routes.ts";
import { asked, own, type Road, roads } from "./situations.ts";

// Random small networks, and all loop-free paths of them, tried one by one. A pays F; channels 1 to 9 are A's.

const letters = ["B", "C", "D", "E", "F"];

interface Network {
  readonly roads: readonly Road[];
  readonly own: readonly { readonly id: number; readonly to: string; readonly max: number }[];
  readonly amount: number;
}

/** What a path costs and keeps to, worked out apart from the search. */
interface Walked {
  readonly cost: number;
  readonly fee: number;
  readonly delta: number;
  readonly length: number;
}

function networks(road: Partial<Record<"base" | "ppm" | "delta" | "min" | "max", fc.Arbitrary<number>>>) {
  const ends = fc.tuple(fc.nat(4), fc.nat(4)).filter(([a, b]) => a !== b);
  const terms = fc.record({ base: fc.nat(50), ...road });
  return fc.record({
    roads: fc
      .array(fc.tuple(ends, terms), { minLength: 2, maxLength: 12 })
      .map((all) =>
        all.map(([[a, b], each], i): Road => ({ id: 10 + i, way: `${letters[a]}>${letters[b]}`, ...each })),
      ),
    own: fc
      .array(fc.record({ to: fc.nat(4), max: fc.integer({ min: 500, max: 3_000 }) }), {
        minLength: 1,
        maxLength: 4,
      })
      .map((all) => all.map(({ to, max }, i) => ({ id: 1 + i, to: letters[to] ?? "B", max }))),
    amount: fc.integer({ min: 1, max: 1_000 }),
  });
}

function wanted({ own: ours, amount }: Network, limits: Parameters<typeof asked>[3] = {}): RouteRequest {
  return asked(
    amount,
    "F",
    ours.map(({ id, to, max }) => own(id, to, max)),
    { maxFee: 10 ** 6, ...limits },
  );
}

/** All loop-free paths that carry the whole amount, raised to minimums on the way but not at the payee. */
function allPaths(network: Network, penaltyOf: (id: number) => number = () => 0): readonly Walked[] {
  const walked: Walked[] = [];
  const walk = (at: string, seen: readonly string[], path: readonly Road[], max: number): void => {
    if (at === "F") {
      let amount = network.amount;
      let cost = 0;
      for (const [i, road] of path.toReversed().entries()) {
        if (amount < (road.min ?? 0)) {
          if (i === 0) return;
          amount = road.min ?? 0;
        }
        if (amount > (road.max ?? Number.POSITIVE_INFINITY)) return;
        amount += (road.base ?? 0) + Math.floor((amount * (road.ppm ?? 0)) / 1_000_000);
        cost += penaltyOf(road.id);
      }
      if (amount > max) return;
      const fee = amount - network.amount;
      const delta = path.reduce((sum, road) => sum + (road.delta ?? 0), 0);
      walked.push({ cost: cost + fee, fee, delta, length: path.length + 1 });
      return;
    }
    for (const road of network.roads) {
      const [from = "", to = ""] = road.way.split(">");
      if (from === at && !seen.includes(to)) walk(to, [...seen, to], [...path, road], max);
    }
  };
  for (const { to, max } of network.own) walk(to, [to], [], max);
  return walked;
}

const alone = { maxPathCount: 1 };

function graphOf(network: Network): PlainGraph {
  return roads(...network.roads);
}

/** The fee of the single path that is found; the route keeps all limits. */
function feeOf(request: RouteRequest, graph: PlainGraph, scorer?: ScoreLookUp): number | undefined {
  const found = findRoute(request, graph, scorer && { scorer });
  if (!found.ok) return undefined;
  checkRoute(found.value, request, graph);
  return found.value.paths.reduce(
    (sum, { hops }) => sum + hops.slice(0, -1).reduce((fees, { fee }) => fees + Number(fee), 0),
    0,
  );
}

const runs = { seed: 51, numRuns: 500 };

describe("a single path, against all loop-free ones", () => {
  test("is the cheapest by fees, also where minimums raise what is sent", () => {
    let found = 0;
    let raised = 0;
    const minimums = fc.integer({ min: -1_500, max: 1_500 }).map((min) => Math.max(0, min));
    fc.assert(
      fc.property(
        networks({ ppm: fc.nat(100_000), min: minimums, max: fc.integer({ min: 600, max: 3_000 }) }),
        (network) => {
          const best = Math.min(...allPaths(network).map(({ fee }) => fee));
          const fee = feeOf(wanted(network, { limits: alone }), graphOf(network));
          assert.equal(fee ?? Number.POSITIVE_INFINITY, best);
          if (fee === undefined) return;
          found++;
          if (network.roads.some(({ min = 0 }) => min > network.amount)) raised++;
        },
      ),
      runs,
    );
    assert.ok(found > 100 && raised > 30, `${found}, ${raised}`);
  });

  test("is the cheapest by fees and penalties", () => {
    let found = 0;
    fc.assert(
      fc.property(networks({}), fc.array(fc.nat(300), { minLength: 12, maxLength: 12 }), (network, each) => {
        const penaltyOf = (id: number) => each[id - 10] ?? 0;
        const scorer: ScoreLookUp = {
          penaltiesFor: (graph) => ({
            edgePenalty: (edge) => penaltyOf(Number(graph.shortChannelIdOf(edge >>> 1))),
          }),
        };
        const request = wanted(network, { limits: alone });
        const route = findRoute(request, graphOf(network), { scorer });
        const best = Math.min(...allPaths(network, penaltyOf).map(({ cost }) => cost));
        if (!route.ok) {
          assert.equal(best, Number.POSITIVE_INFINITY);
          return;
        }
        found++;
        const hops = route.value.paths[0]?.hops ?? [];
        const fees = hops.slice(0, -1).reduce((sum, { fee }) => sum + Number(fee), 0);
        const penalties = hops.slice(1).reduce((sum, hop) => sum + penaltyOf(Number(hop.shortChannelId)), 0);
        assert.equal(fees + penalties, best);
      }),
      runs,
    );
    assert.ok(found > 100, `${found}`);
  });

  test("is found whenever there is one, whichever limit stands in the way of the cheapest", () => {
    const counts = { fees: 0, expiries: 0, length: 0 };
    const delta = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(
        networks({ delta }),
        fc.nat(150),
        fc.nat(400),
        fc.integer({ min: 1, max: 4 }),
        (network, maxFee, blocks, maxPathLength) => {
          const graph = graphOf(network);
          const all = allPaths(network);
          const dislikesCheap: ScoreLookUp = {
            penaltiesFor: ({ edgeWords }) => ({
              edgePenalty: (edge) => 10_000 - 100 * (edgeWords[edge * 16 + 8] ?? 0),
            }),
          };
          const agree = (request: RouteRequest, fits: (path: Walked) => boolean, scorer?: ScoreLookUp) => {
            const isFound = feeOf(request, graph, scorer) !== undefined;
            assert.equal(isFound, all.some(fits));
            return isFound ? 1 : 0;
          };
          counts.fees += agree(
            wanted(network, { maxFee, limits: alone }),
            ({ fee }) => fee <= maxFee,
            dislikesCheap,
          );
          const limits = { ...alone, maxTotalCltvExpiryDelta: 18 + blocks };
          counts.expiries += agree(wanted(network, { limits }), (path) => path.delta <= blocks);
          counts.length += agree(
            wanted(network, { limits: { ...alone, maxPathLength } }),
            ({ length }) => length <= maxPathLength,
          );
        },
      ),
      runs,
    );
    for (const count of Object.values(counts)) assert.ok(count > 50, JSON.stringify(counts));
  });
});

describe("a single path under two tight limits at once", () => {
  /** From each node to the next, three channels: the quicker ones are mostly the dearer ones. */
  const chains = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.nat(40)), { minLength: 12, maxLength: 12 })
    .map((all): Network => {
      const ways = ["B>C", "C>D", "D>E", "E>F"];
      const roadsOf = all.map(
        ([delta, more], i): Road => ({
          ...{ id: 10 + i, way: ways[i % 4] ?? "" },
          ...{ delta, base: 50 - Math.floor(delta / 4) + more },
        }),
      );
      return { roads: roadsOf, own: [{ id: 1, to: "B", max: 3_000 }], amount: 500 };
    });

  test("is mostly found when there is one, and breaks none", () => {
    const counts = { there: 0, missed: 0 };
    fc.assert(
      fc.property(chains, fc.nat(), (network, pick) => {
        const paths = allPaths(network);
        // Nothing cheaper is as quick, and nothing quicker as cheap.
        const best = paths.filter(({ fee, delta }) =>
          paths.every(
            (other) => other.fee > fee || other.delta > delta || (other.fee === fee && other.delta === delta),
          ),
        );
        const { fee, delta } = best[pick % best.length] ?? assert.fail("no path");
        // A tenth more than what it takes. By one limit at a time, a fifth would be missed.
        const limits = { ...alone, maxTotalCltvExpiryDelta: 18 + Math.floor(1.1 * delta) };
        const maxFee = Math.floor(1.1 * fee);
        counts.there++;
        if (feeOf(wanted(network, { maxFee, limits }), graphOf(network)) === undefined) counts.missed++;
      }),
      { seed: 55, numRuns: 1_000 },
    );
    assert.ok(counts.missed <= 0.05 * counts.there, JSON.stringify(counts));
  });
});

describe("several parts", () => {
  const scarce = networks({
    ppm: fc.nat(50_000),
    delta: fc.nat(100),
    min: fc.nat(120),
    max: fc.integer({ min: 50, max: 1_500 }),
  });

  test("bring the amount exactly, keep all limits, and are there whenever one path would do", () => {
    let several = 0;
    fc.assert(
      fc.property(scarce, fc.integer({ min: 1, max: 6 }), fc.nat(400), (network, maxPathCount, maxFee) => {
        const limits = { maxPathCount, maxChannelSaturationPowerOfHalf: 2 };
        const graph = graphOf(network);
        const request = wanted(network, { limits, maxFee });
        const route = findRoute(request, graph);
        if (!route.ok) {
          const single = findRoute(wanted(network, { limits: alone, maxFee }), graph);
          assert.equal(single.ok, false);
          return;
        }
        checkRoute(route.value, request, graph);
        if (route.value.paths.length > 1) several++;
      }),
      { seed: 52, numRuns: 1_000 },
    );
    assert.ok(several > 30, `${several}`);
  });

  test("leave room for what is under way, while there is any", () => {
    fc.assert(
      fc.property(scarce, fc.nat(11), fc.integer({ min: 1, max: 800 }), (network, index, amount) => {
        const road = network.roads[index % network.roads.length];
        const source = node(road?.way.split(">")[0] ?? "B");
        const inFlightHtlcs = [{ shortChannelId: scid(road?.id ?? 0), source, amount: msat(amount) }];
        const free = network.roads.map((each) =>
          each === road ? { ...each, max: Math.max(0, (each.max ?? 0) - amount) } : each,
        );
        const held = findRoute(wanted(network, { inFlightHtlcs }), graphOf(network));
        const narrow = findRoute(wanted({ ...network, roads: free }), graphOf({ ...network, roads: free }));
        if (narrow.ok) assert.deepEqual(held, narrow);
      }),
      { seed: 53, numRuns: 300 },
    );
  });
});

describe("the same request", () => {
  test("has the same answer, whatever was searched for before in the same memory", () => {
    const workspace = new SearchWorkspace();
    const any = networks({
      ppm: fc.nat(50_000),
      delta: fc.nat(100),
      min: fc.nat(120),
      max: fc.integer({ min: 50, max: 1_500 }),
    });
    fc.assert(
      fc.property(any, fc.uint8Array({ minLength: 32, maxLength: 32 }), (network, seed) => {
        const graph = graphOf(network);
        const request = wanted(network, { seed });
        const first = findRoute(request, graph, { workspace });
        assert.deepEqual(findRoute(request, graph, { workspace }), first);
        assert.deepEqual(findRoute(request, graph), first);
        if (first.ok) checkRoute(first.value, request, graph);
      }),
      { seed: 54, numRuns: 300 },
    );
  });
});
