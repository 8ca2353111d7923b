import { invariant, present } from "../util/invariant.ts";
import { cheapestPath, type PathLimits } from "./cheapestPath.ts";
import type { Edges } from "./edge.ts";
import { amountsAlong, type Part, partAlong, stepsOf } from "./part.ts";

/** What a block of delay is taken to cost, as a part of the amount: 15 billionths, as lnd has it. */
const riskPerBlock = 15e-9;
/** Makes expiries count for more than any fee: 10,000 bitcoin a block. */
const expiryFirst = 1e15;

/**
 * As few ways as can be, at most `maxCount`, that together bring `limits.amount` for at most `limits.maxFee`;
 * `undefined` when there are none. A way that does not carry all that is left is asked for half of it, and so on down
 * to an even share of all paths; one that is found then takes as much as it can. Where what is left is less than any
 * channel takes, more than it is gathered, and the surplus taken off again.
 */
export function findParts(limits: PathLimits, edges: Edges, maxCount: number): readonly Part[] | undefined {
  const collected = new Collection(limits, edges, Math.ceil(limits.amount / maxCount));
  while (collected.missing > 0 && collected.parts.length < maxCount) {
    if (!collected.addPart()) return undefined;
  }
  return collected.missing > 0 ? undefined : withoutSurplus(collected.parts, limits.amount);
}

/** The parts found so far. */
class Collection {
  readonly parts: Part[] = [];
  missing: number;
  readonly #limits: PathLimits;
  readonly #edges: Edges;
  /** Parts are at least an even share, unless they are the last. */
  readonly #least: number;
  /** No way carries more: what channels can carry only gets less. */
  #most: number;
  #feeLeft: number;

  constructor(limits: PathLimits, edges: Edges, least: number) {
    this.#limits = limits;
    this.#edges = edges;
    this.#least = least;
    this.#most = limits.amount;
    this.missing = limits.amount;
    this.#feeLeft = limits.maxFee;
  }

  /** `false` when there is no further way. */
  addPart(): boolean {
    const part = this.#largest() ?? this.#larger();
    if (part === undefined) return false;
    const carried = present(amountsAlong(part.steps, part.amount), "a part that its path carries");
    for (const [i, { edge }] of part.steps.entries()) this.#edges.use(edge, carried[i] ?? 0);
    this.parts.push(part);
    this.missing -= part.amount;
    this.#feeLeft -= part.fee;
    return true;
  }

  /** A part of what is missing: all of it, half of it, a quarter, down to the least that a part may be. */
  #largest(): Part | undefined {
    const least = Math.min(this.#least, this.missing);
    const most = Math.min(this.#most, this.#edges.largestFirstHop ?? 0);
    if (most < least) return undefined;
    for (let amount = Math.min(this.missing, most); ; amount = Math.max(least, Math.ceil(amount / 2))) {
      const part = this.#search(amount);
      if (part !== undefined) return this.#grown(part);
      this.#most = amount;
      if (amount <= least) return undefined;
    }
  }

  /** A part of more than is missing, for when that is too little for any channel. */
  #larger(): Part | undefined {
    if (this.parts.length === 0) return undefined;
    const most = Math.min(this.#limits.amount, this.#edges.largestFirstHop ?? 0);
    for (let amount = 2 * this.missing; amount <= most; amount *= 2) {
      const part = this.#search(amount);
      if (part !== undefined) return part;
    }
    return undefined;
  }

  /** The cheapest by fees and, with little weight, expiries; where only expiries stand in its way, the nearest one. */
  #search(amount: number): Part | undefined {
    const limits = { ...this.#limits, amount, maxFee: this.#feeLeft };
    const { step, hitsExpiryLimit } = cheapestPath(limits, this.#edges, amount * riskPerBlock);
    const found = step ?? (hitsExpiryLimit ? cheapestPath(limits, this.#edges, expiryFirst).step : undefined);
    return found && present(partAlong(stepsOf(found), amount), "a part along the path that was found for it");
  }

  /** The same way with as much of what is missing as it carries. */
  #grown(part: Part): Part {
    let best = part;
    let tooMuch = this.missing + 1;
    while (best.amount + 1 < tooMuch) {
      const amount = best.amount + Math.ceil((tooMuch - best.amount) / 2);
      const larger = amount <= this.missing ? partAlong(part.steps, amount) : undefined;
      if (larger !== undefined && larger.fee <= this.#feeLeft) best = larger;
      else tooMuch = amount;
    }
    return best;
  }
}

/** Leaves out what is not needed, the dearest first, and takes the rest of the surplus off what can spare it. */
function withoutSurplus(parts: readonly Part[], amount: number): readonly Part[] | undefined {
  const kept = parts.toSorted((a, b) => b.fee * a.amount - a.fee * b.amount);
  let surplus = kept.reduce((total, part) => total + part.amount, 0) - amount;
  invariant(surplus >= 0, "parts that bring what was asked for");
  for (let i = 0; i < kept.length && surplus > 0; ) {
    const part = present(kept[i], "a part");
    if (part.amount > surplus || kept.length === 1) i++;
    else {
      kept.splice(i, 1);
      surplus -= part.amount;
    }
  }
  for (let i = 0; i < kept.length && surplus > 0; i++) {
    const smaller = shrunk(present(kept[i], "a part"), surplus);
    surplus -= (kept[i]?.amount ?? 0) - smaller.amount;
    kept[i] = smaller;
  }
  return surplus === 0 ? kept : undefined;
}

/** The part with up to `by` less, as far as the channels' minimums let it. */
function shrunk(part: Part, by: number): Part {
  let best = part;
  let tooLittle = Math.max(1, part.amount - by) - 1;
  while (best.amount - 1 > tooLittle) {
    const amount = tooLittle + Math.floor((best.amount - tooLittle) / 2);
    const smaller = partAlong(part.steps, amount);
    if (smaller !== undefined) best = smaller;
    else tooLittle = amount;
  }
  return best;
}
