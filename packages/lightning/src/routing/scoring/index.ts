export { ChannelLiquidities } from "./channelLiquidities.ts";
export { CombinedScorer } from "./combinedScorer.ts";
export { capacityOf, edgeTo } from "./edges.ts";
export { FixedPenaltyScorer } from "./fixedPenaltyScorer.ts";
export { bucketStarts } from "./history.ts";
export { decodeLdkScores } from "./ldkScores.ts";
export type { LiquidityHistory, LiquidityRange, LiquidityStats } from "./liquidityStats.ts";
export {
  defaultDecayParameters,
  defaultFeeParameters,
  type ProbabilisticScoringDecayParameters,
  type ProbabilisticScoringFeeParameters,
  withBannedNodes,
  withManualPenalty,
  withoutManualPenalty,
} from "./parameters.ts";
export { ProbabilisticScorer, type ProbabilisticScorerOptions } from "./probabilisticScorer.ts";
export type { EdgeOutlook, PenaltyParts, ScoredEdges } from "./scoredEdges.ts";
export { decodeScores, encodeScores } from "./scoresRecord.ts";
