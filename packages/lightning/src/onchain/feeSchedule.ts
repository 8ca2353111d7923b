import { type FeeratePerKw, feeratePerKw, maxOf, minOf, plus, type Sat, times } from "../util/units.ts";

/** What nodes relay at the least: 1 sat/vB, rounded up. */
export const lowestFeerate = feeratePerKw(253);

/** What a replacement must pay more than what it replaces (BIP 125, rule 4, with Core's default). */
const replacementStep = feeratePerKw(253);

/** So near to its deadline a claim costs what it costs. */
const lastBlocks = 3;

/**
 * After how many blocks without confirmation a claim is raised: the nearer the deadline, the sooner.
 *
 * @ldk lightning::chain::package::LOW_FREQUENCY_BUMP_INTERVAL
 */
export function blocksUntilRaise(blocksLeft: number): number {
  if (blocksLeft <= lastBlocks) return 1;
  return blocksLeft <= 15 ? 3 : 15;
}

/** What a claim's feerate is chosen from. */
export interface FeeSituation {
  /** What the estimator says. Any value does no harm. */
  readonly estimate: FeeratePerKw;
  /** Until the deadline; negative behind it. */
  readonly blocksLeft: number;
  /** The value at stake. */
  readonly value: Sat;
  /** Of the transaction, its parent included where it pays for that. */
  readonly weight: number;
  /** What must be left over: an output that is no dust. */
  readonly leftOver: Sat;
}

/** The first feerate: as estimated, but never more than what is at stake allows. */
export function firstFeerate(situation: FeeSituation): FeeratePerKw {
  return maxOf(minOf(situation.estimate, ceiling(situation)), lowestFeerate);
}

/**
 * The next feerate after `previous` did not suffice: the estimate when that has risen, a quarter more otherwise, twice
 * as much in the last blocks; at most five times the estimate while there is time. `undefined` when what is at stake
 * allows no more than a replacement has to pay: the claim stays as it is.
 */
export function raisedFeerate(previous: FeeratePerKw, situation: FeeSituation): FeeratePerKw | undefined {
  const { blocksLeft } = situation;
  const estimate = maxOf(situation.estimate, lowestFeerate);
  const isLate = blocksLeft <= lastBlocks;
  const quarterMore = feeratePerKw((previous * 5n) / 4n);
  const wished = maxOf(estimate, isLate ? times(previous, 2) : quarterMore);
  const sensible = isLate ? wished : minOf(wished, maxOf(times(estimate, 5), previous));
  const least = plus(previous, replacementStep);
  const highest = ceiling(situation);
  if (highest < least) return undefined;
  return minOf(maxOf(sensible, least), highest);
}

/** Half of what is at stake; in the last blocks all of it, since what is not spent on fees is lost. */
function ceiling({ blocksLeft, value, weight, leftOver }: FeeSituation): FeeratePerKw {
  const most = blocksLeft <= lastBlocks ? value - leftOver : smaller(value / 2n, value - leftOver);
  return feeratePerKw(most > 0n ? (most * 1000n) / BigInt(weight) : 0n);
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
