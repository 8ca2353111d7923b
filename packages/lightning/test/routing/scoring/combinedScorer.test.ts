import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CombinedScorer, decodeScores, ProbabilisticScorer } from "@fulmen/lightning/routing";
import { msat } from "@fulmen/lightning/util";
import { at, line, noPenalties, pathOf, recipientId, second, targetId, third } from "./situations.ts";

const graph = line(1_000);
const feeParameters = { ...noPenalties, historicalLiquidityPenaltyMultiplierMsat: 1_000 };
const fresh = () => new ProbabilisticScorer({ graph, feeParameters });

describe("CombinedScorer", () => {
  it("goes by the mean of what is known here and what others say, and stores what is known here", () => {
    const local = fresh();
    local.paymentPathFailed(pathOf(600), second, at(0));
    const combined = new CombinedScorer(local, graph);
    const before = combined.penaltiesFor(graph).edgePenalty(0, 750, 0);
    const stored = combined.write();
    const external = fresh();
    external.probeSuccessful(pathOf(800), at(0));
    combined.merge(external.scores, at(0));
    assert.ok(combined.penaltiesFor(graph).edgePenalty(0, 750, 0) < before);
    // Halves of (0, 800) from below, and of (400, 0) from above.
    assert.deepEqual(combined.merged.estimatedChannelLiquidityRange(second, targetId), {
      min: msat(400),
      max: msat(800),
    });
    // Of the other one nothing was known here.
    assert.equal(combined.merged.estimatedChannelLiquidityRange(third, recipientId)?.min, 800n);
    assert.deepEqual(combined.write(), stored);
    assert.equal(combined.localOnly.estimatedChannelLiquidityRange(second, targetId)?.max, 600n);
    assert.equal(external.estimatedChannelLiquidityRange(second, targetId)?.min, 800n);
  });

  it("lets what it merges fade first", () => {
    const combined = new CombinedScorer(fresh(), graph);
    const external = fresh();
    external.probeSuccessful(pathOf(800), at(0));
    combined.merge(external.scores, at(1_800));
    assert.equal(combined.merged.estimatedChannelLiquidityRange(second, targetId)?.min, 400n);
  });

  it("teaches both: what all know, and what is stored", () => {
    const combined = new CombinedScorer(fresh(), graph);
    combined.paymentPathFailed(pathOf(500), third, at(0));
    combined.probeFailed(pathOf(400), third, at(1));
    combined.paymentPathSuccessful(pathOf(100), at(2));
    combined.probeSuccessful(pathOf(50), at(3));
    combined.timePassed(at(1_802));
    assert.deepEqual(combined.merged.write(), combined.write());
    const read = new ProbabilisticScorer({ graph, scores: decodeScores(combined.write()) });
    assert.deepEqual(read.estimatedChannelLiquidityRange(second, targetId), {
      min: msat(250),
      max: msat(950),
    });
  });

  it("takes others' channels in no more than it may remember", () => {
    const external = fresh();
    for (let id = 1; id <= 12_000; id++) external.scores.findOrAdd(7, id, 0);
    external.scores.offsets.fill(1_000_000);
    const combined = new CombinedScorer(fresh(), graph);
    combined.merge(external.scores, at(1));
    assert.ok(combined.merged.scores.size <= 10_002);
  });
});
