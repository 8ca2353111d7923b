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
  /** What of it may be lost after the deadline. */
  readonly atRisk: Sat;
  /** Of the transaction, its parent included where it pays for that. */
  readonly weight: number;
  /** What must be left over: an output that is no dust. */
  readonly leftOver: Sat;
}

/** The first feerate: as estimated, but never more than what is at stake allows. */
export function firstFeerate(situation: FeeSituation): FeeratePerKw {
  const { value, atRisk } = situation;
  const ceiling = isLate(situation)
    ? maxOf(halfOf(value, situation), allOf(atRisk, situation))
    : halfOf(value, situation);
  return maxOf(minOf(situation.estimate, ceiling), lowestFeerate);
}

/**
 * The next feerate after `previous` did not suffice: the estimate when that has risen, a quarter more otherwise; at most
 * about five times the estimate. In the last blocks twice as much, whatever the estimate, as far as that is less than what
 * would be lost. `undefined` when what is at stake allows no more than a replacement has to pay: the claim stays as it is.
 */
export function raisedFeerate(previous: FeeratePerKw, situation: FeeSituation): FeeratePerKw | undefined {
  const { value, atRisk } = situation;
  const estimate = maxOf(situation.estimate, lowestFeerate);
  const wished = maxOf(estimate, feeratePerKw((previous * 5n) / 4n));
  const most = times(estimate, 5);
  const half = halfOf(value, situation);
  const least = plus(previous, replacementStep);
  const next = isLate(situation)
    ? maxOf(
        minOf(minOf(wished, most), half),
        minOf(maxOf(estimate, times(previous, 2)), allOf(atRisk, situation)),
      )
    : minOf(maxOf(minOf(wished, maxOf(most, previous)), least), half);
  return next < least ? undefined : next;
}

function isLate({ blocksLeft }: FeeSituation): boolean {
  return blocksLeft <= lastBlocks;
}

/** What costs half of `amount`. */
function halfOf(amount: Sat, { weight, leftOver }: FeeSituation): FeeratePerKw {
  return feerateOf(smaller(amount / 2n, amount - leftOver), weight);
}

/** What costs all of it: what is not spent on fees is lost. */
function allOf(amount: Sat, { weight, leftOver }: FeeSituation): FeeratePerKw {
  return feerateOf(amount - leftOver, weight);
}

function feerateOf(fee: bigint, weight: number): FeeratePerKw {
  return feeratePerKw(fee > 0n ? (fee * 1000n) / BigInt(weight) : 0n);
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
