import type { Candidate, SelectableCoin } from "./candidate.ts";
import type { Dice } from "./dice.ts";

/** The fewest coins that come to `goal`: the most valuable ones. `undefined` when all of them do not. */
export function largestFirst<C extends SelectableCoin>(
  pool: readonly Candidate<C>[],
  goal: number,
): readonly Candidate<C>[] | undefined {
  const chosen: Candidate<C>[] = [];
  let value = 0;
  for (const coin of pool) {
    if (value >= goal) break;
    chosen.push(coin);
    value += coin.effective;
  }
  return value >= goal ? chosen : undefined;
}

/** Additions that one search may take. */
const maxAdditions = 1_000_000;

/**
 * Coins that come to `goal` or little more: the smallest coin that suffices alone, or a random subset of smaller ones
 * if that is nearer. `undefined` when all of them do not suffice.
 */
export function knapsack<C extends SelectableCoin>(
  pool: readonly Candidate<C>[],
  goal: number,
  dice: Dice,
): readonly Candidate<C>[] | undefined {
  const alone = pool.findLast(({ effective }) => effective >= goal);
  const smaller = pool.filter(({ effective }) => effective < goal);
  const subset = nearestSubset(smaller, goal, dice);
  if (alone === undefined || goal <= 0) return subset;
  return subset !== undefined && totalOf(subset) < alone.effective ? subset : [alone];
}

/**
 * The best of many random subsets, each made by adding coins until the goal is reached, and dropping the last again.
 */
function nearestSubset<C extends SelectableCoin>(
  pool: readonly Candidate<C>[],
  goal: number,
  dice: Dice,
): readonly Candidate<C>[] | undefined {
  if (totalOf(pool) < goal) return undefined;
  let best = new Uint8Array(pool.length).fill(1);
  let bestTotal = totalOf(pool);
  const rounds = Math.min(1000, Math.ceil(maxAdditions / (2 * pool.length + 1)));
  for (let round = 0; round < rounds && bestTotal > goal; round++) {
    const included = new Uint8Array(pool.length);
    let total = 0;
    // First pass by chance; the second adds what was left out until the goal is reached.
    for (let pass = 0, reached = false; pass < 2 && !reached; pass++) {
      for (const [index, { effective }] of pool.entries()) {
        if (included[index] === 1 || (pass === 0 && !dice.coin())) continue;
        included[index] = 1;
        total += effective;
        if (total < goal) continue;
        reached = true;
        if (total < bestTotal) {
          bestTotal = total;
          best = included.slice();
        }
        total -= effective;
        included[index] = 0;
      }
    }
  }
  return pool.filter((_, at) => best[at] === 1);
}

function totalOf(coins: readonly Candidate<SelectableCoin>[]): number {
  return coins.reduce((sum, { effective }) => sum + effective, 0);
}
