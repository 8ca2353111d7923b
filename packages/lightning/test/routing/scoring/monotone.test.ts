import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  defaultFeeParameters,
  explainRoute,
  ProbabilisticScorer,
  paymentParameters,
} from "@fulmen/lightning/routing";
import { msat } from "@fulmen/lightning/util";
import fc from "fast-check";
import { at, first, line, nodes, pathOf, recipientId, second, third } from "./situations.ts";

// Whatever was learned before: more is never likelier to arrive than less, and never cheaper. (But for the penalty that
// makes probes diverse: it is no longer asked where the channel cannot hold the amount.)

const capacity = 1_000_000_000;
const amount = fc.oneof(
  fc.nat(capacity),
  fc.nat(2_000),
  fc.integer({ min: capacity - 2_000, max: capacity + 2_000 }),
);
/** What may be learned, one after another: an amount, what became of it, and the seconds until then. */
const lessons = fc.array(
  fc.record({ amount, outcome: fc.nat(3), seconds: fc.oneof(fc.nat(100), fc.nat(20 * 24 * 3_600)) }),
  { maxLength: 30 },
);
/** Multipliers of every kind; a quarter of them are LDK's. */
const parameters = fc.oneof(
  fc.constant(defaultFeeParameters),
  fc.record({
    basePenaltyMsat: fc.nat(10_000),
    basePenaltyAmountMultiplierMsat: fc.nat(1_000_000),
    liquidityPenaltyMultiplierMsat: fc.nat(100_000),
    liquidityPenaltyAmountMultiplierMsat: fc.nat(10_000),
    historicalLiquidityPenaltyMultiplierMsat: fc.nat(100_000),
    historicalLiquidityPenaltyAmountMultiplierMsat: fc.nat(10_000),
    antiProbingPenaltyMsat: fc.nat(2_000),
    consideredImpossiblePenaltyMsat: fc.constantFrom(0, 100_000_000_000, Number.POSITIVE_INFINITY),
    linearSuccessProbability: fc.boolean(),
  }),
);
const amounts = fc.array(amount, { minLength: 2, maxLength: 40 }).map((all) => all.toSorted((a, b) => a - b));

type Lessons = typeof lessons extends fc.Arbitrary<infer T> ? T : never;

function taught(taughtBy: Lessons, feeParameters: Partial<typeof defaultFeeParameters>): ProbabilisticScorer {
  const graph = line(capacity);
  const scorer = new ProbabilisticScorer({
    graph,
    feeParameters: { ...defaultFeeParameters, ...feeParameters },
  });
  let now = 1_000_000;
  for (const { amount: paid, outcome, seconds } of taughtBy) {
    now += seconds;
    scorer.timePassed(at(now));
    const path = pathOf(Math.max(1, Math.min(paid, capacity)));
    if (outcome === 0) scorer.paymentPathFailed(path, second, at(now));
    else if (outcome === 1) scorer.probeFailed(path, third, at(now));
    else if (outcome === 2) scorer.probeSuccessful(path, at(now));
    else scorer.paymentPathSuccessful(path, at(now));
  }
  return scorer;
}

/** What a path of two announced channels is told to be worth. */
function pathProbability(scorer: ProbabilisticScorer, value: number): number {
  const step = (nodeId: (typeof nodes)[number], shortChannelId: typeof first) => ({
    ...{ nodeId, shortChannelId, fee: msat(0), cltvExpiryDelta: 40 },
  });
  const [payer, sourceId, targetId] = nodes;
  assert.ok(payer && sourceId && targetId);
  const hops = [
    step(sourceId, first),
    step(targetId, second),
    { ...step(recipientId, third), fee: msat(value) },
  ];
  const payee = { kind: "clear", nodeId: recipientId, finalCltvExpiryDelta: 18, routeHints: [] } as const;
  const request = {
    payer,
    firstHops: [],
    inFlightHtlcs: [],
    parameters: { paymentParameters: paymentParameters(payee), finalValue: msat(value), maxFee: msat(0) },
  };
  return explainRoute({ paths: [{ hops }] }, request, line(capacity), scorer).probability;
}

describe("a scorer that has learned anything whatever", () => {
  test("asks no less for more", () => {
    let rises = 0;
    fc.assert(
      fc.property(lessons, parameters, amounts, fc.nat(capacity), (learned, asked, rising, inFlight) => {
        const edges = taught(learned, asked).penaltiesFor(line(capacity));
        for (const [edge, taken] of [
          [0, 0],
          [1, 0],
          [0, inFlight],
          [2, 0],
        ] as const) {
          let last = 0;
          for (const each of rising) {
            const penalty = edges.edgePenalty(edge, each, taken);
            assert.ok(penalty >= last, `${penalty} for ${each} over edge ${edge}, ${last} for less`);
            if (penalty > last) rises++;
            last = penalty;
          }
        }
      }),
      { seed: 61, numRuns: 300 },
    );
    assert.ok(rises > 1_000, `${rises}`);
  });

  test("gives more no better chance to arrive, by one channel or by a path", () => {
    let falls = 0;
    fc.assert(
      fc.property(lessons, fc.boolean(), amounts, (learned, linearSuccessProbability, rising) => {
        const scorer = taught(learned, { linearSuccessProbability });
        const edges = scorer.edges(line(capacity));
        for (const chance of [
          (value: number) => edges.outlook(0, value).probability,
          (value: number) => edges.outlook(3, value).probability,
          (value: number) => pathProbability(scorer, value),
        ]) {
          let last = 1;
          for (const each of rising) {
            const probability = chance(each);
            assert.ok(
              probability >= 0 && probability <= last,
              `${probability} for ${each}, ${last} for less`,
            );
            if (probability < last) falls++;
            last = probability;
          }
        }
      }),
      { seed: 62, numRuns: 300 },
    );
    assert.ok(falls > 1_000, `${falls}`);
  });
});
