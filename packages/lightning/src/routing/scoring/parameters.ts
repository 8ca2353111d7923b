import type { NodeId } from "../../util/ids.ts";

/**
 * What a `ProbabilisticScorer` would pay, in msat, not to take a channel: the sum of what follows. Numbers, whole and
 * below 2^53, or `Infinity` for what must never be taken.
 *
 * @ldk lightning::routing::scoring::ProbabilisticScoringFeeParameters
 */
export interface ProbabilisticScoringFeeParameters {
  /** For each channel. Default 5,120. */
  readonly basePenaltyMsat: number;
  /** For each channel, times the amount's 2^30th. Default 655,360: some 6 in 10,000 of the amount. */
  readonly basePenaltyAmountMultiplierMsat: number;
  /**
   * Times -log10 of the chance that the channel carries the amount, as the present bounds of its liquidity tell; a
   * chance below 1 % counts as 1 %. Default 0: the history tells better.
   */
  readonly liquidityPenaltyMultiplierMsat: number;
  /** The same, times the amount's 2^20th. Default 0. */
  readonly liquidityPenaltyAmountMultiplierMsat: number;
  /** Times -log10 of that chance as the history of the bounds tells. Default 50,000. */
  readonly historicalLiquidityPenaltyMultiplierMsat: number;
  /** The same, times the amount's 2^20th. Default 6,250. */
  readonly historicalLiquidityPenaltyAmountMultiplierMsat: number;
  /** In place of all others, for channels to these nodes. */
  readonly manualNodePenalties: ReadonlyMap<NodeId, number>;
  /**
   * Where half the capacity or more may pass at once: small maxima make it harder to find out balances by probing.
   * Default 1,250.
   */
  readonly antiProbingPenaltyMsat: number;
  /** Where the amount is above what the channel is thought to hold. Default 100,000,000,000: one bitcoin. */
  readonly consideredImpossiblePenaltyMsat: number;
  /**
   * Whether a channel's liquidity is thought to be as likely in the middle as at its ends. Default false: it is not,
   * most channels lean to one side.
   */
  readonly linearSuccessProbability: boolean;
  /**
   * Where something was learned in the last day, the more the later: for probes, which shall learn something new.
   * Default 0.
   */
  readonly probingDiversityPenaltyMsat: number;
}

/** @ldk ProbabilisticScoringFeeParameters::default */
export const defaultFeeParameters: ProbabilisticScoringFeeParameters = {
  basePenaltyMsat: 5_120,
  basePenaltyAmountMultiplierMsat: 655_360,
  liquidityPenaltyMultiplierMsat: 0,
  liquidityPenaltyAmountMultiplierMsat: 0,
  historicalLiquidityPenaltyMultiplierMsat: 50_000,
  historicalLiquidityPenaltyAmountMultiplierMsat: 6_250,
  manualNodePenalties: new Map(),
  antiProbingPenaltyMsat: 1_250,
  consideredImpossiblePenaltyMsat: 100_000_000_000,
  linearSuccessProbability: false,
  probingDiversityPenaltyMsat: 0,
};

/** No path shall pass these nodes. @ldk ProbabilisticScoringFeeParameters::add_banned_from_list */
export function withBannedNodes(
  parameters: ProbabilisticScoringFeeParameters,
  nodeIds: Iterable<NodeId>,
): ProbabilisticScoringFeeParameters {
  const manualNodePenalties = new Map(parameters.manualNodePenalties);
  for (const nodeId of nodeIds) manualNodePenalties.set(nodeId, Number.POSITIVE_INFINITY);
  return { ...parameters, manualNodePenalties };
}

/**
 * Channels to this node have this penalty, msat, and no other.
 *
 * @ldk ProbabilisticScoringFeeParameters::set_manual_penalty
 */
export function withManualPenalty(
  parameters: ProbabilisticScoringFeeParameters,
  nodeId: NodeId,
  penalty: number,
): ProbabilisticScoringFeeParameters {
  return {
    ...parameters,
    manualNodePenalties: new Map([...parameters.manualNodePenalties, [nodeId, penalty]]),
  };
}

/**
 * The node is scored as all others are, banned or not.
 *
 * @ldk ProbabilisticScoringFeeParameters::remove_manual_penalty, ProbabilisticScoringFeeParameters::remove_banned
 */
export function withoutManualPenalty(
  parameters: ProbabilisticScoringFeeParameters,
  nodeId: NodeId,
): ProbabilisticScoringFeeParameters {
  const manualNodePenalties = new Map(parameters.manualNodePenalties);
  manualNodePenalties.delete(nodeId);
  return { ...parameters, manualNodePenalties };
}

/**
 * How fast a `ProbabilisticScorer` forgets; seconds, 0 or more.
 *
 * @ldk lightning::routing::scoring::ProbabilisticScoringDecayParameters
 */
export interface ProbabilisticScoringDecayParameters {
  /**
   * Time in which the distance of a bound from the channel's end is halved; 0: the next `timePassed` forgets all
   * bounds. Default 30 minutes.
   */
  readonly liquidityOffsetHalfLife: number;
  /**
   * Time in which the weight of a channel's history is halved, once nothing was learned of it for as long; 0: never.
   * Default 14 days.
   */
  readonly historicalNoUpdatesHalfLife: number;
}

/** @ldk ProbabilisticScoringDecayParameters::default */
export const defaultDecayParameters: ProbabilisticScoringDecayParameters = {
  liquidityOffsetHalfLife: 30 * 60,
  historicalNoUpdatesHalfLife: 14 * 24 * 60 * 60,
};
