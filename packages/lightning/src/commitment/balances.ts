import { type Msat, maxOf, minus, minusOrZero, msat, plus, sum, zeroMsat } from "../util/units.ts";
import type { Commitments } from "./commitments.ts";
import type { LimitsContext, SendingState } from "./limitChecks.ts";
import { checkAmount, sendingState } from "./limits.ts";
import type { LimitViolation } from "./limitViolation.ts";

/** The amounts that one more HTLC of ours may have: all from `min` to `max`. None when `max` is below `min`. */
export interface SendableRange {
  readonly min: Msat;
  readonly max: Msat;
}

const oneMsat = msat(1);

/**
 * What we can send now in one HTLC. Exact: `checkOutgoingAdd` accepts every amount in the range and refuses the next
 * larger one. Where small HTLCs and large ones could be sent but none between, the large ones are given.
 *
 * @ldk lightning::ln::channel::AvailableBalances
 */
export function availableToSend(commitments: Commitments, ctx: LimitsContext): SendableRange {
  const state = sendingState(commitments, ctx);
  const sendable = (amount: Msat): boolean => checkAmount(state, amount) === undefined;
  const starts = rangeStarts(state);
  // No amount passes the reserve check from here on.
  let end: Msat = plus(sum(state.shares.map(({ toLocal }) => toLocal)), oneMsat);
  let found: SendableRange | undefined;
  for (const start of starts) {
    if (start < end) {
      const last = minus(end, oneMsat);
      if (found === undefined) {
        if (sendable(start)) found = { min: start, max: largest(state, start, last) };
      } else if (sendable(start) && sendable(last)) {
        found = { min: start, max: found.max };
      } else {
        return found;
      }
      end = start;
    }
  }
  return found ?? { min: lowest(state), max: zeroMsat };
}

/**
 * Where limits change in steps, highest first: at the thresholds of trimming. Between two of them every limit is an
 * upper bound, so that what may be sent there is a range that begins where they begin.
 */
function rangeStarts(state: SendingState): readonly Msat[] {
  const least = lowest(state);
  const starts = new Set<Msat>([least]);
  for (const { thresholds } of state.loads) {
    const { present, spiked, buffered } = thresholds.outgoing;
    for (const threshold of [present, spiked, buffered]) starts.add(maxOf(threshold, least));
  }
  return [...starts].sort((a, b) => (a < b ? 1 : -1));
}

function lowest({ params }: SendingState): Msat {
  return maxOf(params.remote.htlcMinimum, oneMsat);
}

/** The largest amount that is sendable, when `from` is and all sendable ones lie side by side. */
function largest(state: SendingState, from: Msat, to: Msat): Msat {
  let good = from;
  let bad = plus(to, oneMsat);
  let guess = to;
  while (bad > plus(good, oneMsat)) {
    const violation = checkAmount(state, guess);
    const excess = violation && excessOf(violation);
    if (violation === undefined) good = guess;
    else bad = excess === undefined ? guess : plus(minusOrZero(guess, excess), oneMsat);
    guess = excess === undefined ? msat((good + bad) / 2n) : minusOrZero(guess, excess);
  }
  return good;
}

/** By how much an amount is too large, where the violated limit tells: one guess then finds what it takes dozens to. */
function excessOf(violation: LimitViolation): Msat | undefined {
  if (violation.kind === "too-much-in-flight") return minus(violation.inFlight, violation.maximum);
  if (violation.kind === "below-reserve") {
    return minus(plus(violation.amount, violation.reserve), violation.balance);
  }
  if (violation.kind === "opener-cannot-afford-fee" && violation.opener === "we") {
    return minus(plus(violation.cost, violation.reserve), violation.balance);
  }
  return undefined;
}
