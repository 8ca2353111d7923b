import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import {
  type ChannelLiquidities,
  decodeLdkScores,
  defaultFeeParameters,
  ProbabilisticScorer,
  type ProbabilisticScoringDecayParameters,
  type ProbabilisticScoringFeeParameters,
  type ScoreLookUp,
} from "@fulmen/lightning/routing";
import {
  fromHex,
  type Msat,
  msat,
  type NodeId,
  type ShortChannelId,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { type ArrayChannel, arrayGraph } from "./arrayGraph.ts";

// What LDK's own scorer answered after the same histories: packages/interop/src/ldkScoringCases.ts asked it.
interface LdkFacts {
  readonly nodes: readonly NodeId[];
  readonly channels: readonly (ArrayChannel & { readonly id: number })[];
  readonly decay: ProbabilisticScoringDecayParameters;
  readonly parameterSets: Readonly<Record<string, Partial<ProbabilisticScoringFeeParameters>>>;
  readonly scenarios: readonly {
    readonly seed: number;
    readonly moments: readonly Moment[];
    /** What LDK's scorer stores at the end. */
    readonly written: string;
  }[];
}

interface Moment {
  readonly step: {
    readonly kind: "failed" | "successful" | "probe-failed" | "probe-successful" | "time-passed";
    readonly path?: readonly number[];
    readonly amount?: number;
    readonly at?: number;
    readonly now: UnixSeconds;
  };
  /** Edge, amount, in flight, then the penalty by each set of parameters. */
  readonly penalties?: readonly (readonly number[])[];
  readonly known?: readonly Known[];
}

interface Known {
  readonly edge: number;
  readonly range: readonly [number, number];
  /** Place and points of the buckets that are not empty. */
  readonly min: readonly (readonly number[])[];
  readonly max: readonly (readonly number[])[];
  /** An amount, and its chance by the history and by the present bounds. */
  readonly chances: readonly (readonly number[])[];
}

const facts: LdkFacts = JSON.parse(
  readFileSync(new URL("../../../../../fixtures/scoring/ldkPenalties.json", import.meta.url), "utf8"),
);
const graph = arrayGraph(facts.nodes, facts.channels);
const sets = Object.values(facts.parameterSets).map((set) => ({ ...defaultFeeParameters, ...set }));

/** A bound or a penalty of LDK's, to within what doubles lose of its integers. */
function assertNear(found: number, expected: number, what: string): void {
  assert.ok(
    Math.abs(found - expected) <= Math.max(1, 1e-12 * expected),
    `${what}: ${found}, LDK ${expected}`,
  );
}

describe("scores as LDK stores them", () => {
  const bytes = fromHex(facts.scenarios[0]?.written ?? "");

  it("are refused when they are cut, or longer than they say", () => {
    assert.ok(decodeLdkScores(bytes).size > 0);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeLdkScores(bytes.subarray(0, length)), DecodeError, `${length} bytes`);
    }
    assert.throws(() => decodeLdkScores(Uint8Array.of(...bytes, 0)), DecodeError);
  });

  it("are refused with a false count, a channel twice, a missing bound or an even record that nobody knows", () => {
    const stream = (hex: string) => `${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
    const scores = (count: string, ...entries: string[]) =>
      fromHex(stream(`00${stream(`${count}${entries.join("")}`)}`));
    const bounds = `0008${"00".repeat(8)}0208${"00".repeat(8)}`;
    const time = `040c${"00".repeat(12)}`;
    const entry = `000000000000002a${stream(`${bounds}${time}`)}`;
    assert.equal(decodeLdkScores(scores("0001", entry)).size, 1);
    const refused = [
      scores("0002", entry),
      scores("0000", entry),
      scores("ffff00000000ffffffff", entry),
      scores("0002", entry, entry),
      scores("0001", `000000000000002a${stream(bounds)}`),
      scores("0001", `000000000000002a${stream(`${bounds}${time}0600`)}`),
      scores("0001", `000000000000002a${stream(`0008${"ff".repeat(8)}0208${"00".repeat(8)}${time}`)}`),
    ];
    for (const [i, bytes] of refused.entries()) {
      assert.throws(() => decodeLdkScores(bytes), DecodeError, `case ${i}`);
    }
  });
});

describe("LDK's scorer, after the same history", () => {
  for (const { seed, moments, written } of facts.scenarios) {
    it(`of seed ${seed}`, () => {
      const scorer = new ProbabilisticScorer({ graph, decayParameters: facts.decay });
      const lookUps = sets.map((set) => scorer.withFeeParameters(set));
      for (const { step, penalties = [], known = [] } of moments) {
        take(scorer, step);
        for (const asked of penalties) comparePenalties(scorer, lookUps, asked);
        for (const one of known) compareKnown(scorer, one);
      }
      compareScores(scorer.scores, decodeLdkScores(fromHex(written)));
    });
  }
});

function comparePenalties(
  scorer: ProbabilisticScorer,
  lookUps: readonly ScoreLookUp[],
  asked: readonly number[],
): void {
  const [edge = 0, amount = 0, inFlight = 0, ...bySet] = asked;
  const range = scorer.estimatedChannelLiquidityRange(...directionOf(edge));
  const max = range === undefined ? capacityOf(edge) : Number(range.max);
  for (const [i, answer] of bySet.entries()) {
    const { consideredImpossiblePenaltyMsat } = sets[i] ?? defaultFeeParameters;
    const penalty = lookUps[i]?.penaltiesFor(graph).edgePenalty(edge, amount, inFlight) ?? Number.NaN;
    // LDK 0.2 and later, and so ours, think it possible that a channel carries just what it holds at most.
    const expected = amount + inFlight === max ? answer - consideredImpossiblePenaltyMsat : answer;
    assertNear(penalty, expected, `edge ${edge}, ${amount} + ${inFlight} msat, set ${i}`);
  }
}

/** What LDK stored is what we have. LDK 0.1 did not store when something was learned last. */
function compareScores(own: ChannelLiquidities, ldk: ChannelLiquidities): void {
  assert.equal(own.size, ldk.size);
  for (let entry = 0; entry < own.size; entry++) {
    const other = ldk.find(own.ids[2 * entry] ?? 0, own.ids[2 * entry + 1] ?? 0);
    for (const bound of [0, 1]) {
      assertNear(own.offsets[2 * entry + bound] ?? 0, ldk.offsets[2 * other + bound] ?? 0, "a bound");
      assert.deepEqual(own.historyOf(2 * entry + bound), ldk.historyOf(2 * other + bound));
    }
    for (const place of [0, 1]) assert.equal(own.time(entry, place), ldk.time(other, place));
    assert.equal(own.weights[entry], ldk.weights[other]);
  }
}

function compareKnown(scorer: ProbabilisticScorer, { edge, range, min, max, chances }: Known): void {
  const [id, target] = directionOf(edge);
  const own = scorer.estimatedChannelLiquidityRange(id, target);
  assertNear(Number(own?.min), range[0], `least of edge ${edge}`);
  assertNear(Number(own?.max), range[1], `most of edge ${edge}`);
  const history = scorer.historicalEstimatedChannelLiquidityProbabilities(id, target);
  assert.deepEqual(history?.min, unpacked(min));
  assert.deepEqual(history?.max, unpacked(max));
  for (const [amount = 0, past = 0, live = 0] of chances) {
    // LDK 0.2 and later, and so ours, say no less than 0.01 of what is not plainly impossible, and no more of what is.
    const asked = { amount: msat(amount), allowFallback: true };
    const isAbove = amount > capacityOf(edge);
    const least = isAbove ? 0 : 0.01;
    const ownPast = scorer.historicalEstimatedPaymentSuccessProbability(id, target, asked);
    assertClose(ownPast, isAbove ? 0.01 : Math.max(0.01, past));
    assertClose(
      scorer.liveEstimatedPaymentSuccessProbability(id, target, msat(amount)),
      Math.max(least, live),
    );
  }
}

function assertClose(found: number | undefined, expected: number): void {
  assert.ok(found !== undefined && Math.abs(found - expected) < 1e-6, `${found}, LDK ${expected}`);
}

function unpacked(filled: readonly (readonly number[])[]): number[] {
  const buckets = new Array<number>(32).fill(0);
  for (const [place = 0, points = 0] of filled) buckets[place] = points;
  return buckets;
}

function directionOf(edge: number): [ShortChannelId, NodeId] {
  const channel = facts.channels[edge >> 1];
  const target = (edge & 1) === 0 ? channel?.two : channel?.one;
  return [BigInt(channel?.id ?? 0) as ShortChannelId, facts.nodes[target ?? 0] as NodeId];
}

function capacityOf(edge: number): number {
  const channel = facts.channels[edge >> 1];
  if (channel === undefined) throw new Error(`no edge ${edge}`);
  return channel.capacity < 0 ? (channel.htlcMaxima[edge & 1] ?? 0) : channel.capacity;
}

function take(
  scorer: ProbabilisticScorer,
  { kind, path = [], amount = 0, at = 0, now }: Moment["step"],
): void {
  const hops = [];
  for (let i = 1; i < path.length; i += 2) {
    const nodeId = facts.nodes[path[i + 1] ?? 0] as NodeId;
    hops.push({ shortChannelId: BigInt(path[i] ?? 0) as ShortChannelId, nodeId });
  }
  const tried = { hops, finalValue: msat(amount) as Msat };
  const id = BigInt(at) as ShortChannelId;
  switch (kind) {
    case "failed":
      scorer.paymentPathFailed(tried, id, now);
      break;
    case "probe-failed":
      scorer.probeFailed(tried, id, now);
      break;
    case "successful":
      scorer.paymentPathSuccessful(tried, now);
      break;
    case "probe-successful":
      scorer.probeSuccessful(tried, now);
      break;
    case "time-passed":
      scorer.timePassed(now);
      break;
  }
}
