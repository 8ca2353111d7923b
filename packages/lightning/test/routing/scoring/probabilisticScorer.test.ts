import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  defaultFeeParameters,
  FixedPenaltyScorer,
  ProbabilisticScorer,
  withBannedNodes,
  withManualPenalty,
  withoutManualPenalty,
} from "@fulmen/lightning/routing";
import { msat, type ShortChannelId } from "@fulmen/lightning/util";
import { arrayGraph } from "./arrayGraph.ts";
import {
  at,
  line,
  nodes,
  noPenalties,
  pathOf,
  penaltyBy,
  recipientId,
  scorerOf,
  second,
  sourceId,
  targetId,
  third,
} from "./situations.ts";

const never = Number.POSITIVE_INFINITY;

describe("penalties by the present bounds", () => {
  it("fall where the amount is known to have got farther", () => {
    const { scorer, penalty } = scorerOf(1_000, { liquidityPenaltyMultiplierMsat: 1_000 });
    assert.deepEqual(
      [250, 500, 750].map((amount) => penalty(amount)),
      [128, 301, 602],
    );
    scorer.paymentPathFailed(pathOf(500), third, at(0));
    assert.deepEqual(
      [250, 500, 750].map((amount) => penalty(amount)),
      [0, 0, 300],
    );
  });

  it("rise to the most, and beyond, where the amount did not pass", () => {
    const { scorer, penalty } = scorerOf(1_000, {
      liquidityPenaltyMultiplierMsat: 1_000,
      consideredImpossiblePenaltyMsat: never,
    });
    scorer.paymentPathFailed(pathOf(500), second, at(0));
    assert.deepEqual(
      [250, 500, 501, 750].map((amount) => penalty(amount)),
      [300, 2_000, never, never],
    );
  });

  it("stay as they were for channels behind the one that failed, and for the way back", () => {
    const { scorer, penalty } = scorerOf(1_000, { liquidityPenaltyMultiplierMsat: 1_000 });
    scorer.paymentPathFailed(pathOf(250), second, at(0));
    assert.equal(penalty(250, 0, 2), 128);
    assert.equal(scorer.estimatedChannelLiquidityRange(third, recipientId), undefined);
    // What source cannot send is with target.
    assert.deepEqual(scorer.estimatedChannelLiquidityRange(second, sourceId), {
      min: msat(750),
      max: msat(1_000),
    });
  });

  it("are learned of all known channels before one that the graph has lost", () => {
    const { scorer } = scorerOf(1_000, {});
    scorer.paymentPathFailed(pathOf(250), 44n as ShortChannelId, at(0));
    assert.equal(scorer.estimatedChannelLiquidityRange(second, targetId)?.min, 250n);
    assert.equal(scorer.scores.size, 2);
  });

  it("know that what was paid is there no more", () => {
    const { scorer, penalty } = scorerOf(1_000, { liquidityPenaltyMultiplierMsat: 1_000 });
    scorer.paymentPathSuccessful(pathOf(500), at(0));
    assert.deepEqual([penalty(250), penalty(250, 0, 2)], [300, 300]);
  });

  it("begin anew where a bound crosses the other one", () => {
    const { scorer } = scorerOf(1_000, {});
    const range = () => scorer.estimatedChannelLiquidityRange(second, targetId);
    scorer.paymentPathFailed(pathOf(300), second, at(0));
    scorer.paymentPathFailed(pathOf(400), third, at(0));
    assert.deepEqual(range(), { min: msat(400), max: msat(1_000) });
    scorer.paymentPathFailed(pathOf(200), second, at(0));
    assert.deepEqual(range(), { min: msat(0), max: msat(200) });
  });

  it("fade by half with each half life", () => {
    const { scorer, penalty } = scorerOf(
      1_000,
      { liquidityPenaltyMultiplierMsat: 1_000, consideredImpossiblePenaltyMsat: never },
      { halfLife: 10, askedCapacity: 1_024 },
    );
    assert.deepEqual([penalty(0), penalty(1_023)], [0, 2_000]);
    scorer.paymentPathFailed(pathOf(768), second, at(0));
    scorer.paymentPathFailed(pathOf(128), third, at(0));
    const seen = (...amounts: number[]) => amounts.map((amount) => penalty(amount));
    assert.deepEqual(seen(128, 256, 768, 896), [0, 93, 1_479, never]);
    scorer.timePassed(at(5));
    assert.deepEqual(seen(128, 256, 768, 896), [22, 106, 921, never]);
    scorer.timePassed(at(10));
    assert.deepEqual(seen(64, 128, 896, 960), [0, 34, 1_970, never]);
    scorer.timePassed(at(80));
    assert.deepEqual(seen(0, 1, 1_024, 1_025), [0, 0, 2_000, never]);
  });

  it("can be set anew after they have faded", () => {
    const { scorer, penalty } = scorerOf(
      1_000,
      { liquidityPenaltyMultiplierMsat: 1_000 },
      { halfLife: 10, askedCapacity: 1_024 },
    );
    scorer.paymentPathFailed(pathOf(768), second, at(0));
    scorer.paymentPathFailed(pathOf(256), third, at(0));
    assert.equal(penalty(512), 281);
    scorer.timePassed(at(10));
    assert.equal(penalty(512), 291);
    scorer.paymentPathFailed(pathOf(512), 77n as ShortChannelId, at(10));
    assert.equal(penalty(512), 0);
  });

  it("are for the amount with what is in flight", () => {
    const { penalty } = scorerOf(1_000, { consideredImpossiblePenaltyMsat: never });
    assert.notEqual(penalty(750, 250), never);
    assert.equal(penalty(750, 251), never);
  });

  it("grow with the amount where they are to", () => {
    const fixed = scorerOf(1_024_000, { liquidityPenaltyMultiplierMsat: 1_000 });
    assert.equal(fixed.penalty(512_000), 300);
    const growing = scorerOf(1_024_000, {
      liquidityPenaltyMultiplierMsat: 1_000,
      liquidityPenaltyAmountMultiplierMsat: 256,
    });
    assert.equal(growing.penalty(512_000), 337);
  });
});

describe("penalties by the history", () => {
  it("are as LDK finds them for a common payment over channels of many sizes", () => {
    const expected = [
      [950, 211_262],
      [1_950, 180_032],
      [2_950, 164_259],
      [3_950, 154_165],
      [4_950, 149_434],
      [5_950, 144_702],
      [6_950, 142_178],
      [7_450, 139_969],
      [7_950, 139_969],
      [8_950, 137_446],
      [9_950, 135_238],
    ] as const;
    for (const [millions, penalty] of expected) {
      const graph = line(millions * 1_000_000, 1_000);
      const scorer = new ProbabilisticScorer({ graph });
      assert.equal(penaltyBy(scorer, graph)(100_000_000), penalty);
    }
  });

  const short = {
    decayParameters: { liquidityOffsetHalfLife: 3_600, historicalNoUpdatesHalfLife: 10 },
    askedCapacity: 1_024,
  };

  it("remember a failure when the bounds have long faded, and forget it at last", () => {
    const { scorer, penalty } = scorerOf(
      1_000,
      {
        historicalLiquidityPenaltyMultiplierMsat: 1_024,
        historicalLiquidityPenaltyAmountMultiplierMsat: 1_024,
      },
      short,
    );
    const chance = (amount: number) =>
      scorer.historicalEstimatedPaymentSuccessProbability(second, targetId, { amount: msat(amount) });
    assert.deepEqual([penalty(100), chance(42)], [135, undefined]);
    scorer.paymentPathFailed(pathOf(1), second, at(0));
    assert.deepEqual([penalty(100), penalty(1)], [2_048, 220]);
    assert.deepEqual(chance(500), 0.01);
    scorer.paymentPathFailed(pathOf(1_000), third, at(0));
    assert.equal(penalty(100), 83);
    assert.ok(between(chance(500), 0.61, 0.62) && between(chance(1), 0.88, 0.89));
    scorer.timePassed(at(160));
    assert.deepEqual([penalty(100), chance(1)], [135, undefined]);
    scorer.timePassed(at(10 * (16 + 3_600)));
    assert.equal(scorer.historicalEstimatedChannelLiquidityProbabilities(second, targetId), undefined);
  });

  it("of the amounts that failed on a large channel count the least only", () => {
    const capacity = 100_000_000_000;
    const { scorer, penalty } = scorerOf(
      capacity,
      {
        historicalLiquidityPenaltyMultiplierMsat: 1_024,
        historicalLiquidityPenaltyAmountMultiplierMsat: 1_024,
      },
      { ...short, askedCapacity: capacity },
    );
    const chance = (amount: number) =>
      scorer.historicalEstimatedPaymentSuccessProbability(second, targetId, { amount: msat(amount) });
    assert.equal(penalty(10_000_000), 910);
    scorer.paymentPathFailed(pathOf(10_000_000), second, at(0));
    assert.equal(penalty(10_000_000), 2_048 + Math.floor((2_048 * 10_000_000) / 2 ** 20));
    assert.equal(chance(10_000_000), 0.01);
    assert.equal(chance(5_000_000), 0.5);
    scorer.paymentPathFailed(pathOf(5_000_000), second, at(0));
    assert.equal(chance(5_000_000), 0.01);
  });
});

describe("a history", () => {
  it("stays as it is for as long as its half life, and then fades by what has passed", () => {
    const { scorer } = scorerOf(1_000, {});
    const day = 24 * 3_600;
    scorer.paymentPathFailed(pathOf(500), second, at(0));
    const points = () => scorer.historicalEstimatedChannelLiquidityProbabilities(second, targetId)?.min[0];
    scorer.timePassed(at(14 * day));
    assert.equal(points(), 32);
    scorer.timePassed(at(28 * day));
    assert.equal(points(), 8);
    scorer.timePassed(at(41 * day));
    assert.equal(points(), 8);
  });

  it("of very many payments fills its buckets to no more than 63,489", () => {
    const { scorer } = scorerOf(1_000, {});
    const entry = scorer.scores.findOrAdd(0, 42, 0);
    for (let i = 0; i < 30_000; i++) scorer.scores.track(2 * entry, { min: 0, max: 600, capacity: 1_000 });
    const history = scorer.historicalEstimatedChannelLiquidityProbabilities(second, targetId);
    assert.equal(history?.min[0], 63_489);
    assert.equal(Math.max(...(history?.max ?? [])), 63_489);
    const chance = scorer.historicalEstimatedPaymentSuccessProbability(second, targetId, {
      amount: msat(100),
    });
    assert.ok(between(chance, 0.5, 0.8), String(chance));
  });
});

describe("other penalties", () => {
  it("are for each hop, and for the amount", () => {
    const expected = [
      [{}, 58],
      [{ basePenaltyMsat: 500 }, 558],
      [{ basePenaltyMsat: 500, basePenaltyAmountMultiplierMsat: 2 ** 30 }, 558 + 128],
    ] as const;
    for (const [parameters, sum] of expected) {
      const { penalty } = scorerOf(1_024, { liquidityPenaltyMultiplierMsat: 1_000, ...parameters });
      assert.equal(penalty(128), sum);
    }
  });

  it("are for channels of which half may pass at once", () => {
    const expected = [
      [1_000, 0],
      [511_999, 0],
      [512_000, 1_250],
      [1_024_000, 1_250],
    ] as const;
    for (const [htlcMaximum, sum] of expected) {
      const { penalty } = scorerOf(1_024_000, { antiProbingPenaltyMsat: 1_250 }, { htlcMaximum });
      assert.equal(penalty(512_000), sum);
    }
  });

  it("are not for channels of unknown capacity that let all pass", () => {
    const graph = arrayGraph(nodes, [{ id: 42, one: 1, two: 2, capacity: -1, htlcMaxima: [1_000, 0] }]);
    const feeParameters = { ...noPenalties, antiProbingPenaltyMsat: 1_250 };
    const penalty = penaltyBy(new ProbabilisticScorer({ graph, feeParameters }), graph);
    assert.equal(penalty(500), 0);
    // A maximum of nothing: no division by it.
    assert.equal(penaltyBy(new ProbabilisticScorer({ graph }), graph)(1, 0, 1), 5_120 + 100_000 + 1e11);
  });

  it("make probes go where nothing was learned today", () => {
    const { scorer, penalty } = scorerOf(1_000, { probingDiversityPenaltyMsat: 1_000_000 });
    scorer.timePassed(at(10_000_000));
    assert.equal(penalty(100), 0);
    scorer.probeFailed(pathOf(500), second, at(10_000_000));
    assert.equal(penalty(100), 1_000_000);
    scorer.timePassed(at(10_000_000 + 12 * 3_600));
    assert.equal(penalty(100), 250_000);
    scorer.timePassed(at(10_000_000 + 24 * 3_600));
    assert.equal(penalty(100), 0);
  });

  it("are what the user says for channels to a node", () => {
    const { graph, scorer, penalty } = scorerOf(1_000, { basePenaltyMsat: 7 });
    const dear = withManualPenalty(scorer.feeParameters, targetId, 123);
    scorer.setFeeParameters(dear);
    assert.deepEqual([penalty(10), penalty(10, 0, 1)], [123, 7]);
    scorer.setFeeParameters(withBannedNodes(dear, [targetId, recipientId]));
    assert.deepEqual([penalty(10), penalty(10, 0, 2), penalty(10, 0, 1)], [never, never, 7]);
    scorer.setFeeParameters(withoutManualPenalty(scorer.feeParameters, targetId));
    assert.deepEqual([penalty(10), penalty(10, 0, 2)], [7, never]);
    const other = scorer.withFeeParameters(defaultFeeParameters).penaltiesFor(graph);
    assert.ok(other.edgePenalty(2, 10, 0) < never);
  });

  it("can be the same for all", () => {
    const scorer = new FixedPenaltyScorer(42);
    assert.equal(scorer.penaltiesFor().edgePenalty(0, 1, 2), 42);
  });
});

describe("what a scorer tells", () => {
  it("are the parts of a penalty, of which the sum is the penalty", () => {
    const { scorer, graph, penalty } = scorerOf(1_000_000, {
      ...defaultFeeParameters,
      liquidityPenaltyMultiplierMsat: 900,
      probingDiversityPenaltyMsat: 3_000,
    });
    scorer.paymentPathFailed(pathOf(400_000), second, at(100_000));
    for (const amount of [1, 399_999, 400_001, 1_000_001]) {
      const { base, antiProbing, liquidity, historicalLiquidity, ...rest } = scorer
        .edges(graph)
        .penaltyParts(0, amount, 7);
      const { consideredImpossible, probingDiversity, manual } = rest;
      const sum = base + antiProbing + liquidity + historicalLiquidity;
      assert.equal(sum + consideredImpossible + probingDiversity + manual, penalty(amount, 7));
    }
  });

  it("are chances from nothing to certainty", () => {
    const { scorer } = scorerOf(1_000, {});
    const chances = (...amounts: number[]) =>
      amounts.map((amount) => scorer.liveEstimatedPaymentSuccessProbability(second, targetId, msat(amount)));
    assert.deepEqual(chances(0, 1_000, 1_001), [1, 0.01, 0]);
    scorer.paymentPathFailed(pathOf(600), second, at(0));
    scorer.paymentPathFailed(pathOf(200), third, at(0));
    assert.deepEqual(chances(200, 599, 600, 1_000, 1_001), [1, 0.01, 0.01, 0.01, 0]);
    assert.equal(scorer.liveEstimatedPaymentSuccessProbability(second, recipientId, msat(1)), undefined);
  });

  it("are the bounds and histories of all channels, both ways", () => {
    const { scorer } = scorerOf(1_000, {});
    scorer.paymentPathFailed(pathOf(250), second, at(0));
    const stats = [...scorer.liquidityStats()];
    assert.deepEqual(
      stats.map(({ target, range }) => [target, range.min, range.max]),
      [
        [targetId, 0n, 250n],
        [sourceId, 750n, 1_000n],
      ],
    );
    assert.equal(stats[0]?.history.min[0], 32);
    assert.equal(stats[0]?.history.max[14], 32);
    assert.deepEqual(stats[1]?.history.max, [...(stats[0]?.history.min ?? [])].reverse());
  });
});

describe("a scorer's memory", () => {
  it("outlives channels that leave the graph, but not without a limit", () => {
    const channels = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        id: from + i,
        one: 1,
        two: 2,
        capacity: 1_000,
        htlcMaxima: [1_000, 1_000],
      }));
    const teach = (scorer: ProbabilisticScorer, from: number, count: number) => {
      for (let id = from; id < from + count; id++) {
        const shortChannelId = BigInt(id) as ShortChannelId;
        const hops = [{ nodeId: targetId, shortChannelId }];
        scorer.paymentPathFailed({ hops, finalValue: msat(500) }, shortChannelId, at(id));
      }
    };
    const past = new ProbabilisticScorer({ graph: arrayGraph(nodes, channels(1, 10_000)) });
    teach(past, 1, 10_000);
    const graph = arrayGraph(nodes, channels(20_001, 10));
    const scorer = new ProbabilisticScorer({ graph, scores: past.scores });
    teach(scorer, 20_001, 10);
    assert.equal(scorer.scores.size, 10_010);
    const one = arrayGraph(nodes, channels(30_001, 1));
    const later = new ProbabilisticScorer({ graph: one, scores: scorer.scores });
    teach(later, 30_001, 1);
    assert.equal(later.scores.size, 5_001);
    // Those stay of which something was learned last.
    assert.ok(later.scores.find(0, 20_010) >= 0 && later.scores.find(0, 1) < 0);
    assert.equal(later.estimatedChannelLiquidityRange(30_001n as ShortChannelId, targetId)?.max, 500n);
  });
});

function between(value: number | undefined, low: number, high: number): boolean {
  return value !== undefined && value > low && value < high;
}

describe("the least penalty", () => {
  const amounts = [1, 999, 40_000, 1_000_000, 123_456_789];

  it("is below what any edge asks for the amount, and by the msat for a smaller one", () => {
    const feeParameters = { ...defaultFeeParameters, linearSuccessProbability: true };
    const { graph, scorer, penalty } = scorerOf(2_000_000_000, feeParameters);
    scorer.paymentPathFailed(pathOf(900_000), third, at(0));
    const edges = scorer.penaltiesFor(graph);
    for (const amount of amounts) {
      const least = edges.leastPenalty?.(amount) ?? 0;
      assert.ok(least >= defaultFeeParameters.basePenaltyMsat - 1, `${least} for ${amount} msat`);
      for (const smaller of amounts.filter((one) => one <= amount)) {
        for (const edge of [0, 1, 2, 3]) {
          assert.ok(penalty(smaller, 0, edge) / smaller >= least / amount, `${smaller} of ${amount} msat`);
        }
      }
    }
  });

  it("is nothing where the user may ask for less", () => {
    const graph = line(1_000);
    const feeParameters = withManualPenalty(defaultFeeParameters, targetId, 0);
    const scorer = new ProbabilisticScorer({ graph, feeParameters });
    assert.equal(penaltyBy(scorer, graph)(100), 0);
    assert.equal(scorer.penaltiesFor(graph).leastPenalty?.(100), 0);
  });

  it("is what each edge asks for when all ask for the same", () => {
    assert.equal(new FixedPenaltyScorer(7).penaltiesFor().leastPenalty?.(100), 7);
  });
});
