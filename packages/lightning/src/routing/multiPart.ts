import { invariant, present } from "../util/invariant.ts";
import { type Obstacle, PathSearch } from "./cheapestPath.ts";
import { freeTermsOf, largestPart, type Part, partAlong, shrunk, smallestPart } from "./part.ts";
import type { PathLimits, PathWeights } from "./pathLimits.ts";
import type { RequestEdges } from "./requestEdges.ts";
import type { EdgePenalties } from "./scoreLookUp.ts";

/** What all parts together must keep to. */
export interface PartLimits extends Omit<PathLimits, "leastValue"> {
  readonly maxCount: number;
  /** `maxCltvExpiryDelta` with the blocks that are kept for hiding where the path ends. */
  readonly furthestCltvExpiryDelta: number;
}

/** What a block of delay is taken to cost, as a part of the amount: 15 billionths, as lnd has it. */
const riskPerBlock = 15e-9;
/** Makes expiries, or hops, count for more than any fee: 10,000 bitcoin each. */
const aboveAll = 1e15;
/** What to make least where a limit rules out the cheapest way: the path that keeps it best. */
const keepingBest: readonly (readonly [Obstacle, PathWeights])[] = [
  ["fees", { perBlock: 0, perHop: 0, penalties: 0 }],
  ["expiries", { perBlock: aboveAll, perHop: 0, penalties: 1 }],
  ["length", { perBlock: 0, perHop: aboveAll, penalties: 1 }],
];
/** Where fees and expiries both do: what all the blocks that may be taken are worth, in parts of what may be paid. */
const compromises: readonly number[] = [1, 3, 1 / 3];
/** Ways that turn out to carry too little, before the search is given up. */
const mostMisfits = 20;

/** The parts of one payment that were found so far. */
export class PartCollection {
  readonly parts: Part[] = [];
  /** Whether a way was left out since it would have filled a channel by more than may be. */
  hitSaturation = false;
  #hitMinimum = false;
  #missing: number;
  readonly #limits: PartLimits;
  readonly #edges: RequestEdges;
  readonly #penalties: EdgePenalties | undefined;
  #feeLeft: number;

  constructor(limits: PartLimits, edges: RequestEdges, penalties?: EdgePenalties) {
    this.#limits = limits;
    this.#edges = edges;
    this.#penalties = penalties;
    this.#missing = limits.value;
    this.#feeLeft = limits.maxFee;
  }

  /**
   * As many parts as it takes; `false` when there are no further ones. With `sharesFirst`, also where one would do, if
   * the first of several is cheaper by the millisatoshi.
   */
  collect(sharesFirst = false): boolean {
    while (this.#missing > 0) {
      if (this.parts.length === this.#limits.maxCount || !this.#addPart(sharesFirst)) return false;
    }
    return true;
  }

  #addPart(sharesFirst: boolean): boolean {
    const part = (sharesFirst ? undefined : this.#whole()) ?? this.#share() ?? this.#more();
    if (part !== undefined) this.take(part);
    return part !== undefined;
  }

  /** A part that was found otherwise, of no more than is missing. */
  take(part: Part): void {
    for (const [i, edge] of part.edges.entries()) this.#edges.use(edge, part.carried[i] ?? 0);
    this.parts.push(part);
    this.#missing -= part.amount;
    this.#feeLeft -= part.fee;
  }

  /** The whole amount, before it is split: each further part is one more that may fail. */
  #whole(): Part | undefined {
    return this.parts.length === 0 ? this.#next(this.#missing, this.#missing) : undefined;
  }

  /** As much of what is missing as the way carries that is cheapest by the millisatoshi. */
  #share(): Part | undefined {
    const { value, maxCount } = this.#limits;
    if (maxCount === 1) return undefined;
    // Parts are at least an even share, unless they are the last: that way there are not too many.
    return this.#next(this.#missing, Math.min(Math.ceil(value / maxCount), this.#missing));
  }

  /** A little more than is missing, for when that is too little for the channels to the payee. */
  #more(): Part | undefined {
    if (this.parts.length === 0 || !this.#hitMinimum) return undefined;
    const part = this.#next(this.#limits.value, this.#missing);
    return part && smallestPart(part, this.#missing);
  }

  /** Up to `value` by the best way there is. */
  #next(value: number, leastValue: number): Part | undefined {
    for (let misfits = 0; misfits < mostMisfits; misfits++) {
      const path = this.#search(value, leastValue);
      if (path === undefined) return undefined;
      const way = { edges: path, terms: freeTermsOf(this.#edges, path) };
      const part = largestPart(way, [leastValue, value], this.#feeLeft);
      if (part !== undefined) return part;
      // What a way carries is an estimate where it gets less on the way. This one cannot be used after all.
      this.#edges.exhaust(present(path[path.length >> 1], "an edge of a path"));
    }
    return undefined;
  }

  /** Cheapest by fees, penalties and a little by expiries; where a limit rules that out, the one that best keeps it. */
  #search(value: number, leastValue: number): readonly number[] | undefined {
    const { maxPathLength, maxCltvExpiryDelta, furthestCltvExpiryDelta } = this.#limits;
    const usual = { value, leastValue, maxFee: this.#feeLeft, maxCltvExpiryDelta, maxPathLength };
    const first = this.#run(usual, { perBlock: value * riskPerBlock, perHop: 0, penalties: 1 });
    // What cannot be sent as a whole may go in parts.
    if (first.path !== undefined || (value === leastValue && this.#limits.maxCount > 1)) return first.path;
    const limits = { ...usual, maxCltvExpiryDelta: furthestCltvExpiryDelta };
    let last = first;
    const met = new Set(first.search.obstacles());
    for (const [obstacle, weights] of keepingBest) {
      if (last.path !== undefined || !last.search.isBlockedBy(obstacle)) continue;
      last = this.#run(limits, weights);
      for (const other of last.search.obstacles()) met.add(other);
    }
    if (last.path !== undefined || !(met.has("fees") && met.has("expiries"))) return last.path;
    // Each limit alone leads past the other one: between them there may be a path that keeps both.
    for (const worth of compromises) {
      const perBlock = (worth * this.#feeLeft) / Math.max(1, furthestCltvExpiryDelta);
      const { path } = this.#run(limits, { perBlock, perHop: 0, penalties: 0 });
      if (path !== undefined) return path;
    }
    return undefined;
  }

  #run(limits: PathLimits, weights: PathWeights) {
    const search = new PathSearch(this.#edges, limits, weights, this.#penalties);
    const path = search.run();
    if (path === undefined) {
      this.hitSaturation ||= search.isBlockedBy("saturation");
      this.#hitMinimum ||= search.isBlockedBy("minimum");
    }
    return { path, search };
  }
}

/**
 * Leaves out what is not needed, the dearest first, and takes the rest of the surplus off what can spare it;
 * `undefined` when the minimums of channels leave no room for that.
 */
export function withoutSurplus(parts: readonly Part[], amount: number): readonly Part[] | undefined {
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
    const part = present(kept[i], "a part");
    const smaller = shrunk(part, surplus);
    surplus -= part.amount - smaller.amount;
    kept[i] = smaller;
  }
  return surplus === 0 ? kept : undefined;
}

/** One part for those that take the same way, where its channels take as much in one HTLC. */
export function merged(parts: readonly Part[], edges: RequestEdges): readonly Part[] {
  const byWay = new Map<string, Part>();
  const apart: Part[] = [];
  for (const part of parts) {
    const way = part.edges.join(" ");
    const other = byWay.get(way);
    const both =
      other &&
      partAlong(
        { ...part, terms: part.edges.map((edge) => edges.termsOf(edge)) },
        part.amount + other.amount,
      );
    if (other === undefined || (both !== undefined && both.fee <= part.fee + other.fee))
      byWay.set(way, both ?? part);
    else apart.push(part);
  }
  return [...byWay.values(), ...apart];
}
