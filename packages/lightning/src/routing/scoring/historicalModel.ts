import type { ChannelLiquidities } from "./channelLiquidities.ts";
import { bucketCount, bucketStarts, onePoint, positions } from "./history.ts";
import { distribution, neverPassedFactor } from "./successProbability.ts";

/** Less than one observation of either bound tells nothing. */
const leastWeight = onePoint ** 4;

/** What the history of a channel's bounds says about an amount. */
export class HistoricalModel {
  readonly #isLinear: boolean;
  /** Where each bucket begins, as a value of the distribution. */
  readonly #starts = new Float64Array(bucketCount);
  /** Where each bucket of an upper bound ends, counted from zero liquidity, in 2^14ths. */
  readonly #endPositions = new Float64Array(bucketCount);
  /** The same as values of the distribution. */
  readonly #ends = new Float64Array(bucketCount);
  /** A linear distribution counts places, both ends among them. */
  readonly #both: number;

  constructor(isLinear: boolean) {
    this.#isLinear = isLinear;
    this.#both = isLinear ? 1 : 0;
    for (let i = 0; i < bucketCount; i++) {
      const end = (bucketStarts[bucketCount - i] ?? positions) - 1;
      this.#starts[i] = this.#valueOf(bucketStarts[i] ?? 0);
      this.#endPositions[i] = end;
      this.#ends[i] = this.#valueOf(end);
    }
  }

  /**
   * The chance that a channel carries what stands at `position` of its capacity (see `positionOf`), 0..1: the mean of
   * what all pairs of bounds that were seen would say, by their weight. -1 when too little is known.
   *
   * @param bound the lower bound of the direction, as in `ChannelLiquidities.offsets`
   * @ldk DirectedHistoricalLiquidityTracker::calculate_success_probability_times_billion
   */
  successProbability(liquidities: ChannelLiquidities, bound: number, position: number): number {
    const weight = liquidities.weights[bound >>> 1] ?? 0;
    if (weight < leastWeight || position >= positions) return -1;
    const { buckets, filled } = liquidities;
    const ends = this.#ends;
    const filledMax = filled[bound ^ 1] ?? 0;
    const maxima = bucketCount * (bound ^ 1);
    const value = this.#valueOf(position);
    let filledMin = filled[bound] ?? 0;
    let success = 0;
    if ((filledMin & 1) !== 0) success += this.#neverPassed(liquidities, bound, position);
    for (filledMin &= ~1; filledMin !== 0; filledMin &= filledMin - 1) {
      const i = 31 - Math.clz32(filledMin & -filledMin);
      const least = buckets[bucketCount * bound + i] ?? 0;
      const start = this.#starts[i] ?? 0;
      const isBelow = position < (bucketStarts[i] ?? 0);
      // A lower bound above the upper one means nothing.
      for (let rest = filledMax & (-1 >>> i); rest !== 0; rest &= rest - 1) {
        const j = 31 - Math.clz32(rest & -rest);
        if (position >= (this.#endPositions[j] ?? 0)) break;
        const pair = least * (buckets[maxima + j] ?? 0);
        const share = (pair * pair) / weight;
        const end = ends[j] ?? 0;
        success += isBelow ? share : (share * (end - value)) / (end - start + this.#both);
      }
    }
    return success;
  }

  /**
   * The part of the lowest bucket of the lower bound: a channel of which only failures are known. Of the upper bounds
   * the lowest counts for all: failures with less and less must not look like so many chances.
   */
  #neverPassed({ buckets, weights }: ChannelLiquidities, bound: number, position: number): number {
    const least = buckets[bucketCount * bound] ?? 0;
    const maxima = bucketCount * (bound ^ 1);
    let total = 0;
    let lowest = 0;
    let lowestWithPoint = -1;
    for (let j = 0; j < bucketCount; j++) {
      const points = buckets[maxima + j] ?? 0;
      if (points === 0) continue;
      lowest = j;
      if (points >= onePoint) lowestWithPoint = j;
      const pair = least * points;
      total += pair * pair;
    }
    const j = lowestWithPoint >= 0 ? lowestWithPoint : lowest;
    if (position >= (this.#endPositions[j] ?? 0)) return 0;
    const end = this.#ends[j] ?? 0;
    const whole = (end - (this.#starts[0] ?? 0) + this.#both) * neverPassedFactor;
    const share = total / (weights[bound >>> 1] ?? 1);
    return (share * (end - this.#valueOf(position))) / (this.#isLinear ? Math.floor(whole) : whole);
  }

  #valueOf(position: number): number {
    return this.#isLinear ? position : distribution(position / (positions - 1));
  }
}
