import { defaultFeeParameters } from "@fulmen/lightning/routing";

/**
 * Our defaults with every penalty for want of trust divided. LDK 0.1.2 trusts five times as much as what came after it,
 * whose defaults ours are.
 */
export function dividedPenalties(divisor: number): typeof defaultFeeParameters {
  return {
    ...defaultFeeParameters,
    basePenaltyMsat: defaultFeeParameters.basePenaltyMsat / divisor,
    basePenaltyAmountMultiplierMsat: defaultFeeParameters.basePenaltyAmountMultiplierMsat / divisor,
    antiProbingPenaltyMsat: defaultFeeParameters.antiProbingPenaltyMsat / divisor,
    historicalLiquidityPenaltyMultiplierMsat:
      defaultFeeParameters.historicalLiquidityPenaltyMultiplierMsat / divisor,
    historicalLiquidityPenaltyAmountMultiplierMsat:
      defaultFeeParameters.historicalLiquidityPenaltyAmountMultiplierMsat / divisor,
  };
}
