import type { ChannelLiquidities } from "./channelLiquidities.ts";
import { HistoricalModel } from "./historicalModel.ts";
import { positionOf } from "./history.ts";
import { Log10Table, leastProbability, logUnit, mostNegativeLog10 } from "./negativeLog10.ts";
import type { ProbabilisticScoringFeeParameters } from "./parameters.ts";
import { distribution, neverPassedFactor, wholePart, wholes } from "./successProbability.ts";

const day = 24 * 60 * 60;
/** What amounts are counted in where the penalty for a chance is proportional to them. @ldk AMOUNT_PENALTY_DIVISOR */
const amountUnit = 2 ** 20;
/** The same for the base penalty. @ldk BASE_AMOUNT_PENALTY_DIVISOR */
const baseAmountUnit = 2 ** 30;
/** What chances are counted in before their logarithm is looked up. */
const probabilityUnit = 2 ** 30;
/** A chance to fail below 1/64 counts as none: the table of logarithms is too coarse for it. */
const coarseness = 64;
const topOfDistribution = distribution(1);

/**
 * Penalties by what is known of a channel's liquidity, as LDK has them; in whole msat, rounded down where LDK does.
 * Amounts are in msat.
 *
 * @ldk DirectedChannelLiquidity::penalty_msat
 */
export class ScoringModel {
  readonly parameters: ProbabilisticScoringFeeParameters;
  readonly #history: HistoricalModel;
  readonly #log10 = new Log10Table();
  /** Logarithm of the whole distribution, where nothing was ever seen to pass. */
  readonly #unknownLog: number;

  readonly #isLinear: boolean;
  // The multipliers, over what they are multiplied by: powers of two, so nothing is lost.
  readonly #base: number;
  readonly #baseByAmount: number;
  readonly #boundsFixed: number;
  readonly #boundsByAmount: number;
  readonly #historyFixed: number;
  readonly #historyByAmount: number;

  constructor(parameters: ProbabilisticScoringFeeParameters) {
    this.parameters = parameters;
    this.#history = new HistoricalModel(parameters.linearSuccessProbability);
    this.#isLinear = parameters.linearSuccessProbability;
    this.#base = parameters.basePenaltyMsat;
    this.#baseByAmount = parameters.basePenaltyAmountMultiplierMsat / baseAmountUnit;
    this.#boundsFixed = parameters.liquidityPenaltyMultiplierMsat / logUnit;
    this.#boundsByAmount = parameters.liquidityPenaltyAmountMultiplierMsat / (logUnit * amountUnit);
    this.#historyFixed = parameters.historicalLiquidityPenaltyMultiplierMsat / logUnit;
    this.#historyByAmount =
      parameters.historicalLiquidityPenaltyAmountMultiplierMsat / (logUnit * amountUnit);
    this.#unknownLog = this.#log10.of(wholePart((topOfDistribution - distribution(0)) * neverPassedFactor));
  }

  base(amount: number): number {
    return this.#base + Math.floor(this.#baseByAmount * amount);
  }

  /** For -log10 of a chance as the present bounds tell it, in 2,048ths. */
  forBounds(log: number, amount: number): number {
    return Math.floor(log * this.#boundsFixed) + Math.floor(log * this.#boundsByAmount * amount);
  }

  /** The same as the history tells it. */
  forHistory(log: number, amount: number): number {
    return Math.floor(log * this.#historyFixed) + Math.floor(log * this.#historyByAmount * amount);
  }

  /** For having learned something `elapsed` seconds ago. */
  forDiversity(elapsed: number): number {
    const left = Math.max(0, day - Math.max(0, elapsed));
    return Math.floor((this.parameters.probingDiversityPenaltyMsat * left * left) / (day * day));
  }

  /** -log10 of the chance that `total` passes, in 2,048ths, at most `mostNegativeLog10`: by bounds of the liquidity. */
  logByBounds(total: number, min: number, max: number, capacity: number): number {
    if (total <= min) return 0;
    if (total >= max) return mostNegativeLog10;
    const part = this.#part(total, max, capacity);
    const whole = this.#whole(min, max, capacity);
    if (whole - part < Math.floor(whole / coarseness)) return 0;
    return Math.min(mostNegativeLog10, this.#log10.of(whole) - this.#log10.of(part));
  }

  /** The same by the history of `bound` (-1: there is none), or else by the capacity alone; `total` is below it. */
  logByHistory(liquidities: ChannelLiquidities, bound: number, total: number, capacity: number): number {
    const known = this.historicalProbability(liquidities, bound, total, capacity);
    if (known >= 0) {
      const log = this.#log10.of(probabilityUnit) - this.#log10.of(known * probabilityUnit + 1);
      return Math.min(mostNegativeLog10, log);
    }
    return this.logByCapacity(total, capacity);
  }

  /** The chance that `total` passes as the history of `bound` tells it, 0..1; -1 when it tells too little. */
  historicalProbability(
    liquidities: ChannelLiquidities,
    bound: number,
    total: number,
    capacity: number,
  ): number {
    if (bound < 0) return -1;
    return this.#history.successProbability(liquidities, bound, positionOf(total, capacity));
  }

  /**
   * The chance that `total` passes, `leastProbability`..1 or 0: by bounds of the liquidity. `neverPassed` says that a
   * lower bound of zero means just that.
   */
  probabilityByBounds(total: number, { min, max, capacity }: BoundsInCapacity, neverPassed: boolean): number {
    if (total <= min) return 1;
    if (total > capacity) return 0;
    if (total >= max) return leastProbability;
    const whole =
      neverPassed && min === 0 ? this.#wholeNeverPassed(max, capacity) : this.#whole(min, max, capacity);
    return Math.max(leastProbability, this.#part(total, max, capacity) / whole);
  }

  /** What is above `total`, as a whole number that stands to `#whole` as the chance to 1. */
  #part(total: number, max: number, capacity: number): number {
    if (this.#isLinear) return max - total;
    return wholePart(distribution(max / capacity) - distribution(total / capacity));
  }

  #whole(min: number, max: number, capacity: number): number {
    if (this.#isLinear) return max - min + 1;
    return wholePart(distribution(max / capacity) - distribution(min / capacity));
  }

  #wholeNeverPassed(max: number, capacity: number): number {
    if (this.#isLinear) return Math.floor((max + 1) * neverPassedFactor);
    return wholePart((distribution(max / capacity) - distribution(0)) * neverPassedFactor);
  }

  /** The same by the capacity alone, where nothing was ever seen to pass. */
  logByCapacity(total: number, capacity: number): number {
    if (this.#isLinear) {
      const whole = this.#log10.of(this.#wholeNeverPassed(capacity, capacity));
      return Math.min(mostNegativeLog10, whole - this.#log10.of(capacity - total));
    }
    const part = (topOfDistribution - distribution(total / capacity)) * wholes + 1;
    return Math.min(mostNegativeLog10, this.#unknownLog - this.#log10.of(part));
  }
}

/** Between what a channel's liquidity is thought to be, msat. */
export interface BoundsInCapacity {
  readonly min: number;
  readonly max: number;
  readonly capacity: number;
}
