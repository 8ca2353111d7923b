import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type EdgePenalties,
  feesOf,
  findRoute,
  type Route,
  type RouteRequest,
  type ScoreLookUp,
} from "@fulmen/lightning/routing";
import { msat } from "@fulmen/lightning/util";
import fc from "fast-check";
import { PlainGraph, plainChannel, plainTerms } from "../../gossip/plainGraph.ts";
import { checkRoute, clear, firstHop, node, partsOf, request, type Wish } from "../routes.ts";

const [a, b, c, d, e] = [node("A"), node("B"), node("C"), node("D"), node("E")];
const wide = 10 ** 9;

function wish(amount: number, changes: Partial<Wish> = {}): RouteRequest {
  const limits = { solver: "min-cost-flow", ...changes.limits } as const;
  return request({ payer: a, payee: clear(d), amount, firstHops: [], ...changes, limits });
}

/** Without a limit to what is saturated: a flow keeps none either. */
function oneByOne(asked: RouteRequest): RouteRequest {
  const { paymentParameters, ...others } = asked.parameters;
  const parameters = {
    ...paymentParameters,
    solver: "cheapest-paths",
    maxChannelSaturationPowerOfHalf: 0,
  } as const;
  return { ...asked, parameters: { ...others, paymentParameters: parameters } };
}

function routeOf(asked: RouteRequest, graph: PlainGraph, scorer?: ScoreLookUp): Route | undefined {
  const found = findRoute(asked, graph, { ...(scorer && { scorer }) });
  if (!found.ok) return undefined;
  checkRoute(found.value, asked, graph);
  return found.value;
}

function feesOfAll({ paths }: Route): bigint {
  return paths.reduce<bigint>((sum, path) => sum + feesOf(path), 0n);
}

describe("a payment as one flow", () => {
  test("leaves the cheapest way where that lets another part through", () => {
    // By way of B and C it is cheapest, and then there is no way for a second part: each has to go its own way.
    const carries = { htlcMaximum: msat(11_000) };
    const graph = new PlainGraph([
      plainChannel(3n, [b, c], { from: plainTerms({ ...carries, feeBaseMsat: 0 }) }),
      plainChannel(4n, [b, d], { from: plainTerms({ ...carries, feeBaseMsat: 1000 }) }),
      plainChannel(5n, [c, d], { from: plainTerms({ ...carries, feeBaseMsat: 100 }) }),
      plainChannel(6n, [e, c], { from: plainTerms({ ...carries, feeBaseMsat: 500 }) }),
    ]);
    const asked = wish(20_000, { firstHops: [firstHop(1, b, 12_000), firstHop(2, e, 12_000)] });
    const flowing = routeOf(asked, graph);
    assert.ok(flowing !== undefined);
    assert.deepEqual(
      partsOf(flowing)
        .map(([way]) => way)
        .toSorted(),
      ["1 4", "2 6 5"],
    );
    assert.equal(routeOf(oneByOne(asked), graph), undefined);
  });

  test("spreads over channels that are less and less likely to hold more", () => {
    const ids = [3n, 4n, 5n, 6n];
    const graph = new PlainGraph(
      ids.map((id) => plainChannel(id, [b, d], { from: plainTerms({ htlcMaximum: msat(wide) }) })),
    );
    const square: EdgePenalties = {
      edgePenalty: (_edge, amount, inFlight) => ((amount + inFlight) / 1000) ** 2 / 1000,
    };
    const scorer: ScoreLookUp = { penaltiesFor: () => square };
    const asked = wish(8 * 10 ** 8, { firstHops: [firstHop(1, b, 10 * wide)] });
    const together = routeOf(asked, graph, scorer);
    assert.ok(together !== undefined);
    assert.deepEqual(
      partsOf(together).map(([, amount]) => amount),
      [2 * 10 ** 8, 2 * 10 ** 8, 2 * 10 ** 8, 2 * 10 ** 8],
    );
    assert.equal(routeOf(oneByOne(asked), graph, scorer)?.paths.length, 1);
  });

  test("is found whenever parts are found one by one, keeps all limits, and costs about as much", () => {
    const nodes = [a, b, c, d, e, node("F"), node("G")];
    const index = fc.nat(nodes.length - 1);
    const terms = fc
      .record({
        cltvExpiryDelta: fc.integer({ min: 10, max: 80 }),
        htlcMinimum: fc.constantFrom(1n, 1n, 50_000n).map(msat),
        htlcMaximum: fc.bigInt({ min: 200_000n, max: 1_500_000n }).map(msat),
        feeBaseMsat: fc.nat(300),
        feeProportionalMillionths: fc.nat(20_000),
      })
      .map((fields) => plainTerms(fields));
    const pair = fc.tuple(index, index).filter(([i, j]) => i !== j);
    const problem = fc.record({
      channels: fc.array(fc.record({ pair, from: terms, to: terms }), { minLength: 6, maxLength: 25 }),
      firstHops: fc.array(
        fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 10 ** 5, max: 2 * 10 ** 6 })),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      amount: fc.integer({ min: 100_000, max: 4_000_000 }),
      maxFee: fc.constantFrom(20_000, 100_000, 10 ** 6),
      limits: fc.record({
        maxPathCount: fc.integer({ min: 1, max: 6 }),
        maxPathLength: fc.integer({ min: 2, max: 19 }),
        maxTotalCltvExpiryDelta: fc.constantFrom(100, 300, 1008),
      }),
    });
    const counts = { found: 0, split: 0, more: 0 };
    const fees = { flowing: 0n, oneByOne: 0n };
    fc.assert(
      fc.property(problem, ({ channels, firstHops, amount, maxFee, limits }) => {
        const graph = new PlainGraph(
          channels.map(({ pair: [i, j], from, to }, n) =>
            plainChannel(BigInt(n + 1), [nodes[i] ?? a, nodes[j] ?? a], { from, to }),
          ),
        );
        const asked = wish(amount, {
          firstHops: firstHops.map(([to, maximum], n) => firstHop(100 + n, nodes[to] ?? b, maximum)),
          maxFee,
          limits: { solver: "min-cost-flow", ...limits },
        });
        const flowing = routeOf(asked, graph);
        const usual = routeOf(oneByOne(asked), graph);
        if (usual === undefined) {
          if (flowing !== undefined) counts.more++;
          return;
        }
        assert.ok(flowing !== undefined, "parts are found one by one, and not as a flow");
        counts.found++;
        if (usual.paths.length > 1) {
          counts.split++;
          fees.flowing += feesOfAll(flowing);
          fees.oneByOne += feesOfAll(usual);
        }
      }),
      { seed: 21, numRuns: 600 },
    );
    assert.ok(counts.found > 100 && counts.split > 20, JSON.stringify(counts));
    // What is paid for each part, whatever its amount, is spread over what parts usually bring.
    assert.ok(
      100n * fees.flowing <= 102n * fees.oneByOne,
      `${fees.flowing} and ${fees.oneByOne} msat of fees`,
    );
  });
});
