import { invariant, present } from "../util/invariant.ts";
import { msat } from "../util/units.ts";
import { unlimited } from "./localEdges.ts";
import { type EdgeTerms, type RequestEdges, targetIdOf } from "./requestEdges.ts";
import type { Path, RouteHop } from "./route.ts";

/** One way to the payee, and what it is to bring there. */
export interface Part {
  /** From the payer's channel to the payee. */
  readonly edges: readonly number[];
  readonly terms: readonly EdgeTerms[];
  /** What reaches the payee. */
  readonly amount: number;
  /** What each edge carries. */
  readonly carried: readonly number[];
  /** What all nodes on the way keep. */
  readonly fee: number;
}

/**
 * `base + amount * millionths / 1,000,000`, rounded down as those who forward do (BOLT 7, "HTLC Fees"). Exact; a fee
 * above 2^53 is `Infinity`. The amount is split, so that no product exceeds what a number holds.
 */
export function feeFor(amount: number, feeBaseMsat: number, millionths: number): number {
  const whole = Math.floor(amount / 1_000_000) * millionths;
  const part = Math.floor(((amount % 1_000_000) * millionths) / 1_000_000);
  const fee = feeBaseMsat + whole + part;
  return fee <= unlimited ? fee : Number.POSITIVE_INFINITY;
}

/** The way, whose edges take so much (`maximum`), to bring `amount`; `undefined` when it cannot. */
export function partAlong({ edges, terms }: Pick<Part, "edges" | "terms">, amount: number): Part | undefined {
  const carried: number[] = [];
  let needed = amount;
  for (let i = terms.length - 1; i >= 0; i--) {
    const { minimum, maximum, feeBaseMsat, feeProportionalMillionths } = present(
      terms[i],
      "terms of an edge",
    );
    // The node behind the channel is given more than it asks for; the payee is not.
    if (needed < minimum && i < terms.length - 1) needed = minimum;
    if (needed < minimum || needed > maximum) return undefined;
    carried.push(needed);
    needed += feeFor(needed, feeBaseMsat, feeProportionalMillionths);
  }
  carried.reverse();
  return { edges, terms, amount, carried, fee: present(carried[0], "an edge of a path") - amount };
}

/** The edges' terms now, with what they can carry beside what is planned as their maximum. */
export function freeTermsOf(edges: RequestEdges, path: readonly number[]): readonly EdgeTerms[] {
  return path.map((edge) => ({ ...edges.termsOf(edge), maximum: edges.roomOf(edge) }));
}

/** The most of `least` to `most` that a way carries for a fee of at most `maxFee`; `undefined` when it is less. */
export function largestPart(
  way: Pick<Part, "edges" | "terms">,
  [least, most]: readonly [least: number, most: number],
  maxFee: number,
): Part | undefined {
  const within = (amount: number): Part | undefined => {
    const part = partAlong(way, amount);
    return part !== undefined && part.fee <= maxFee ? part : undefined;
  };
  let best = within(most);
  if (best !== undefined) return best;
  // Below the last channel's minimum nothing passes; above it, whatever is too much stays too much.
  const lowest = Math.max(least, way.terms.at(-1)?.minimum ?? 0);
  for (let low = lowest, tooMuch = most; low < tooMuch; ) {
    const amount = low + Math.floor((tooMuch - low) / 2);
    const part = within(amount);
    if (part === undefined) tooMuch = amount;
    else {
      best = part;
      low = amount + 1;
    }
  }
  return best;
}

/** The part with as little as its way carries, but at least `least`, if it gets no dearer. */
export function smallestPart(part: Part, least: number): Part {
  return shrunk(part, part.amount - least);
}

/** The part with up to `by` less, as far as the channels' minimums let it and it gets no dearer. */
export function shrunk(part: Part, by: number): Part {
  let best = part;
  let tooLittle = Math.max(1, part.amount - by) - 1;
  while (best.amount - 1 > tooLittle) {
    const amount = tooLittle + Math.floor((best.amount - tooLittle) / 2);
    const smaller = partAlong(part, amount);
    if (smaller !== undefined && smaller.fee <= part.fee) best = smaller;
    else tooLittle = amount;
  }
  return best;
}

/**
 * The part as hops: each with what its node keeps, and adds, for the one behind it. Amounts are worked out anew,
 * exactly.
 */
export function pathOf(part: Part, edges: RequestEdges, finalCltvExpiryDelta: number): Path {
  const carried = exactAmounts(part);
  const blindedPath = edges.localAt(present(part.edges.at(-1), "a last edge"))?.blindedPath;
  const clear = blindedPath === undefined ? part.edges : part.edges.slice(0, -1);
  const hops = clear.map((edge, i): RouteHop => {
    const next = part.terms[i + 1];
    return {
      nodeId: targetIdOf(edges, edge),
      shortChannelId: edges.localAt(edge)?.shortChannelId ?? edges.graph.shortChannelIdOf(edge >>> 1),
      fee: msat((carried[i] ?? 0n) - (next === undefined ? 0n : (carried[i + 1] ?? 0n))),
      cltvExpiryDelta: next?.cltvExpiryDelta ?? finalCltvExpiryDelta,
    };
  });
  if (blindedPath === undefined) return { hops };
  const { blindedHops, pathKey } = blindedPath;
  const finalValue = msat(part.amount);
  return { hops, blindedTail: { hops: blindedHops, pathKey, excessFinalCltvExpiryDelta: 0, finalValue } };
}

/** What each edge carries, in whole numbers of any size. */
function exactAmounts({ terms, amount, carried }: Part): readonly bigint[] {
  const amounts: bigint[] = [];
  let needed = BigInt(amount);
  for (let i = terms.length - 1; i >= 0; i--) {
    const { minimum, feeBaseMsat, feeProportionalMillionths } = present(terms[i], "terms of an edge");
    if (needed < BigInt(minimum)) needed = BigInt(minimum);
    amounts.push(needed);
    needed += BigInt(feeBaseMsat) + (needed * BigInt(feeProportionalMillionths)) / 1_000_000n;
  }
  amounts.reverse();
  invariant(
    amounts.every((exact, i) => exact === BigInt(carried[i] ?? 0)),
    "amounts that numbers hold exactly",
  );
  return amounts;
}
