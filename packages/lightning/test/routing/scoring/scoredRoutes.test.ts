import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CombinedScorer,
  DefaultRouter,
  FixedPenaltyScorer,
  findRoute,
  ProbabilisticScorer,
  paymentParameters,
  type RouteRequest,
  type ScoreLookUp,
  triedPath,
  withBannedNodes,
} from "@fulmen/lightning/routing";
import { msat, type NodeId, type ShortChannelId } from "@fulmen/lightning/util";
import { arrayGraph } from "./arrayGraph.ts";
import { at } from "./situations.ts";

const [payer, near, upper, lower, payee] = ["0", "1", "2", "3", "4"].map(
  (last) => `02${last.repeat(64)}` as NodeId,
) as [NodeId, NodeId, NodeId, NodeId, NodeId];
const all = [payer, near, upper, lower, payee];
const large = { capacity: 1_000_000_000, htlcMaxima: [400_000_000, 400_000_000] };

/** From our peer to the payee by an upper way and a lower one, which costs a little more. */
const graph = arrayGraph(all, [
  { id: 12, one: 1, two: 2, ...large, feeBaseMsat: 1_000 },
  { id: 24, one: 2, two: 4, ...large, feeBaseMsat: 1_000 },
  { id: 13, one: 1, two: 3, ...large, feeBaseMsat: 1_000 },
  { id: 34, one: 3, two: 4, ...large, feeBaseMsat: 1_500 },
]);

const request: RouteRequest = {
  payer,
  parameters: {
    paymentParameters: paymentParameters({
      kind: "clear",
      nodeId: payee,
      routeHints: [],
      finalCltvExpiryDelta: 42,
    }),
    finalValue: msat(50_000_000),
    maxFee: msat(1_000_000),
  },
  firstHops: [
    {
      counterparty: near,
      shortChannelId: 1n as ShortChannelId,
      minimum: msat(1),
      maximum: msat(1_000_000_000),
    },
  ],
  inFlightHtlcs: [],
};

function routeBy(scorer: ScoreLookUp) {
  const route = findRoute(request, graph, { scorer });
  assert.ok(route.ok);
  const [path] = route.value.paths;
  assert.ok(path !== undefined);
  return path;
}
const wayBy = (scorer: ScoreLookUp) => (routeBy(scorer).hops[1]?.nodeId === upper ? "upper" : "lower");

describe("a route by scores", () => {
  it("leaves a way that failed, and comes back when that is long ago", () => {
    const scorer = new ProbabilisticScorer({ graph });
    assert.equal(wayBy(scorer), "upper");
    scorer.paymentPathFailed(triedPath(routeBy(scorer)), 24n as ShortChannelId, at(1_000));
    assert.equal(wayBy(scorer), "lower");
    scorer.timePassed(at(1_000 + 20 * 14 * 24 * 3_600));
    assert.equal(wayBy(scorer), "upper");
  });

  it("prefers what has carried as much before", () => {
    const scorer = new ProbabilisticScorer({ graph });
    const hops = [near, lower, payee].map((nodeId, i) => ({
      nodeId,
      shortChannelId: BigInt([1, 13, 34][i] ?? 0) as ShortChannelId,
    }));
    scorer.probeSuccessful({ hops, finalValue: msat(300_000_000) }, at(1_000));
    assert.equal(wayBy(scorer), "lower");
    assert.equal(wayBy(new CombinedScorer(scorer, graph)), "lower");
    assert.equal(wayBy(new FixedPenaltyScorer(5_000)), "upper");
  });

  it("never passes a banned node", () => {
    const scorer = new ProbabilisticScorer({ graph });
    scorer.setFeeParameters(withBannedNodes(scorer.feeParameters, [upper]));
    assert.equal(wayBy(scorer), "lower");
    scorer.setFeeParameters(withBannedNodes(scorer.feeParameters, [lower]));
    assert.ok(!findRoute(request, graph, { scorer }).ok);
  });

  it("is what a router with a scorer gives, search after search", () => {
    const scorer = new ProbabilisticScorer({ graph });
    const router = new DefaultRouter({ ...graph, node: () => undefined }, scorer);
    const found = () => {
      const route = router.findRoute(request);
      return route.ok && route.value.paths[0]?.hops[1]?.nodeId === upper ? "upper" : "lower";
    };
    assert.equal(found(), "upper");
    scorer.paymentPathFailed(triedPath(routeBy(scorer)), 12n as ShortChannelId, at(1_000));
    assert.equal(found(), "lower");
  });
});
