import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ChannelUpdateInfo } from "@fulmen/lightning/gossip";
import { findRoute, type Path, paymentParameters, type RouteRequest } from "@fulmen/lightning/routing";
import { msat, type NodeId, type ShortChannelId } from "@fulmen/lightning/util";
import fc from "fast-check";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";

// Every simple path of a small graph, tried one by one, against what the search finds.

/** One direction of a channel, in exact amounts. */
interface Way {
  readonly id: ShortChannelId;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly minimum: bigint;
  readonly maximum: bigint;
  readonly base: bigint;
  readonly rate: bigint;
  readonly delta: number;
  readonly isFirst: boolean;
}

interface Problem {
  readonly graph: PlainGraph;
  readonly request: RouteRequest;
  readonly ways: readonly Way[];
}

const nodes = Array.from({ length: 6 }, (_, i) => `02${"00".repeat(31)}0${i}` as NodeId);
const payeeId = at(5);
const index = fc.nat(nodes.length - 1);

function termsOf(
  delta: fc.Arbitrary<number>,
  minimum: fc.Arbitrary<bigint>,
): fc.Arbitrary<ChannelUpdateInfo> {
  return fc
    .record({
      enabled: fc.nat(9).map((n) => n > 0),
      cltvExpiryDelta: delta,
      htlcMinimum: minimum.map(msat),
      htlcMaximum: fc.bigInt({ min: 900_000n, max: 1_500_000n }).map(msat),
      feeBaseMsat: fc.nat(3000),
      feeProportionalMillionths: fc.nat(50_000),
    })
    .map((terms) => plainTerms(terms));
}

function problems(delta: fc.Arbitrary<number>, minimum: fc.Arbitrary<bigint>): fc.Arbitrary<Problem> {
  const terms = termsOf(delta, minimum);
  const pair = fc.tuple(index, index).filter(([i, j]) => i !== j);
  return fc
    .record({
      channels: fc.array(fc.record({ pair, from: terms, to: terms }), { minLength: 3, maxLength: 12 }),
      firstHops: fc.array(fc.record({ to: fc.integer({ min: 1, max: 5 }), terms }), {
        minLength: 1,
        maxLength: 3,
      }),
      hint: fc.option(fc.record({ from: index, terms }), { nil: undefined }),
      excluded: fc.subarray([1n, 2n, 3n, 101n], { maxLength: 2 }),
      maxFee: fc.bigInt({ min: 0n, max: 200_000n }),
    })
    .map(({ channels, firstHops, hint, excluded, maxFee }) => {
      const graph = channels.map(({ pair: [i, j], from, to }, n) =>
        plainChannel(BigInt(n + 1), [at(i), at(j)], { from, to }),
      );
      const excludedChannels = excluded.map((id) => id as ShortChannelId);
      const routeHints =
        hint === undefined
          ? []
          : [[{ nodeId: at(hint.from), shortChannelId: 200n as ShortChannelId, ...hint.terms }]];
      const request: RouteRequest = {
        payer: at(0),
        parameters: {
          paymentParameters: paymentParameters(
            { kind: "clear", nodeId: payeeId, routeHints, finalCltvExpiryDelta: finalDelta },
            {
              maxTotalCltvExpiryDelta: 200,
              previouslyFailedChannels: excludedChannels,
              maxChannelSaturationPowerOfHalf: 0,
            },
          ),
          finalValue: msat(1_000_000),
          maxFee: msat(maxFee),
        },
        inFlightHtlcs: [],
        firstHops: firstHops.map(({ to, terms: { htlcMinimum, htlcMaximum } }, n) => ({
          counterparty: at(to),
          shortChannelId: BigInt(100 + n) as ShortChannelId,
          minimum: htlcMinimum,
          maximum: htlcMaximum,
        })),
      };
      return { graph: new PlainGraph(graph), request, ways: waysOf(request, graph) };
    });
}

function at(i: number): NodeId {
  return nodes[i] as NodeId;
}

function waysOf(
  { payer, parameters, firstHops }: RouteRequest,
  channels: readonly ReturnType<typeof plainChannel>[],
): readonly Way[] {
  const { payee, previouslyFailedChannels } = parameters.paymentParameters;
  assert.ok(payee.kind === "clear");
  const ways: Way[] = [];
  for (const { shortChannelId: id, nodeOne, nodeTwo, oneToTwo, twoToOne } of channels) {
    for (const [from, to, terms] of [
      [nodeOne, nodeTwo, oneToTwo],
      [nodeTwo, nodeOne, twoToOne],
    ] as const) {
      if (terms === undefined || !terms.enabled || from === payer) continue;
      const { htlcMinimum: minimum, htlcMaximum: maximum, cltvExpiryDelta: delta } = terms;
      const fee = { base: BigInt(terms.feeBaseMsat), rate: BigInt(terms.feeProportionalMillionths) };
      ways.push({ id, from, to, minimum, maximum, delta, ...fee, isFirst: false });
    }
  }
  for (const { counterparty: to, shortChannelId: id, minimum, maximum } of firstHops) {
    ways.push({ id, from: payer, to, minimum, maximum, base: 0n, rate: 0n, delta: 0, isFirst: true });
  }
  for (const {
    nodeId: from,
    shortChannelId: id,
    cltvExpiryDelta: delta,
    ...terms
  } of payee.routeHints.flat()) {
    if (from === payer || from === payee.nodeId) continue;
    const fee = { base: BigInt(terms.feeBaseMsat), rate: BigInt(terms.feeProportionalMillionths) };
    ways.push({
      id,
      from,
      to: payee.nodeId,
      minimum: 0n,
      maximum: 10n ** 18n,
      delta,
      ...fee,
      isFirst: false,
    });
  }
  return ways.filter(({ id }) => !previouslyFailedChannels.includes(id));
}

/** Blocks that the payee wants. */
const finalDelta = 20;

interface Cost {
  readonly fee: bigint;
  readonly expiry: number;
}

/** Fees and expiry of a path, if every channel on it carries it and the limits are kept. */
function costOf(path: readonly Way[], { parameters }: RouteRequest): Cost | undefined {
  const { finalValue: amount, maxFee, paymentParameters: limits } = parameters;
  let carried: bigint = amount;
  let expiry = finalDelta;
  for (const way of path.toReversed()) {
    if (carried < way.minimum || carried > way.maximum) return undefined;
    if (way.isFirst) continue;
    carried += way.base + (carried * way.rate) / 1_000_000n;
    expiry += way.delta;
  }
  const fee = carried - amount;
  return fee <= maxFee && expiry <= limits.maxTotalCltvExpiryDelta ? { fee, expiry } : undefined;
}

function allPaths({ ways, request }: Problem): readonly (readonly Way[])[] {
  const paths: (readonly Way[])[] = [];
  const extend = (path: readonly Way[], last: NodeId, seen: ReadonlySet<NodeId>): void => {
    if (last === payeeId) {
      paths.push(path);
      return;
    }
    for (const way of ways) {
      if (way.from === last && !seen.has(way.to)) {
        extend([...path, way], way.to, new Set([...seen, way.to]));
      }
    }
  };
  extend([], request.payer, new Set([request.payer]));
  return paths;
}

function cheapest(problem: Problem): Cost | undefined {
  let best: Cost | undefined;
  for (const path of allPaths(problem)) {
    const cost = costOf(path, problem.request);
    if (cost !== undefined && (best === undefined || cost.fee < best.fee)) best = cost;
  }
  return best;
}

/** What the found path really costs, looked up channel by channel; its own figures must say the same. */
function verifiedCost(path: Path, { ways, request }: Problem): Cost {
  let from = request.payer;
  const taken = path.hops.map(({ nodeId, shortChannelId }) => {
    const way = ways.find((each) => each.id === shortChannelId && each.from === from && each.to === nodeId);
    assert.ok(way, `no channel ${shortChannelId} from ${from} to ${nodeId}`);
    from = nodeId;
    return way;
  });
  assert.equal(from, payeeId);
  const cost = costOf(taken, request);
  assert.ok(cost, "a path that cannot be paid");
  const fees = path.hops.slice(0, -1).reduce<bigint>((total, { fee }) => total + fee, 0n);
  const expiries = path.hops.reduce((total, { cltvExpiryDelta }) => total + cltvExpiryDelta, 0);
  assert.deepEqual({ fee: fees, expiry: expiries }, cost);
  for (const [i, { fee, cltvExpiryDelta }] of path.hops.slice(0, -1).entries()) {
    assert.equal(cltvExpiryDelta, taken[i + 1]?.delta);
    assert.ok(fee >= (taken[i + 1]?.base ?? 0n));
  }
  assert.equal(path.hops.at(-1)?.fee, request.parameters.finalValue);
  assert.equal(path.hops.at(-1)?.cltvExpiryDelta, finalDelta);
  return cost;
}

describe("against every path of small graphs", () => {
  test("where fees alone count, the search finds the very cheapest, and one whenever there is one", () => {
    let found = 0;
    fc.assert(
      fc.property(problems(fc.constant(0), fc.constant(0n)), (problem) => {
        const route = findRoute(problem.request, problem.graph);
        const best = cheapest(problem);
        assert.equal(route.ok, best !== undefined);
        if (!route.ok || best === undefined) return;
        found++;
        const [path] = route.value.paths;
        assert.ok(path);
        assert.equal(verifiedCost(path, problem).fee, best.fee);
      }),
      { seed: 21, numRuns: 600 },
    );
    assert.ok(found > 100, `only ${found} routes`);
  });

  test("with expiries and minimums, what it finds can be paid, and where there is nothing it finds nothing", () => {
    let found = 0;
    const minimum = fc.bigInt({ min: 0n, max: 1_010_000n });
    fc.assert(
      fc.property(problems(fc.nat(120), minimum), (problem) => {
        const route = findRoute(problem.request, problem.graph);
        const best = cheapest(problem);
        if (best === undefined) assert.ok(!route.ok);
        if (!route.ok) return;
        found++;
        const [path] = route.value.paths;
        assert.ok(path);
        const { fee } = verifiedCost(path, problem);
        assert.ok(best !== undefined && fee >= best.fee);
      }),
      { seed: 22, numRuns: 600 },
    );
    assert.ok(found > 80, `only ${found} routes`);
  });
});
