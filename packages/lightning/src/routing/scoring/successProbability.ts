/**
 * Where nothing ever passed, channels carry less often than their bounds would have it: by 64 in 78.
 *
 * @ldk MIN_ZERO_IMPLIES_NO_SUCCESSES_PENALTY_ON_64
 */
export const neverPassedFactor = 78 / 64;

/**
 * The distribution of a channel's liquidity, up to a factor and a constant that fall out where it is used: what is
 * likely between two shares of the capacity is the difference of their values. Its density is 1/256 + 9 (x - 1/2)^8:
 * most channels hold much or little.
 *
 * @param share of the capacity, 0..1
 */
export function distribution(share: number): number {
  const x = share - 0.5;
  const x2 = x * x;
  const x4 = x2 * x2;
  return x * x4 * x4 + x / 256;
}

/** Differences of `distribution` as whole numbers. */
export const wholes = 2 ** 36;

/** A part of the distribution as a whole number, from 1. */
export function wholePart(difference: number): number {
  return Math.floor(difference * wholes) + 1;
}
