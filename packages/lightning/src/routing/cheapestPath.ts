import { edgeAmount, edgeWord, nodeFlag } from "../gossip/index.ts";
import type { PathLimits, PathWeights } from "./pathLimits.ts";
import { PayerVicinity } from "./payerVicinity.ts";
import { noEdge, type RequestEdges } from "./requestEdges.ts";
import type { EdgePenalties } from "./scoreLookUp.ts";
import { labelNumber, labelWord, type SearchWorkspace } from "./searchWorkspace.ts";

/** What stands in the way of a search: less of it, and there may be a path. */
export type Obstacle =
  /** The limit of fees, or a channel that would carry the amount with less fees. */
  | "fees"
  /** The part of a channel that may be filled. */
  | "saturation"
  | "expiries"
  | "length"
  /** The minimum of a channel to the payee. */
  | "minimum";

const obstacles: readonly Obstacle[] = ["fees", "saturation", "expiries", "length", "minimum"];

/**
 * A search from the payee backwards, since fees depend on what is forwarded; it goes first where least is paid in all,
 * with what the payer's vicinity tells of the rest of the way (A*). Each node has one best way on: where limits rule
 * out the cheapest one further on, a dearer one that keeps them can be missed. An amount that is below a channel's
 * minimum is raised to it, and the node behind the channel keeps the difference as a fee; the payee alone is never
 * given more. Where a channel carries less than the rest of the way, the path's value falls, and its cost by the
 * millisatoshi rises; fees further on stay as they were, a little too high.
 *
 * @ldk lightning::routing::router::get_route
 */
export class PathSearch {
  /** By what stood in their way: nodes to which no way was found then. */
  readonly #blocked: Readonly<Record<Obstacle, number[]>> = {
    fees: [],
    saturation: [],
    expiries: [],
    length: [],
    minimum: [],
  };
  readonly #edges: RequestEdges;
  readonly #workspace: SearchWorkspace;
  readonly #penalties: EdgePenalties | undefined;
  readonly #limits: PathLimits;
  readonly #weights: PathWeights;
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;
  readonly #keys: Float64Array;
  readonly #graphWords: Uint32Array;
  readonly #graphAmounts: Float64Array;
  readonly #graphLimit: number;
  readonly #share: number;
  readonly #payer: number;
  readonly #vicinity: PayerVicinity;
  readonly #ahead: Float64Array;
  /** The cheapest path so far, and what it costs. */
  #path: readonly number[] | undefined;
  #payerKey = Number.POSITIVE_INFINITY;
  /** The node at hand, and what its label says. */
  #node = 0;
  #value = 0;
  #fee = 0;
  #cost = 0;
  #least = 0;
  #cltvExpiryDelta = 0;
  #length = 0;
  #hopKey = 0;
  #isAtPayee = false;

  constructor(edges: RequestEdges, limits: PathLimits, weights: PathWeights, penalties?: EdgePenalties) {
    this.#edges = edges;
    this.#workspace = edges.workspace;
    this.#penalties = penalties;
    this.#limits = limits;
    this.#weights = weights;
    this.#words = edges.workspace.labelWords;
    this.#numbers = edges.workspace.labelNumbers;
    this.#keys = edges.workspace.keys;
    this.#graphWords = edges.graph.edgeWords;
    this.#graphAmounts = edges.graph.edgeAmounts;
    this.#graphLimit = edges.graphLimit;
    this.#share = edges.share;
    this.#payer = edges.payer;
    this.#vicinity = new PayerVicinity(edges, limits, weights, penalties);
    this.#ahead = edges.workspace.ahead;
  }

  /** The edges of the cheapest path, from our own channel on; `undefined` when there is none. */
  run(): readonly number[] | undefined {
    const { queue } = this.#workspace;
    queue.clear();
    this.#keys.fill(Number.POSITIVE_INFINITY);
    for (const node of this.#edges.avoided) this.#settle(node);
    this.#vicinity.explore();
    const { payee } = this.#edges;
    this.#labelPayee();
    this.#expand(payee);
    while (queue.size > 0) {
      if (queue.leastKey >= this.#payerKey) break;
      const node = queue.pop();
      // Another way to it may have left the queue before.
      if (this.#keys[node] !== Number.NEGATIVE_INFINITY && this.#mayPass(node)) this.#expand(node);
    }
    return this.#path;
  }

  /** All that may be why there is no path. */
  obstacles(): readonly Obstacle[] {
    return obstacles.filter((each) => this.isBlockedBy(each));
  }

  /** Whether that alone may be why there is no path: some node was not reached for it, nor otherwise. */
  isBlockedBy(obstacle: Obstacle): boolean {
    if (obstacle === "saturation" && this.#vicinity.isClosedBySaturation) return true;
    return this.#blocked[obstacle].some((node) => this.#keys[node] === Number.POSITIVE_INFINITY);
  }

  #settle(node: number): void {
    this.#keys[node] = Number.NEGATIVE_INFINITY;
  }

  #labelPayee(): void {
    const { payee } = this.#edges;
    this.#words.fill(0, payee * labelWord.count + labelWord.edge, payee * labelWord.count + labelWord.local);
    this.#numbers.fill(0, payee * labelNumber.count, payee * labelNumber.count + labelNumber.least + 1);
    this.#numbers[payee * labelNumber.count + labelNumber.value] = this.#limits.value;
  }

  #mayPass(node: number): boolean {
    const { nodeLimit, nodeFlags } = this.#edges.graph;
    return node >= nodeLimit || ((nodeFlags[node] as number) & nodeFlag.unknownFeaturesRequired) === 0;
  }

  #expand(node: number): void {
    this.#settle(node);
    this.#standAt(node);
    this.#relaxInto(node);
  }

  /** Makes it the node at hand. */
  #standAt(node: number): void {
    const words = node * labelWord.count;
    const numbers = node * labelNumber.count;
    this.#isAtPayee = node === this.#edges.payee;
    this.#node = node;
    this.#value = this.#numbers[numbers + labelNumber.value] as number;
    this.#fee = this.#numbers[numbers + labelNumber.fee] as number;
    this.#cost = this.#numbers[numbers + labelNumber.cost] as number;
    this.#least = this.#numbers[numbers + labelNumber.least] as number;
    this.#cltvExpiryDelta = this.#words[words + labelWord.cltvExpiryDelta] as number;
    this.#length = this.#words[words + labelWord.length] as number;
    this.#hopKey = this.#leastHopKey();
  }

  #relaxInto(node: number): void {
    const { graph, localColumns, nextLocal, stamp } = this.#edges;
    const keys = this.#keys;
    const words = node * labelWord.count;
    if (this.#words[words + labelWord.localStamp] === stamp) {
      let i = this.#words[words + labelWord.local] as number;
      for (; i !== noEdge; i = nextLocal[i] as number) {
        const source = localColumns.edgeWords[i * edgeWord.count + edgeWord.source] as number;
        if (keys[source] !== Number.NEGATIVE_INFINITY && this.#relaxLocal(i)) this.#queue(source);
      }
    }
    if (node >= graph.nodeLimit) return;
    const { edgesInto, edgesIntoSource } = graph;
    const payer = this.#payer;
    const ahead = this.#ahead;
    const least = this.#cost / this.#value + this.#hopKey;
    const start = graph.edgesIntoStart[node] as number;
    const end = start + (graph.edgesIntoUsable[node] as number);
    for (let at = start; at < end; at++) {
      const source = edgesIntoSource[at] as number;
      // What has left the queue is below any. Our own channels are among the local edges.
      if ((keys[source] as number) < least || source === payer) continue;
      if (least + (ahead[source] as number) >= this.#payerKey) continue;
      if (this.#relax(this.#graphWords, this.#graphAmounts, edgesInto[at] as number, false))
        this.#queue(source);
    }
  }

  #relaxLocal(index: number): boolean {
    const { edgeWords, edgeAmounts } = this.#edges.localColumns;
    return this.#relax(edgeWords, edgeAmounts, index, true);
  }

  #queue(node: number): void {
    const ahead = this.#ahead[node] as number;
    this.#workspace.queue.push((this.#keys[node] as number) + ahead, node);
    if (ahead < this.#vicinity.radius) this.#tryFrom(node);
  }

  /**
   * Goes on to the payer from a node near him, by the way that the vicinity knows: the sooner there is a path, the
   * fewer edges are worth looking at. Nodes on this way are without a label again afterwards: what it rests on may yet
   * change.
   */
  #tryFrom(node: number): void {
    if (!this.#mayPass(node)) return;
    const edge = this.#words[node * labelWord.count + labelWord.nearEdge] as number;
    const source = this.#edges.sourceOf(edge);
    if (source !== this.#payer && this.#keys[source] !== Number.POSITIVE_INFINITY) return;
    const before = this.#node;
    this.#standAt(node);
    const isBetter =
      edge < this.#graphLimit
        ? this.#relax(this.#graphWords, this.#graphAmounts, edge, false)
        : this.#relaxLocal(edge - this.#graphLimit);
    if (isBetter) {
      this.#tryFrom(source);
      this.#keys[source] = Number.POSITIVE_INFINITY;
    }
    this.#standAt(before);
  }

  /** So much at the least a hop over an edge of the graph adds to the key of the node at hand. */
  #leastHopKey(): number {
    const { perHop, penalties } = this.#weights;
    const penalty = this.#penalties?.leastPenalty?.(this.#value) ?? 0;
    return (perHop + penalty * penalties) / this.#value;
  }

  /**
   * Looks at one edge from a node that is still in the queue, or not yet: the one at `index` of these columns. Whether
   * it is the best way on now, and the node not the payer.
   */
  #relax(edgeWords: Uint32Array, edgeAmounts: Float64Array, index: number, isLocal: boolean): boolean {
    const at = index * edgeWord.count;
    const source = edgeWords[at + edgeWord.source] as number;
    const known = this.#keys[source] as number;
    const isNew = known === Number.POSITIVE_INFINITY;
    const edge = isLocal ? this.#graphLimit + index : index;
    const amounts = index * edgeAmount.count;
    const maximum = edgeAmounts[amounts + edgeAmount.htlcMaximum] as number;
    const capacity = edgeAmounts[amounts + edgeAmount.capacity] as number;
    const holds = capacity < 0 ? maximum : capacity;
    const used = this.#workspace.marks[edge] === 0 ? 0 : this.#edges.used(edge);
    const free = (isLocal ? holds : Math.floor(holds * this.#share)) - used;
    const room = free < maximum ? free : maximum;
    const { leastValue, maxFee, maxCltvExpiryDelta, maxPathLength } = this.#limits;
    let value = this.#value;
    if (room - this.#fee < value) {
      value = room - this.#fee;
      if (value < leastValue || value + this.#fee < this.#least) {
        if (!isNew) return false;
        if (room >= leastValue) this.#blocked.fees.push(source);
        if (free < holds - used && room < maximum) this.#blocked.saturation.push(source);
        return false;
      }
    }
    let amount = value + this.#fee;
    const minimum = edgeAmounts[amounts + edgeAmount.htlcMinimum] as number;
    if (amount < minimum) {
      if (minimum > room) return false;
      if (this.#isAtPayee) {
        this.#blocked.minimum.push(source);
        return false;
      }
      amount = minimum;
    }
    const base = edgeWords[at + edgeWord.feeBaseMsat] as number;
    const millionths = edgeWords[at + edgeWord.feeProportionalMillionths] as number;
    const fee = amount - value + base + Math.floor((amount * millionths) / 1_000_000);
    if (fee > maxFee) {
      if (isNew) this.#blocked.fees.push(source);
      return false;
    }
    const delta = edgeWords[at + edgeWord.cltvExpiryDelta] as number;
    const cltvExpiryDelta = this.#cltvExpiryDelta + delta;
    if (cltvExpiryDelta > maxCltvExpiryDelta) {
      if (isNew) this.#blocked.expiries.push(source);
      return false;
    }
    const length = this.#length + (this.#isAtPayee && isLocal && this.#edges.isBlinded ? 0 : 1);
    if (length > maxPathLength) {
      if (isNew) this.#blocked.length.push(source);
      return false;
    }
    const weights = this.#weights;
    let cost = this.#cost + (fee - this.#fee) + delta * weights.perBlock;
    // Penalties are dear to look up, and only make it dearer.
    const least = cost / value + (isLocal ? 0 : this.#hopKey);
    const ahead = this.#ahead[source] as number;
    if (least > known || least + ahead > this.#payerKey) return false;
    cost += weights.perHop;
    if (!isLocal && this.#penalties !== undefined) {
      const penalty = this.#penalties.edgePenalty(edge, amount, used);
      if (penalty === Number.POSITIVE_INFINITY) return false;
      cost += penalty * weights.penalties;
    }
    const key = cost / value;
    if (key + ahead > this.#payerKey) return false;
    if (key >= known && !(key === known && this.#isBetter(source, value, length))) return false;
    this.#keys[source] = key;
    const words = source * labelWord.count;
    const numbers = source * labelNumber.count;
    this.#numbers[numbers + labelNumber.cost] = cost;
    this.#numbers[numbers + labelNumber.value] = value;
    this.#numbers[numbers + labelNumber.fee] = fee;
    const passes = this.#least > minimum ? this.#least : minimum;
    this.#numbers[numbers + labelNumber.least] =
      passes + base + Math.floor((passes * millionths) / 1_000_000);
    this.#words[words + labelWord.edge] = edge;
    this.#words[words + labelWord.cltvExpiryDelta] = cltvExpiryDelta;
    this.#words[words + labelWord.length] = length;
    if (source !== this.#payer) return true;
    this.#payerKey = key;
    this.#path = this.#wayOn();
    return false;
  }

  /** Of ways that cost the same, the one that brings more is better, then the shorter one. */
  #isBetter(source: number, value: number, length: number): boolean {
    const known = this.#numbers[source * labelNumber.count + labelNumber.value] as number;
    if (value !== known) return value > known;
    return length < (this.#words[source * labelWord.count + labelWord.length] as number);
  }

  /** The edges from the payer on, as the labels have them now. */
  #wayOn(): readonly number[] {
    const path: number[] = [];
    for (let node = this.#payer; node !== this.#edges.payee; ) {
      const edge = this.#words[node * labelWord.count + labelWord.edge] as number;
      path.push(edge);
      node = this.#edges.targetOf(edge);
    }
    return path;
  }
}
