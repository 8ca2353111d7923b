export {
  type BlindedPathsRequest,
  createBlindedPaymentPaths,
  type InboundChannel,
  maxBlindedPaths,
} from "./blindedPaymentPaths.ts";
export { DefaultRouter } from "./defaultRouter.ts";
export { type ExplainingScorer, explainRoute } from "./explainRoute.ts";
export { type FindRouteOptions, findRoute } from "./findRoute.ts";
export {
  buildRandomWalkProbePath,
  HighDegreeProbes,
  type HighDegreeProbesOptions,
  type ProbeAttempt,
  Prober,
  type ProberOptions,
  type ProbeSource,
  type ProbeStrategy,
  RandomWalkProbes,
  type RandomWalkProbesOptions,
  type RandomWalkRequest,
} from "./probing/index.ts";
export {
  type BlindedTail,
  defaultMaxFee,
  type FirstHop,
  feesOf,
  finalValueOf,
  type InFlightHtlcs,
  type Path,
  type Payee,
  type PaymentParameters,
  paymentParameters,
  type Route,
  type RouteHintHop,
  type RouteHop,
  type RouteParameters,
  type RouteRefusal,
  type RouteRequest,
  type Router,
  type RouteSolver,
} from "./route.ts";
export type { HopExplanation, PathExplanation, RouteExplanation } from "./routeExplanation.ts";
export { buildRouteFromHops } from "./routeFromHops.ts";
export type { EdgePenalties, ScoreLookUp } from "./scoreLookUp.ts";
export { type ScoreUpdate, type TriedPath, triedPath } from "./scoreUpdate.ts";
export {
  bucketStarts,
  ChannelLiquidities,
  CombinedScorer,
  decodeLdkScores,
  decodeScores,
  defaultDecayParameters,
  defaultFeeParameters,
  type EdgeOutlook,
  encodeScores,
  FixedPenaltyScorer,
  type LiquidityHistory,
  type LiquidityRange,
  type LiquidityStats,
  type PenaltyParts,
  ProbabilisticScorer,
  type ProbabilisticScorerOptions,
  type ProbabilisticScoringDecayParameters,
  type ProbabilisticScoringFeeParameters,
  type ScoredEdges,
  withBannedNodes,
  withManualPenalty,
  withoutManualPenalty,
} from "./scoring/index.ts";
