import { edgeFlag, edgeWord, nodeFlag } from "../gossip/index.ts";
import type { PathLimits, PathWeights } from "./pathLimits.ts";
import type { RequestEdges } from "./requestEdges.ts";
import type { EdgePenalties } from "./scoreLookUp.ts";
import { labelWord } from "./searchWorkspace.ts";

/** So many edges are looked at: more would cost more than they save. */
const mostEdges = 1_000;
const mayPass = edgeFlag.usable | edgeFlag.unknownFeaturesRequired;

/**
 * The nodes near the payer, found by a small search from there on. It tells the search that comes from the payee what
 * the rest of a way costs at the least (`SearchWorkspace.ahead`), so that it goes where the payer is (A*), and where
 * nodes near the payer can be left by nothing that carries the amount, that there is no way at all.
 */
export class PayerVicinity {
  /** What it costs at the least to come to any other node; `Infinity` when the payer gets to no other. */
  radius: number = Number.POSITIVE_INFINITY;
  /** Whether a channel was left out that may not be filled by so much, but could be. */
  #hitSaturation = false;
  readonly #edges: RequestEdges;
  readonly #limits: PathLimits;
  readonly #weights: PathWeights;
  readonly #penalties: EdgePenalties | undefined;
  readonly #ahead: Float64Array;
  readonly #words: Uint32Array;

  constructor(edges: RequestEdges, limits: PathLimits, weights: PathWeights, penalties?: EdgePenalties) {
    this.#edges = edges;
    this.#limits = limits;
    this.#weights = weights;
    this.#penalties = penalties;
    this.#ahead = edges.workspace.ahead;
    this.#words = edges.workspace.labelWords;
  }

  /** Whether the payer might get further if channels were filled by more. */
  get isClosedBySaturation(): boolean {
    return this.#hitSaturation && this.radius === Number.POSITIVE_INFINITY;
  }

  /** Takes the queue of the workspace, which must be empty, and leaves it so. */
  explore(): void {
    const { graph, payer, payee, workspace } = this.#edges;
    const { queue, keys } = workspace;
    const ahead = this.#ahead;
    ahead.fill(Number.POSITIVE_INFINITY);
    ahead[payer] = 0;
    const ends = this.#reachPeers();
    let left = mostEdges;
    while (queue.size > 0) {
      const reached = queue.leastKey;
      const node = queue.pop();
      if (reached > (ahead[node] as number) || node === payee || keys[node] === Number.NEGATIVE_INFINITY)
        continue;
      if (node < graph.nodeLimit) left -= graph.edgesIntoCount[node] as number;
      if (left < 0 || ends.has(node)) {
        this.radius = reached;
        break;
      }
      if (node < graph.nodeLimit) this.#reachFrom(node, reached);
    }
    queue.clear();
    const { radius } = this;
    if (radius === Number.POSITIVE_INFINITY) return;
    for (let node = 0; node < ahead.length; node++) {
      if ((ahead[node] as number) > radius) ahead[node] = radius;
    }
  }

  /** Gives the nodes from which edges lead on that the graph does not have. */
  #reachPeers(): ReadonlySet<number> {
    const { graphLimit, local, payer } = this.#edges;
    const others = new Set<number>();
    for (const [i, { source, target }] of local.entries()) {
      if (source !== payer) others.add(source);
      else if (this.#edges.roomOf(graphLimit + i) >= this.#limits.leastValue)
        this.#reach(target, graphLimit + i, this.#weights.perHop / this.#limits.value);
    }
    return others;
  }

  #reachFrom(node: number, reached: number): void {
    const { graph } = this.#edges;
    const { edgeWords, edgesInto } = graph;
    if (((graph.nodeFlags[node] as number) & nodeFlag.unknownFeaturesRequired) !== 0) return;
    const start = graph.edgesIntoStart[node] as number;
    const end = start + (graph.edgesIntoCount[node] as number);
    for (let at = start; at < end; at++) {
      // The way back of one that leads here.
      const edge = (edgesInto[at] as number) ^ 1;
      const words = edge * edgeWord.count;
      const target = edgeWords[words + edgeWord.target] as number;
      if (((edgeWords[words + edgeWord.flags] as number) & mayPass) !== edgeFlag.usable) continue;
      if (reached < (this.#ahead[target] as number) && this.#carries(edge))
        this.#reach(target, edge, reached + this.#leastKeyOf(edge));
    }
  }

  #reach(node: number, edge: number, key: number): void {
    if (key >= (this.#ahead[node] as number)) return;
    this.#ahead[node] = key;
    this.#words[node * labelWord.count + labelWord.nearEdge] = edge;
    this.#edges.workspace.queue.push(key, node);
  }

  #carries(edge: number): boolean {
    const { leastValue } = this.#limits;
    if (this.#edges.roomOf(edge) >= leastValue) return true;
    if (this.#edges.roomOf(edge, 1) >= leastValue) this.#hitSaturation = true;
    return false;
  }

  /** So much at the least an edge of the graph adds to a key, whatever passes of what may. */
  #leastKeyOf(edge: number): number {
    const { edgeWords } = this.#edges.graph;
    const { value, leastValue } = this.#limits;
    const { perBlock, perHop, penalties } = this.#weights;
    const words = edge * edgeWord.count;
    const millionths = edgeWords[words + edgeWord.feeProportionalMillionths] as number;
    const base = edgeWords[words + edgeWord.feeBaseMsat] as number;
    const delta = edgeWords[words + edgeWord.cltvExpiryDelta] as number;
    // Fees are rounded down: by a part of the amount, that counts most for the least.
    const fee = base + Math.max(0, (value * millionths) / 1_000_000 - value / leastValue);
    return (fee + delta * perBlock + perHop + this.#leastPenaltyOf(edge) * penalties) / value;
  }

  #leastPenaltyOf(edge: number): number {
    if (this.#penalties === undefined) return 0;
    const { value, leastValue } = this.#limits;
    const penalty = this.#penalties.edgePenalty(edge, leastValue, this.#edges.used(edge));
    return Math.max(penalty, this.#penalties.leastPenalty?.(value) ?? 0);
  }
}
