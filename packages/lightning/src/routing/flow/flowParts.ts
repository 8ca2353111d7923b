import { present } from "../../util/invariant.ts";
import type { PartLimits } from "../multiPart.ts";
import { freeTermsOf, largestPart, type Part } from "../part.ts";
import type { RequestEdges } from "../requestEdges.ts";
import type { EdgePenalties } from "../scoreLookUp.ts";
import { FlowNetwork } from "./flowNetwork.ts";
import { minCostFlow } from "./minCostFlow.ts";

/** What a block of delay is taken to cost, as a part of the amount: 15 billionths, as lnd has it. */
const riskPerBlock = 15e-9;

/** A way, and what flows along it. */
interface FlowPath {
  readonly edges: readonly number[];
  /** msat. */
  readonly amount: number;
}

/**
 * The parts of a payment that together are cheapest by fees and penalties, as far as ways that keep the limits lead:
 * whoever asks looks for what is missing otherwise. They are found as one flow, so that a part may make way for others;
 * a flow knows neither minimums nor fees that add up, so each way is then walked for what it really carries, and those
 * that are too many make the others larger.
 */
export function flowParts(
  edges: RequestEdges,
  limits: PartLimits,
  penalties?: EdgePenalties,
): readonly Part[] {
  const { value, maxCount } = limits;
  const leastRoom = Math.ceil(value / maxCount);
  const flow = new FlowNetwork(edges, { value, leastRoom, riskPerBlock }, penalties);
  const amount = Math.ceil(value / flow.unit);
  minCostFlow(flow.network, { source: edges.payer, sink: edges.payee, amount });
  const parts = new FlowParts(edges, limits);
  for (const path of pathsOf(flow.flows(), edges).slice(0, maxCount)) parts.add(path);
  parts.grow();
  return parts.parts;
}

/** Parts along the ways of a flow. */
class FlowParts {
  readonly parts: Part[] = [];
  readonly #edges: RequestEdges;
  readonly #limits: PartLimits;
  /** By edge: what all parts bring through it, msat. */
  readonly #taken = new Map<number, number>();
  #missing: number;
  #feeLeft: number;

  constructor(edges: RequestEdges, limits: PartLimits) {
    this.#edges = edges;
    this.#limits = limits;
    this.#missing = limits.value;
    this.#feeLeft = limits.maxFee;
  }

  /**
   * A part along this way, as large as the flow or as the way really carries; none when that is too little, or breaks a
   * limit.
   */
  add({ edges: way, amount }: FlowPath): void {
    const { isBlinded } = this.#edges;
    const { value, maxCount, maxPathLength, furthestCltvExpiryDelta } = this.#limits;
    const delta = way.reduce((sum, edge) => sum + this.#edges.termsOf(edge).cltvExpiryDelta, 0);
    if ((isBlinded ? way.length - 1 : way.length) > maxPathLength || delta > furthestCltvExpiryDelta) return;
    const most = Math.min(amount, this.#missing);
    const part = this.#largest(way, Math.min(Math.ceil(value / maxCount), most), most);
    if (part !== undefined) this.#take(part);
  }

  /** What is still missing goes along the same ways, as far as they carry it. */
  grow(): void {
    for (const part of this.parts.splice(0)) {
      this.#take(part, -1);
      this.#take(this.#largest(part.edges, part.amount, this.#missing) ?? part);
    }
  }

  #largest(way: readonly number[], least: number, most: number): Part | undefined {
    const terms = freeTermsOf(this.#edges, way).map((term, i) => ({
      ...term,
      maximum: term.maximum - (this.#taken.get(way[i] ?? -1) ?? 0),
    }));
    return largestPart({ edges: way, terms }, [least, most], this.#feeLeft);
  }

  /** Takes the part in, or with `sign` -1 out again. */
  #take(part: Part, sign: 1 | -1 = 1): void {
    if (sign === 1) this.parts.push(part);
    this.#missing -= sign * part.amount;
    this.#feeLeft -= sign * part.fee;
    for (const [i, edge] of part.edges.entries()) {
      this.#taken.set(edge, (this.#taken.get(edge) ?? 0) + sign * (part.carried[i] ?? 0));
    }
  }
}

/** Takes a flow apart, the largest way first. What flows in circles is left out: it brings nothing. */
function pathsOf(flows: ReadonlyMap<number, number>, edges: RequestEdges): readonly FlowPath[] {
  const left = new Map(flows);
  const from = new Map<number, number[]>();
  for (const edge of flows.keys()) {
    const source = edges.sourceOf(edge);
    const out = from.get(source);
    if (out === undefined) from.set(source, [edge]);
    else out.push(edge);
  }
  const paths: FlowPath[] = [];
  for (;;) {
    const way = wayThrough(left, from, edges);
    if (way === undefined) return paths.sort((a, b) => b.amount - a.amount);
    const amount = Math.min(...way.edges.map((edge) => present(left.get(edge), "what flows along a way")));
    for (const edge of way.edges) left.set(edge, (left.get(edge) ?? 0) - amount);
    if (!way.isCircle) paths.push({ edges: way.edges, amount });
  }
}

/** The way from the payer on where most flows, or the circle to which that leads. */
function wayThrough(
  left: ReadonlyMap<number, number>,
  from: ReadonlyMap<number, readonly number[]>,
  edges: RequestEdges,
): { readonly edges: readonly number[]; readonly isCircle: boolean } | undefined {
  const way: number[] = [];
  const visited = new Map<number, number>();
  for (let node = edges.payer; node !== edges.payee; ) {
    const seen = visited.get(node);
    if (seen !== undefined) return { edges: way.slice(seen), isCircle: true };
    visited.set(node, way.length);
    let [best, most] = [-1, 0];
    for (const edge of from.get(node) ?? []) {
      const flow = left.get(edge) ?? 0;
      if (flow > most) [best, most] = [edge, flow];
    }
    if (best < 0) return undefined;
    way.push(best);
    node = edges.targetOf(best);
  }
  return { edges: way, isCircle: false };
}
