import { type Msat, maxOf, minus, msat, plus, sum, zeroMsat } from "../util/units.ts";
import type { Commitments } from "./commitments.ts";
import type { LimitsContext, SendingState } from "./limitChecks.ts";
import { checkAmount, sendingState } from "./limits.ts";

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
        if (sendable(start)) found = { min: start, max: largest(start, last, sendable) };
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
function largest(from: Msat, to: Msat, sendable: (amount: Msat) => boolean): Msat {
  let good = from;
  let bad = plus(to, oneMsat);
  while (bad > plus(good, oneMsat)) {
    const middle = msat((good + bad) / 2n);
    if (sendable(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
