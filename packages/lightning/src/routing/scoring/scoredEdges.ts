import { edgeAmount, edgeWord, type RoutingGraph } from "../../gossip/index.ts";
import type { EdgePenalties } from "../scoreLookUp.ts";
import { type ChannelLiquidities, liquidityTime } from "./channelLiquidities.ts";
import { capacityOf } from "./edges.ts";
import { leastProbability, mostNegativeLog10 } from "./negativeLog10.ts";
import type { ScoringModel } from "./scoringModel.ts";

/** Of what the penalty of an edge is made, msat each; the sum is what a router is told. */
export interface PenaltyParts {
  /** For the hop, whatever it is, and for the amount. */
  readonly base: number;
  /** Since half of the capacity may pass at once. */
  readonly antiProbing: number;
  /** For the chance to fail, as the present bounds of the liquidity tell. */
  readonly liquidity: number;
  /** Since the amount is above what the channel is thought to hold. */
  readonly consideredImpossible: number;
  /** For the chance to fail, as the history tells, or the capacity alone. */
  readonly historicalLiquidity: number;
  /** Since something was learned of the channel lately. */
  readonly probingDiversity: number;
  /** What the user wants, in place of all others. */
  readonly manual: number;
}

/** What a scorer thinks of an edge's liquidity; msat. */
export interface EdgeOutlook {
  readonly min: number;
  readonly max: number;
  readonly capacity: number;
  /** From what `probability` follows. */
  readonly basis: "history" | "bounds" | "capacity";
  /** That the amount passes, 0..1. */
  readonly probability: number;
}

/** The edges of a graph with what is known of their liquidity, for one search. */
export class ScoredEdges implements EdgePenalties {
  readonly #words: Uint32Array;
  readonly #amounts: Float64Array;
  readonly #liquidities: ChannelLiquidities;
  readonly #model: ScoringModel;
  readonly #lastUpdate: number;
  /** By node counter. */
  readonly #manual: ReadonlyMap<number, number> | undefined;
  readonly #antiProbingPenalty: number;
  readonly #impossiblePenalty: number;
  readonly #usesBounds: boolean;
  readonly #usesHistory: boolean;
  readonly #usesDiversity: boolean;

  constructor(graph: RoutingGraph, liquidities: ChannelLiquidities, model: ScoringModel, lastUpdate: number) {
    const { parameters } = model;
    this.#words = graph.edgeWords;
    this.#amounts = graph.edgeAmounts;
    this.#liquidities = liquidities;
    this.#model = model;
    this.#lastUpdate = lastUpdate;
    this.#manual = byCounter(parameters.manualNodePenalties, graph);
    this.#antiProbingPenalty = parameters.antiProbingPenaltyMsat;
    this.#impossiblePenalty = parameters.consideredImpossiblePenaltyMsat;
    this.#usesBounds =
      parameters.liquidityPenaltyMultiplierMsat !== 0 ||
      parameters.liquidityPenaltyAmountMultiplierMsat !== 0;
    this.#usesHistory =
      parameters.historicalLiquidityPenaltyMultiplierMsat !== 0 ||
      parameters.historicalLiquidityPenaltyAmountMultiplierMsat !== 0;
    this.#usesDiversity = parameters.probingDiversityPenaltyMsat !== 0;
  }

  edgePenalty(edge: number, amount: number, inFlight: number): number {
    if (this.#manual !== undefined) {
      const manual = this.#manualOf(edge);
      if (manual !== undefined) return manual;
    }
    const at = edge * edgeAmount.count;
    const htlcMaximum = this.#amounts[at + edgeAmount.htlcMaximum] ?? 0;
    const funding = this.#amounts[at + edgeAmount.capacity] ?? 0;
    const capacity = funding >= 0 ? funding : htlcMaximum;
    const total = amount + inFlight;
    const bound = this.#liquidities.size === 0 ? -1 : this.boundOf(edge);
    let penalty = this.#model.base(amount);
    if (funding >= 0 && isWide(htlcMaximum, funding)) penalty += this.#antiProbingPenalty;
    if (this.#usesBounds) penalty += this.#model.forBounds(this.#logByBounds(total, bound, capacity), amount);
    if (total > (bound < 0 ? capacity : this.maxOf(bound, capacity))) penalty += this.#impossiblePenalty;
    if (this.#usesHistory) {
      const log =
        total >= capacity
          ? mostNegativeLog10
          : bound < 0
            ? this.#model.logByCapacity(total, capacity)
            : this.#model.logByHistory(this.#liquidities, bound, total, capacity);
      penalty += this.#model.forHistory(log, amount);
    }
    if (this.#usesDiversity && total < capacity) penalty += this.#diversity(bound);
    return penalty;
  }

  /** What every hop costs, less what rounding may take from a smaller amount. */
  leastPenalty(amount: number): number {
    return this.#manual === undefined ? Math.max(0, this.#model.base(amount) - 1) : 0;
  }

  /** The same in parts. @ldk ScoreLookUp::channel_penalty_msat */
  penaltyParts(edge: number, amount: number, inFlight: number): PenaltyParts {
    const manual = this.#manualOf(edge);
    if (manual !== undefined) return { ...noPenalty, manual };
    const bound = this.boundOf(edge);
    const capacity = this.#capacityOf(edge);
    const total = amount + inFlight;
    const isImpossible = total > this.maxOf(bound, capacity);
    return {
      base: this.#model.base(amount),
      antiProbing: this.#antiProbing(edge),
      liquidity: this.#usesBounds
        ? this.#model.forBounds(this.#logByBounds(total, bound, capacity), amount)
        : 0,
      consideredImpossible: isImpossible ? this.#impossiblePenalty : 0,
      historicalLiquidity: this.#usesHistory
        ? this.#model.forHistory(this.#logByHistory(total, bound, capacity), amount)
        : 0,
      probingDiversity: this.#usesDiversity && total < capacity ? this.#diversity(bound) : 0,
      manual: 0,
    };
  }

  /** What is known of the liquidity of an edge, and how likely it carries `total` msat. */
  outlook(edge: number, total: number): EdgeOutlook {
    const bound = this.boundOf(edge);
    const capacity = this.#capacityOf(edge);
    const bounds = { min: this.minOf(bound), max: this.maxOf(bound, capacity), capacity };
    const past = this.#model.historicalProbability(this.#liquidities, bound, total, capacity);
    if (past >= 0 && total < capacity) {
      return { ...bounds, basis: "history", probability: Math.max(leastProbability, Math.min(1, past)) };
    }
    const probability = this.#model.probabilityByBounds(total, bounds, true);
    return { ...bounds, basis: bound < 0 ? "capacity" : "bounds", probability };
  }

  /** Where the lower bound of an edge stands in the columns of `ChannelLiquidities`; -1 when nothing is known. */
  boundOf(edge: number): number {
    const word = edge * edgeWord.count;
    const high = this.#words[word + edgeWord.shortChannelIdHigh] ?? 0;
    const entry = this.#liquidities.find(high, this.#words[word + edgeWord.shortChannelIdLow] ?? 0);
    return entry < 0 ? -1 : 2 * entry + (edge & 1);
  }

  /** What is there at most, msat, as far as is known. */
  maxOf(bound: number, capacity: number): number {
    return bound < 0 ? capacity : Math.max(0, capacity - (this.#liquidities.offsets[bound ^ 1] ?? 0));
  }

  /** What is there at least, likewise. */
  minOf(bound: number): number {
    return bound < 0 ? 0 : (this.#liquidities.offsets[bound] ?? 0);
  }

  #capacityOf(edge: number): number {
    return capacityOf(this.#amounts, edge);
  }

  #antiProbing(edge: number): number {
    const at = edge * edgeAmount.count;
    const capacity = this.#amounts[at + edgeAmount.capacity] ?? 0;
    const htlcMaximum = this.#amounts[at + edgeAmount.htlcMaximum] ?? 0;
    return capacity >= 0 && isWide(htlcMaximum, capacity) ? this.#antiProbingPenalty : 0;
  }

  #logByBounds(total: number, bound: number, capacity: number): number {
    const max = this.maxOf(bound, capacity);
    return this.#model.logByBounds(total, Math.min(this.minOf(bound), max), max, capacity);
  }

  #logByHistory(total: number, bound: number, capacity: number): number {
    if (total >= capacity) return mostNegativeLog10;
    return this.#model.logByHistory(this.#liquidities, bound, total, capacity);
  }

  #diversity(bound: number): number {
    const last = bound < 0 ? 0 : this.#liquidities.time(bound >>> 1, liquidityTime.datapoint);
    return this.#model.forDiversity(this.#lastUpdate - last);
  }

  #manualOf(edge: number): number | undefined {
    return this.#manual?.get(this.#words[edge * edgeWord.count + edgeWord.target] ?? 0);
  }
}

/** Whether half of the capacity, rounded down, may pass at once. */
function isWide(htlcMaximum: number, capacity: number): boolean {
  return 2 * htlcMaximum + 1 >= capacity;
}

const noPenalty: PenaltyParts = {
  base: 0,
  antiProbing: 0,
  liquidity: 0,
  consideredImpossible: 0,
  historicalLiquidity: 0,
  probingDiversity: 0,
  manual: 0,
};

function byCounter(
  penalties: ScoringModel["parameters"]["manualNodePenalties"],
  graph: RoutingGraph,
): ReadonlyMap<number, number> | undefined {
  if (penalties.size === 0) return undefined;
  const found = new Map<number, number>();
  for (const [nodeId, penalty] of penalties) {
    const counter = graph.nodeCounter(nodeId);
    if (counter !== undefined) found.set(counter, penalty);
  }
  return found.size === 0 ? undefined : found;
}
