import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  explainRoute,
  type Path,
  ProbabilisticScorer,
  paymentParameters,
  type RouteRequest,
  withBannedNodes,
} from "@fulmen/lightning/routing";
import {
  msat,
  type NodeId,
  type Point,
  type ShortChannelId,
  shortChannelId,
  zeroMsat,
} from "@fulmen/lightning/util";
import { arrayGraph } from "./scoring/arrayGraph.ts";
import { at } from "./scoring/situations.ts";

const [payer, alice, bob, payee] = ["0", "1", "2", "3"].map((last) => `02${last.repeat(64)}` as NodeId) as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const ids = [1, 2, 3, 4].map((height) => shortChannelId({ height, txIndex: 0, outputIndex: 0 })) as [
  ShortChannelId,
  ShortChannelId,
  ShortChannelId,
  ShortChannelId,
];
const wide = { capacity: 1_000_000_000, htlcMaxima: [1_000_000_000, 1_000_000_000] };
const graph = arrayGraph(
  [payer, alice, bob, payee],
  [
    { id: ids[1], one: 1, two: 2, ...wide },
    { id: ids[2], one: 2, two: 3, ...wide },
  ],
);

const point = new Uint8Array(33) as Point;

const step = (nodeId: NodeId, id: ShortChannelId, fee: number) => ({
  nodeId,
  shortChannelId: id,
  fee: msat(fee),
  cltvExpiryDelta: 40,
});
const path: Path = {
  hops: [step(alice, ids[0], 1_500), step(bob, ids[1], 700), step(payee, ids[2], 100_000_000)],
};
const request: RouteRequest = {
  payer,
  parameters: {
    paymentParameters: paymentParameters({
      kind: "clear",
      nodeId: payee,
      routeHints: [],
      finalCltvExpiryDelta: 40,
    }),
    finalValue: msat(100_000_000),
    maxFee: msat(10_000),
  },
  firstHops: [],
  inFlightHtlcs: [{ shortChannelId: ids[2], source: bob, amount: msat(5_000) }],
};

describe("why this route", () => {
  it("tells of each hop what passes, what it costs, and what is known", () => {
    const scorer = new ProbabilisticScorer({ graph });
    const tried = { hops: path.hops, finalValue: msat(400_000_000) };
    scorer.paymentPathFailed(tried, ids[1], at(1_000));
    const { hops, probability, fees, finalValue } = explainRoute({ paths: [path] }, request, graph, scorer)
      .paths[0] ?? { hops: [] };
    assert.deepEqual([finalValue, fees], [100_000_000n, 2_200n]);
    assert.deepEqual(
      hops.map(({ kind, source, target, amount, fee, inFlight }) => [
        kind,
        source,
        target,
        amount,
        fee,
        inFlight,
      ]),
      [
        ["own", payer, alice, 100_002_200n, 0n, 0n],
        ["announced", alice, bob, 100_000_700n, 1_500n, 0n],
        ["announced", bob, payee, 100_000_000n, 700n, 5_000n],
      ],
    );
    const [, second, third] = hops;
    assert.deepEqual(
      [second?.outlook?.max, second?.outlook?.basis, third?.outlook?.basis],
      [400_000_000, "history", "capacity"],
    );
    const penalties = scorer.penaltiesFor(graph);
    assert.equal(second?.penalty?.total, penalties.edgePenalty(0, 100_000_700, 0));
    assert.equal(third?.penalty?.total, penalties.edgePenalty(2, 100_000_000, 5_000));
    assert.equal(probability, (second?.outlook?.probability ?? 0) * (third?.outlook?.probability ?? 0));
    assert.ok(second?.outlook !== undefined && second.outlook.probability < 0.7);
  });

  it("can be read", () => {
    const scorer = new ProbabilisticScorer({ graph });
    const { text } = explainRoute({ paths: [path] }, request, graph, scorer);
    assert.equal(
      text,
      [
        "100,000 sat in one part for 2.200 sat of fees; arrives with a chance of 36 %",
        "1. 1x0x0 0200000000 -> 0211111111: our channel, 100,002.200 sat",
        "2. 2x0x0 0211111111 -> 0222222222: 100,000.700 sat; 0211111111 keeps 1.500 sat; " +
          "nothing is known but its size of 1,000,000 sat; carries it with 60 %; penalty 212.513 sat: " +
          "66.155 sat for the hop and the amount, 1.250 sat since half of it may pass at once, " +
          "145.108 sat for the chance to fail",
        "3. 3x0x0 0222222222 -> 0233333333: 100,000 sat, and 5 sat of other HTLCs; " +
          "0222222222 keeps 0.700 sat; nothing is known but its size of 1,000,000 sat; " +
          "carries it with 60 %; penalty 212.512 sat: 66.155 sat for the hop and the amount, " +
          "1.250 sat since half of it may pass at once, 145.107 sat for the chance to fail",
      ].join("\n"),
    );
  });

  it("counts other parts as in flight, and tells of hints, blinded hops and the user's wishes", () => {
    const scorer = new ProbabilisticScorer({ graph });
    scorer.setFeeParameters(withBannedNodes(scorer.feeParameters, [bob]));
    const hinted: Path = { hops: [...path.hops.slice(0, 2), step(payee, ids[3], 1_000)] };
    const blinded: Path = {
      hops: [step(alice, ids[0], 0), step(bob, ids[1], 900)],
      blindedTail: {
        hops: [0, 1, 2].map(() => ({ blindedNodeId: point, encryptedPayload: new Uint8Array(0) })),
        pathKey: point,
        excessFinalCltvExpiryDelta: 0,
        finalValue: msat(2_000),
      },
    };
    const route = { paths: [hinted, blinded] };
    const { paths, text } = explainRoute(route, { ...request, inFlightHtlcs: [] }, graph, scorer);
    const [first, second] = paths;
    assert.deepEqual(
      first?.hops.map(({ kind, inFlight }) => [kind, inFlight]),
      [
        ["own", 2_900n],
        ["announced", 2_900n],
        ["hinted", zeroMsat],
      ],
    );
    assert.deepEqual(
      second?.hops.map(({ amount, inFlight }) => [amount, inFlight]),
      [
        [2_900n, 3_200n],
        [2_900n, 1_700n],
      ],
    );
    assert.equal(second?.blindedHops, 2);
    assert.match(text, /in 2 parts/);
    assert.match(text, /the payee told of this channel/);
    assert.match(text, /penalty all there is: all there is by the user's wish/);
    assert.match(text, /then 2 hops that only the payee knows/);
  });
});
