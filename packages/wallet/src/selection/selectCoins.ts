import { dustLimit } from "@fulmen/bitcoin/script";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import type { PaidParent } from "@fulmen/lightning/chain";
import {
  err,
  type FeeratePerKw,
  feeratePerKw,
  maxOf,
  ok,
  plus,
  type Result,
  type Sat,
} from "@fulmen/lightning/util";
import { knapsack, largestFirst } from "./accumulate.ts";
import { branchAndBound } from "./branchAndBound.ts";
import { type Candidate, candidates, type SelectableCoin, searchFee } from "./candidate.ts";
import type { Dice } from "./dice.ts";
import { feeAtLeast, inputWeight, outputWeight, transactionWeight } from "./weights.ts";

/** Which coins are wanted. */
export interface SelectionProblem<C extends SelectableCoin> {
  /** Inputs that the transaction has anyway, whatever they are worth. */
  readonly required: readonly Pick<SelectableCoin, "output" | "satisfactionWeight">[];
  /** Coins to choose from. */
  readonly coins: readonly C[];
  /** Outputs without change. When there are none, there is change: a transaction has an output. */
  readonly outputs: readonly TxOut[];
  readonly feerate: FeeratePerKw;
  /** What spending a coin some day is thought to cost. */
  readonly longTermFeerate: FeeratePerKw;
  readonly change: { readonly script: Uint8Array; readonly satisfactionWeight: number };
  readonly maxWeight: number;
  readonly parent?: PaidParent;
  /** What the transaction pays at the least. */
  readonly minimumFee?: Sat;
  /** What the transactions pay that this one replaces. */
  readonly outbids?: Outbid;
}

/** What nodes ask of a transaction that replaces others (BIP 125, rules 3 and 4, and that its feerate is higher). */
export interface Outbid {
  /** What the others pay together. */
  readonly fee: Sat;
  /** To pay on top for each unit of the weight, the parent's included; what nodes ask for the relay when it is less. */
  readonly step?: FeeratePerKw;
  /** What the transaction pays at the least for each unit of its own weight. */
  readonly feerate: FeeratePerKw;
}

/** Coins that suffice. */
export interface Selection<C extends SelectableCoin> {
  readonly coins: readonly C[];
  /** Value of the change output; `undefined` without one. */
  readonly change: Sat | undefined;
  /** All that the inputs have and the outputs do not. */
  readonly fee: Sat;
  /** Weight units of the signed transaction at most. */
  readonly weight: number;
}

/** Why no coins suffice. */
export type SelectionRefusal =
  /** `needed`: outputs and fee of the transaction that spends all inputs whose value exceeds their fee, `available`. */
  | { readonly kind: "insufficient-funds"; readonly needed: Sat; readonly available: Sat }
  | { readonly kind: "too-heavy"; readonly weight: number; readonly most: number };

/**
 * Chooses coins for a transaction that pays its feerate: without change if any coins come near enough (branch and
 * bound), otherwise the largest, or such that leave little change, whichever wastes less. A coin worth less than its
 * fee is never chosen, and change is never dust nor worth less than spending it will cost. The same dice throw gives
 * the same coins.
 */
export function selectCoins<C extends SelectableCoin>(
  problem: SelectionProblem<C>,
  dice: Dice,
): Result<Selection<C>, SelectionRefusal> {
  const pool = candidates(problem.coins, problem.feerate, problem.longTermFeerate);
  const all = finish(problem, pool);
  if (all.kind === "short") return err(shortOf(problem, pool, all.missing));
  let target = targetOf(problem, pool.length);
  // Where the least fee is more than the weight asks for, what is found may be short by some, which is added; coins
  // whose effective value covers that fee are enough in any case.
  for (let round = 0; round <= maxRounds; round++) {
    if (round === maxRounds) target = Math.max(target, targetOfLeastFee(problem));
    const found = bestOf(problem, proposals(problem, pool, target, dice));
    if (found.kind === "finished") return ok(found.selection);
    if (found.kind === "too-heavy") return err(found);
    if (found.missing === 0n) break;
    target += Number(found.missing);
  }
  return all.kind === "finished" ? ok(all.selection) : err(all);
}

/** What nodes ask for the relay of a replacement: 1 satoshi for each virtual byte. */
const incrementalFeerate = feeratePerKw(250);

const maxRounds = 8;

type Finished<C extends SelectableCoin> =
  | { readonly kind: "finished"; readonly selection: Selection<C>; readonly waste: number }
  | { readonly kind: "too-heavy"; readonly weight: number; readonly most: number }
  | { readonly kind: "short"; readonly missing: Sat };

/** The transaction that some coins make: what it weighs and pays, and whether there is change. */
function finish<C extends SelectableCoin>(
  problem: SelectionProblem<C>,
  chosen: readonly Candidate<C>[],
): Finished<C> {
  const { required, outputs, change, maxWeight, feerate, longTermFeerate } = problem;
  const coins = chosen.map(({ coin }) => coin);
  const inputs = [...required, ...coins];
  const rest = totalValue(inputs) - outputs.reduce((sum, { value }) => sum + value, 0n);
  const waste = chosen.reduce((sum, each) => sum + each.waste, 0);
  const withChange = transactionWeight(inputs, [...outputs, change]);
  const changeValue = rest - feeOf(problem, withChange);
  if (changeValue >= leastChange(problem)) {
    if (withChange > maxWeight) return { kind: "too-heavy", weight: withChange, most: maxWeight };
    const spending = searchFee(longTermFeerate, inputWeight(change.satisfactionWeight));
    const fee = (rest - changeValue) as Sat;
    const selection = { coins, change: changeValue as Sat, fee, weight: withChange };
    return {
      kind: "finished",
      selection,
      waste: waste + searchFee(feerate, outputWeight(change.script)) + spending,
    };
  }
  if (outputs.length === 0) return { kind: "short", missing: (leastChange(problem) - changeValue) as Sat };
  const weight = transactionWeight(inputs, outputs);
  const needed = feeOf(problem, weight);
  if (rest < needed) return { kind: "short", missing: (needed - rest) as Sat };
  if (weight > maxWeight) return { kind: "too-heavy", weight, most: maxWeight };
  const selection = { coins, change: undefined, fee: rest as Sat, weight };
  return { kind: "finished", selection, waste: waste + Number(rest - needed) };
}

function proposals<C extends SelectableCoin>(
  problem: SelectionProblem<C>,
  pool: readonly Candidate<C>[],
  target: number,
  dice: Dice,
): readonly (readonly Candidate<C>[])[] {
  const { outputs, change, feerate, maxWeight, required } = problem;
  const costOfChange = searchFee(feerate, outputWeight(change.script)) + Number(leastChange(problem));
  const found: (readonly Candidate<C>[] | undefined)[] = [];
  if (outputs.length > 0 && target > 0) {
    const room = maxWeight - transactionWeight(required, outputs);
    found.push(branchAndBound(pool, { target, window: costOfChange - 1, maxWeight: room }));
  }
  const goal = target + costOfChange;
  found.push(largestFirst(pool, goal), knapsack(pool, goal, dice));
  const proposed = found.filter((coins) => coins !== undefined);
  if (proposed.length > 0) return proposed;
  const changeless = outputs.length > 0 ? largestFirst(pool, target) : undefined;
  return changeless === undefined ? [] : [changeless];
}

/** The least wasteful of what is in order; otherwise the lightest of what is too heavy, or what is nearest. */
function bestOf<C extends SelectableCoin>(
  problem: SelectionProblem<C>,
  proposed: readonly (readonly Candidate<C>[])[],
): Finished<C> {
  let best: Finished<C> = { kind: "short", missing: 0n as Sat };
  for (const coins of proposed) {
    const found = finish(problem, coins);
    if (isBetter(found, best)) best = found;
  }
  return best;
}

function isBetter(found: Finished<SelectableCoin>, best: Finished<SelectableCoin>): boolean {
  switch (found.kind) {
    case "finished":
      return best.kind !== "finished" || found.waste < best.waste;
    case "too-heavy":
      return best.kind === "short" || (best.kind === "too-heavy" && found.weight < best.weight);
    case "short":
      return best.kind === "short" && (best.missing === 0n || found.missing < best.missing);
  }
}

/** The effective value that coins must come to, without change; negative when the required inputs have more. */
function targetOf(problem: SelectionProblem<SelectableCoin>, poolSize: number): number {
  const { required, outputs, feerate, parent } = problem;
  // A count of over 252 inputs takes two bytes more, and virtual bytes are whole.
  const slack = (required.length + poolSize > 252 ? 8 : 0) + 3;
  const weight = transactionWeight(required, outputs) + slack;
  const parentWeight = parent === undefined ? 0 : Number(parentDeficit(feerate, parent));
  const paid = outputs.reduce((sum, { value }) => sum + value, 0n);
  return Number(paid - totalValue(required)) + searchFee(feerate, weight) + parentWeight;
}

/** Effective value that covers the least fee whatever coins are chosen. */
function targetOfLeastFee(problem: SelectionProblem<SelectableCoin>): number {
  const { required, outputs } = problem;
  const paid = outputs.reduce((sum, { value }) => sum + value, 0n);
  // The input count may take two bytes more, and virtual bytes are whole.
  const fee = leastFee(problem, transactionWeight(required, outputs) + 11);
  return Number(paid - totalValue(required) + fee);
}

function feeOf(problem: SelectionProblem<SelectableCoin>, weight: number): bigint {
  const own = feeWithParent(problem.feerate, weight, problem.parent);
  const least = leastFee(problem, weight);
  return own > least ? own : least;
}

function leastFee(problem: SelectionProblem<SelectableCoin>, weight: number): bigint {
  const { minimumFee = 0n as Sat, outbids } = problem;
  const replacement = outbids === undefined ? 0n : outbiddingFee(outbids, weight, problem.parent);
  return replacement > minimumFee ? replacement : minimumFee;
}

/** What a transaction of this weight has to pay to replace others, as a child of `parent` in one package with it. */
export function outbiddingFee({ fee, step, feerate }: Outbid, weight: number, parent?: PaidParent): Sat {
  // Virtual bytes are whole, the parent's and the child's.
  const whole = weight + (parent === undefined ? 0 : parent.weight + 4);
  return maxOf(
    plus(fee, feeAtLeast(maxOf(step ?? incrementalFeerate, incrementalFeerate), whole)),
    feeAtLeast(feerate, weight),
  );
}

/** What a transaction of this weight pays at a feerate, and for a parent that does not pay it itself. */
export function feeWithParent(feerate: FeeratePerKw, weight: number, parent?: PaidParent): Sat {
  const own = feeAtLeast(feerate, weight);
  return parent === undefined ? own : ((own + parentDeficit(feerate, parent)) as Sat);
}

/** What the parent does not pay of its own feerate. */
function parentDeficit(feerate: FeeratePerKw, { weight, fee }: PaidParent): bigint {
  const deficit = feeAtLeast(feerate, weight) - fee;
  return deficit > 0n ? deficit : 0n;
}

function leastChange({ change, longTermFeerate }: SelectionProblem<SelectableCoin>): bigint {
  const dust = dustLimit(change.script);
  const spending = feeAtLeast(longTermFeerate, inputWeight(change.satisfactionWeight));
  return dust > spending ? dust : spending;
}

function shortOf(
  problem: SelectionProblem<SelectableCoin>,
  pool: readonly Candidate<SelectableCoin>[],
  missing: Sat,
): SelectionRefusal {
  const available = totalValue([...problem.required, ...pool.map(({ coin }) => coin)]);
  return { kind: "insufficient-funds", needed: (available + missing) as Sat, available: available as Sat };
}

function totalValue(inputs: readonly Pick<SelectableCoin, "output">[]): bigint {
  return inputs.reduce((sum, { output }) => sum + output.value, 0n);
}
