import {
  defaultFeeParameters,
  ProbabilisticScorer,
  type ProbabilisticScoringDecayParameters,
  type ProbabilisticScoringFeeParameters,
} from "@fulmen/lightning/routing";
import { msat, type NodeId, type ShortChannelId, type UnixSeconds } from "@fulmen/lightning/util";
import { arrayGraph } from "./arrayGraph.ts";

const senderId = nodeId("00");
export const sourceId = nodeId("01");
export const targetId = nodeId("02");
export const recipientId = nodeId("03");
/** In the order of their counters. */
export const nodes: readonly NodeId[] = [senderId, sourceId, targetId, recipientId];

export const first = 41n as ShortChannelId;
export const second = 42n as ShortChannelId;
export const third = 43n as ShortChannelId;

export const at = (seconds: number): UnixSeconds => seconds as UnixSeconds;

/** No penalty but what a test asks for, and a liquidity as likely here as there. */
export const noPenalties: ProbabilisticScoringFeeParameters = {
  ...defaultFeeParameters,
  basePenaltyMsat: 0,
  basePenaltyAmountMultiplierMsat: 0,
  historicalLiquidityPenaltyMultiplierMsat: 0,
  historicalLiquidityPenaltyAmountMultiplierMsat: 0,
  antiProbingPenaltyMsat: 0,
  consideredImpossiblePenaltyMsat: 0,
  linearSuccessProbability: true,
};

/**
 * A sender's own channel that nobody announced, and two behind it, of `capacity` msat each: source, target, recipient.
 */
export function line(capacity: number, htlcMaximum = capacity) {
  const channel = { capacity, htlcMaxima: [htlcMaximum, htlcMaximum] };
  return arrayGraph(nodes, [
    { id: second, one: 1, two: 2, ...channel },
    { id: third, one: 2, two: 3, ...channel },
  ]);
}

/** `amount` msat from the sender to the recipient of a `line`. */
export function pathOf(amount: number) {
  return {
    hops: [
      { nodeId: sourceId, shortChannelId: first },
      { nodeId: targetId, shortChannelId: second },
      { nodeId: recipientId, shortChannelId: third },
    ],
    finalValue: msat(amount),
  };
}

interface SituationOptions {
  readonly htlcMaximum?: number;
  readonly halfLife?: number;
  readonly decayParameters?: ProbabilisticScoringDecayParameters;
  /** What the channels hold when penalties are asked for, if it is not what they held before. */
  readonly askedCapacity?: number;
}

/** A scorer of a `line`, and what it asks for the channel from source to target. */
export function scorerOf(
  capacity: number,
  feeParameters: Partial<ProbabilisticScoringFeeParameters>,
  { htlcMaximum, halfLife = 1_800, decayParameters, askedCapacity = capacity }: SituationOptions = {},
) {
  const graph = line(capacity, htlcMaximum);
  const scorer = new ProbabilisticScorer({
    graph,
    feeParameters: { ...noPenalties, ...feeParameters },
    decayParameters: decayParameters ?? {
      liquidityOffsetHalfLife: halfLife,
      historicalNoUpdatesHalfLife: 14 * 24 * 3_600,
    },
  });
  return { graph, scorer, penalty: penaltyBy(scorer, line(askedCapacity, htlcMaximum)) };
}

/** Of the edge from source to target, or another one: an amount, and what is in flight. */
export function penaltyBy(scorer: ProbabilisticScorer, graph: ReturnType<typeof line>) {
  return (amount: number, inFlight = 0, edge = 0): number =>
    scorer.penaltiesFor(graph).edgePenalty(edge, amount, inFlight);
}

function nodeId(last: string): NodeId {
  return `02${last.padStart(64, "0")}` as NodeId;
}
