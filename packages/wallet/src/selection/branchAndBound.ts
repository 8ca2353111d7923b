import type { Candidate, SelectableCoin } from "./candidate.ts";

/** Steps after which the search ends with the best that it has found. */
const maxTries = 100_000;

/** What a selection without change must come to. */
export interface ChangelessGoal {
  /** Effective value at the least; above zero. */
  readonly target: number;
  /** What may go to the fee beyond that: less than change would cost. */
  readonly window: number;
  readonly maxWeight: number;
}

/**
 * The coins that come to the goal with the least waste, found by going through including and leaving out each, the most
 * valuable first; `undefined` when there are none or the search ends before. `pool` is in that order.
 *
 * The algorithm is Murch's ("An Evaluation of Coin Selection Strategies", 2016), as Bitcoin Core has it.
 */
export function branchAndBound<C extends SelectableCoin>(
  pool: readonly Candidate<C>[],
  { target, window, maxWeight }: ChangelessGoal,
): readonly Candidate<C>[] | undefined {
  const wasteGrows = pool.every(({ waste }) => waste >= 0);
  let available = pool.reduce((sum, { effective }) => sum + effective, 0);
  const included: number[] = [];
  let [value, waste, weight] = [0, 0, 0];
  let best: readonly number[] | undefined;
  let bestWaste = Number.POSITIVE_INFINITY;
  for (let tries = 0, at = 0; tries < maxTries; tries++, at++) {
    const isHopeless =
      value + available < target ||
      value > target + window ||
      weight > maxWeight ||
      (wasteGrows && waste > bestWaste);
    if (!isHopeless && value >= target && waste + value - target < bestWaste) {
      best = [...included];
      bestWaste = waste + value - target;
    }
    if (isHopeless || value >= target) {
      const last = included.pop();
      if (last === undefined) break;
      for (at--; at > last; at--) available += pool[at]?.effective ?? 0;
      const coin = pool[last];
      value -= coin?.effective ?? 0;
      waste -= coin?.waste ?? 0;
      weight -= coin?.weight ?? 0;
      continue;
    }
    const coin = pool[at];
    if (coin === undefined) break;
    available -= coin.effective;
    const before = pool[at - 1];
    // A coin like the one before, which was left out, gives what has been tried already.
    const isTwin = before?.effective === coin.effective && before.waste === coin.waste;
    if (isTwin && included.at(-1) !== at - 1) continue;
    included.push(at);
    value += coin.effective;
    waste += coin.waste;
    weight += coin.weight;
  }
  return best?.flatMap((index) => pool[index] ?? []);
}
