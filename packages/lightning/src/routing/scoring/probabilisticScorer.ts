import { edgeWord, type RoutingGraph } from "../../gossip/index.ts";
import type { NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import type { Msat } from "../../util/units.ts";
import type { EdgePenalties, ScoreLookUp } from "../scoreLookUp.ts";
import type { ScoreUpdate, TriedPath } from "../scoreUpdate.ts";
import { ChannelLiquidities, liquidityTime } from "./channelLiquidities.ts";
import {
  boundsOf,
  type DirectedEntry,
  learnFailure,
  learnPassage,
  learnPayment,
} from "./directedLiquidity.ts";
import { capacityOf, edgeTo } from "./edges.ts";
import {
  historyOf,
  type LiquidityHistory,
  type LiquidityRange,
  type LiquidityStats,
  rangeOf,
} from "./liquidityStats.ts";
import { leastProbability } from "./negativeLog10.ts";
import {
  defaultDecayParameters,
  defaultFeeParameters,
  type ProbabilisticScoringDecayParameters,
  type ProbabilisticScoringFeeParameters,
} from "./parameters.ts";
import { ScoredEdges } from "./scoredEdges.ts";
import { encodeScores } from "./scoresRecord.ts";
import { ScoringModel } from "./scoringModel.ts";

export interface ProbabilisticScorerOptions {
  /** Where the channels of paths are looked up: only what is announced is scored. */
  readonly graph: RoutingGraph;
  readonly feeParameters?: ProbabilisticScoringFeeParameters;
  readonly decayParameters?: ProbabilisticScoringDecayParameters;
  /** What was known before: `decodeScores`. The scorer takes it over. */
  readonly scores?: ChannelLiquidities;
}

/** How many channels that are not in the graph, or not yet, are remembered. */
const mostUnknownChannels = 10_000;

/**
 * Learns between which bounds the liquidity of each channel lies, and how these bounds have moved, from payments and
 * probes. The chance of an amount to pass, by both, is turned into what a payer would rather pay than to take the
 * channel.
 *
 * Memory is bounded: no more channels are remembered than the graph has room for now, and 10,000.
 *
 * @ldk lightning::routing::scoring::ProbabilisticScorer
 */
export class ProbabilisticScorer implements ScoreLookUp, ScoreUpdate {
  readonly #graph: RoutingGraph;
  readonly decayParameters: ProbabilisticScoringDecayParameters;
  #model: ScoringModel;
  #scores: ChannelLiquidities;
  #lastUpdate: UnixSeconds;

  constructor(options: ProbabilisticScorerOptions) {
    const { feeParameters = defaultFeeParameters, decayParameters = defaultDecayParameters } = options;
    this.#graph = options.graph;
    this.decayParameters = decayParameters;
    this.#model = new ScoringModel(feeParameters);
    this.#scores = options.scores ?? new ChannelLiquidities();
    this.#lastUpdate = latestBound(this.#scores);
  }

  get feeParameters(): ProbabilisticScoringFeeParameters {
    return this.#model.parameters;
  }

  /** From now on penalties are by these. */
  setFeeParameters(parameters: ProbabilisticScoringFeeParameters): void {
    this.#model = new ScoringModel(parameters);
  }

  /** The same scores with other penalties: for probes, say, or for a payment that cares more for success. */
  withFeeParameters(parameters: ProbabilisticScoringFeeParameters): ScoreLookUp {
    const model = new ScoringModel(parameters);
    return {
      penaltiesFor: (graph) => new ScoredEdges(graph, this.#scores, model, this.#lastUpdate),
    };
  }

  /** What was learned; it changes with the scorer. */
  get scores(): ChannelLiquidities {
    return this.#scores;
  }

  /** Forgets all that was learned for `scores`, which the scorer takes over. @ldk ProbabilisticScorer::set_scores */
  setScores(scores: ChannelLiquidities): void {
    this.#scores = scores;
  }

  penaltiesFor(graph: RoutingGraph): EdgePenalties {
    return this.edges(graph);
  }

  /** What is to be stored: `decodeScores` reads it. @ldk ProbabilisticScorer::write */
  write(): Uint8Array {
    return encodeScores(this.#scores);
  }

  /** As `penaltiesFor`, with what the penalties are made of. */
  edges(graph: RoutingGraph = this.#graph): ScoredEdges {
    return new ScoredEdges(graph, this.#scores, this.#model, this.#lastUpdate);
  }

  paymentPathFailed(path: TriedPath, shortChannelId: ShortChannelId, now: UnixSeconds): void {
    this.#learnUpTo(path, shortChannelId, now);
  }

  paymentPathSuccessful({ hops, finalValue }: TriedPath, now: UnixSeconds): void {
    const amount = Number(finalValue);
    for (const hop of hops) {
      const entry = this.#entryOf(hop, now);
      if (entry !== undefined) learnPayment(entry, amount, now);
    }
    this.#lastUpdate = now;
  }

  probeFailed(path: TriedPath, shortChannelId: ShortChannelId, now: UnixSeconds): void {
    this.#learnUpTo(path, shortChannelId, now);
  }

  probeSuccessful(path: TriedPath, now: UnixSeconds): void {
    this.#learnUpTo(path, undefined, now);
  }

  timePassed(now: UnixSeconds): void {
    this.#scores.timePassed(now, this.decayParameters);
    this.#lastUpdate = now;
  }

  /**
   * Between what the liquidity of a channel towards `target` is thought to be now; `undefined` when nothing is known.
   *
   * @ldk ProbabilisticScorer::estimated_channel_liquidity_range
   */
  estimatedChannelLiquidityRange(id: ShortChannelId, target: NodeId): LiquidityRange | undefined {
    const entry = this.#known(id, target);
    return entry && rangeOf(boundsOf(entry));
  }

  /**
   * How often the bounds of a channel's liquidity towards `target` were in each of 32 parts of its capacity
   * (`bucketStarts`), from none to all: later observations weigh more, 32 is a single one. `undefined` when nothing is
   * known.
   *
   * @ldk ProbabilisticScorer::historical_estimated_channel_liquidity_probabilities
   */
  historicalEstimatedChannelLiquidityProbabilities(
    id: ShortChannelId,
    target: NodeId,
  ): LiquidityHistory | undefined {
    const entry = this.#known(id, target);
    return entry && historyOf(entry);
  }

  /**
   * The chance that a channel carries `amount` to `target` as its history tells, 0..1. When that tells too little,
   * what the present bounds tell with `allowFallback`, or else nothing. `undefined` for channels without terms, too.
   *
   * @ldk ProbabilisticScorer::historical_estimated_payment_success_probability
   */
  historicalEstimatedPaymentSuccessProbability(
    id: ShortChannelId,
    target: NodeId,
    { amount, allowFallback = false }: { readonly amount: Msat; readonly allowFallback?: boolean },
  ): number | undefined {
    const entry = this.#known(id, target);
    if (entry !== undefined) {
      const { scores, bound, capacity } = entry;
      if (Number(amount) >= capacity) return leastProbability;
      const known = this.#model.historicalProbability(scores, bound, Number(amount), capacity);
      if (known >= 0) return Math.max(leastProbability, known);
    }
    return allowFallback ? this.#probabilityByBounds(id, target, { amount, neverPassed: true }) : undefined;
  }

  /**
   * The chance that a channel carries `amount` to `target` as the present bounds tell, or the capacity alone, 0..1;
   * `undefined` for channels without terms.
   *
   * @ldk ProbabilisticScorer::live_estimated_payment_success_probability
   */
  liveEstimatedPaymentSuccessProbability(
    id: ShortChannelId,
    target: NodeId,
    amount: Msat,
  ): number | undefined {
    return this.#probabilityByBounds(id, target, { amount, neverPassed: false });
  }

  /**
   * All that is known, both directions of each channel of the graph.
   *
   * @ldk ProbabilisticScorer::debug_log_liquidity_stats
   */
  *liquidityStats(): Generator<LiquidityStats> {
    for (let i = 0; i < this.#scores.size; i++) {
      const shortChannelId = this.#scores.shortChannelIdOf(i);
      const slot = this.#graph.channelSlot(shortChannelId);
      if (slot === undefined) continue;
      for (const edge of [2 * slot, 2 * slot + 1]) {
        const { edgeWords } = this.#graph;
        const target = this.#graph.nodeIdOf(edgeWords[edge * edgeWord.count + edgeWord.target] ?? 0);
        const entry = this.#known(shortChannelId, target);
        if (entry === undefined) continue;
        yield { shortChannelId, target, range: rangeOf(boundsOf(entry)), history: historyOf(entry) };
      }
    }
  }

  #probabilityByBounds(
    id: ShortChannelId,
    target: NodeId,
    { amount, neverPassed }: { readonly amount: Msat; readonly neverPassed: boolean },
  ): number | undefined {
    const edge = edgeTo(this.#graph, id, target);
    if (edge === undefined) return undefined;
    const known = this.#known(id, target);
    const capacity = capacityOf(this.#graph.edgeAmounts, edge);
    const bounds = known === undefined ? { min: 0, max: capacity } : boundsOf(known);
    return this.#model.probabilityByBounds(Number(amount), { ...bounds, capacity }, neverPassed);
  }

  /** What is known of a channel towards a node, if anything is. */
  #known(id: ShortChannelId, target: NodeId): DirectedEntry | undefined {
    const edge = edgeTo(this.#graph, id, target);
    const entry = this.#scores.find(Number(id >> 32n), Number(id & 0xffff_ffffn));
    if (edge === undefined || entry < 0) return undefined;
    const capacity = capacityOf(this.#graph.edgeAmounts, edge);
    return { scores: this.#scores, bound: 2 * entry + (edge & 1), capacity };
  }

  /** Drops channels that are not in the graph when there are too many. Says whether any were dropped. */
  boundMemory(): boolean {
    if (this.#scores.size <= this.#graph.channelLimit + mostUnknownChannels) return false;
    this.#scores.dropOldest(mostUnknownChannels / 2, (id) => this.#graph.channelSlot(id) === undefined);
    return true;
  }

  /** All channels before `failed` carried the amount, and that one did not. */
  #learnUpTo({ hops, finalValue }: TriedPath, failed: ShortChannelId | undefined, now: UnixSeconds): void {
    const amount = Number(finalValue);
    for (const hop of hops) {
      const isFailed = hop.shortChannelId === failed;
      const entry = this.#entryOf(hop, now);
      if (entry !== undefined) (isFailed ? learnFailure : learnPassage)(entry, amount, now);
      if (isFailed) break;
    }
    this.#lastUpdate = now;
  }

  /** What is known of a hop's channel in its direction; `undefined` when it is not in the graph. */
  #entryOf(hop: TriedPath["hops"][number], now: UnixSeconds): DirectedEntry | undefined {
    const edge = edgeTo(this.#graph, hop.shortChannelId, hop.nodeId);
    if (edge === undefined) return undefined;
    const { edgeWords } = this.#graph;
    const word = edge * edgeWord.count;
    const high = edgeWords[word + edgeWord.shortChannelIdHigh] ?? 0;
    const entry = this.#scores.findOrAdd(high, edgeWords[word + edgeWord.shortChannelIdLow] ?? 0, now);
    if (this.boundMemory()) return this.#entryOf(hop, now);
    return {
      scores: this.#scores,
      bound: 2 * entry + (edge & 1),
      capacity: capacityOf(this.#graph.edgeAmounts, edge),
    };
  }
}

/** The latest time at which a bound was moved. */
function latestBound(scores: ChannelLiquidities): UnixSeconds {
  let latest = 0;
  for (let entry = 0; entry < scores.size; entry++) {
    latest = Math.max(latest, scores.time(entry, liquidityTime.bounds));
  }
  return latest as UnixSeconds;
}
