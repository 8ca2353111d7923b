import { edgeAmount, edgeWord, type RoutingGraph } from "../gossip/index.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import {
  columnsOf,
  type EdgeColumns,
  edgeBetween,
  type LocalEdge,
  localEdgesOf,
  toNumber,
} from "./localEdges.ts";
import { NodeNumbers } from "./nodeNumbers.ts";
import type { InFlightHtlcs, RouteRequest } from "./route.ts";
import { labelWord, type SearchWorkspace } from "./searchWorkspace.ts";

/** What an edge asks for, and takes. Amounts are msat. */
export interface EdgeTerms {
  readonly minimum: number;
  readonly maximum: number;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

/** How channels may be filled. */
export interface Filling {
  /** At most 1/2^n of what a channel of others can hold. */
  readonly saturationPowerOfHalf: number;
  /** HTLCs that take up channels of others already. */
  readonly inFlightHtlcs: readonly InFlightHtlcs[];
}

/**
 * All edges that one request may use, by number: below `graphLimit` those of the graph, from there on `local`. Knows
 * what of them is taken. Marks are left in the workspace: `release` wipes them.
 */
export class RequestEdges {
  readonly graph: RoutingGraph;
  readonly nodes: NodeNumbers;
  readonly payer: number;
  readonly payee: number;
  /** The payee is behind blinded paths: each is one edge. */
  readonly isBlinded: boolean;
  readonly graphLimit: number;
  readonly local: readonly LocalEdge[];
  readonly localColumns: EdgeColumns;
  /** By local edge: the next one into the same node, or `noEdge`. */
  readonly nextLocal: Uint32Array;
  readonly workspace: SearchWorkspace;
  /** What `labelWord.localStamp` of nodes with local edges is. */
  readonly stamp: number;
  /** Nodes that must not be passed. */
  readonly avoided: readonly number[];
  /** Of a channel of others, the part that may be filled. */
  share = 1;
  /** By edge: what is under way, and planned; of edges that must not be taken, `Infinity`. */
  readonly #used = new Map<number, number>();
  readonly #excluded: readonly number[];

  constructor(request: RouteRequest, graph: RoutingGraph, workspace: SearchWorkspace) {
    const { payee, previouslyFailedChannels, previouslyFailedNodes } = request.parameters.paymentParameters;
    this.graph = graph;
    this.workspace = workspace;
    this.nodes = new NodeNumbers(graph);
    this.payer = this.nodes.of(request.payer);
    this.payee = payee.kind === "clear" ? this.nodes.of(payee.nodeId) : this.nodes.ofNobody();
    this.isBlinded = payee.kind === "blinded";
    this.graphLimit = 2 * graph.channelLimit;
    this.local = localEdgesOf({ request, graph, nodes: this.nodes, payer: this.payer, payee: this.payee });
    this.localColumns = columnsOf(this.local);
    this.avoided = previouslyFailedNodes.map((id) => this.nodes.of(id));
    this.#excluded = edgesOf(previouslyFailedChannels, graph);
    this.nextLocal = new Uint32Array(this.local.length);
    workspace.reserve(this.nodes.limit, this.graphLimit + this.local.length);
    this.stamp = workspace.nextStamp();
    this.#chainLocal();
  }

  /** Begins anew, with nothing planned. */
  fill({ saturationPowerOfHalf, inFlightHtlcs }: Filling): void {
    this.release();
    this.share = 0.5 ** saturationPowerOfHalf;
    for (const edge of this.#excluded) this.use(edge, Number.POSITIVE_INFINITY);
    for (const { shortChannelId, source, amount } of inFlightHtlcs) {
      const from = this.nodes.of(source);
      // What our own channels can still carry, the first hops say.
      if (from === this.payer) continue;
      for (const edge of this.#edgesOf(shortChannelId, from)) this.use(edge, toNumber(amount));
    }
  }

  /** From now on `amount` more of the edge is taken. */
  use(edge: number, amount: number): void {
    this.workspace.marks[edge] = 1;
    this.#used.set(edge, this.used(edge) + amount);
  }

  used(edge: number): number {
    return this.#used.get(edge) ?? 0;
  }

  /** The edge can carry no more, nor can the way back. */
  exhaust(edge: number): void {
    this.use(edge, Number.POSITIVE_INFINITY);
    if (edge < this.graphLimit) this.use(edge ^ 1, Number.POSITIVE_INFINITY);
  }

  /** Leaves no mark behind. */
  release(): void {
    for (const edge of this.#used.keys()) this.workspace.marks[edge] = 0;
    this.#used.clear();
  }

  sourceOf(edge: number): number {
    return this.#word(edge, edgeWord.source);
  }

  targetOf(edge: number): number {
    return this.#word(edge, edgeWord.target);
  }

  localAt(edge: number): LocalEdge | undefined {
    return this.local[edge - this.graphLimit];
  }

  /** Terms as they are, whatever is planned. */
  termsOf(edge: number): EdgeTerms {
    return {
      minimum: this.#amount(edge, edgeAmount.htlcMinimum),
      maximum: this.#amount(edge, edgeAmount.htlcMaximum),
      feeBaseMsat: this.#word(edge, edgeWord.feeBaseMsat),
      feeProportionalMillionths: this.#word(edge, edgeWord.feeProportionalMillionths),
      cltvExpiryDelta: this.#word(edge, edgeWord.cltvExpiryDelta),
    };
  }

  /** What the edge can carry beside what is planned and under way, filled by no more than `part` of what it holds. */
  roomOf(edge: number, part: number = this.share): number {
    const maximum = this.#amount(edge, edgeAmount.htlcMaximum);
    const capacity = this.#amount(edge, edgeAmount.capacity);
    const holds = capacity < 0 ? maximum : capacity;
    const share = edge < this.graphLimit ? Math.floor(holds * part) : holds;
    return Math.min(maximum, share - this.used(edge));
  }

  /** What the largest of our own channels can still carry; `undefined` when there is none. */
  get largestFirstHop(): number | undefined {
    let largest: number | undefined;
    for (const [i, { source }] of this.local.entries()) {
      if (source === this.payer) largest = Math.max(largest ?? 0, this.roomOf(this.graphLimit + i));
    }
    return largest;
  }

  #edgesOf(id: ShortChannelId, source: number): readonly number[] {
    const announced = edgeBetween(this.graph, id, source);
    if (announced !== undefined) return [announced];
    return [...this.local.keys()]
      .filter((i) => this.local[i]?.shortChannelId === id && this.local[i]?.source === source)
      .map((i) => this.graphLimit + i);
  }

  #chainLocal(): void {
    const { labelWords } = this.workspace;
    // From the last to the first, so that each node's chain begins with its first edge.
    for (let i = this.local.length - 1; i >= 0; i--) {
      const words = this.#wordOfLocal(i) * labelWord.count;
      const isFirst = labelWords[words + labelWord.localStamp] !== this.stamp;
      this.nextLocal[i] = isFirst ? noEdge : (labelWords[words + labelWord.local] as number);
      labelWords[words + labelWord.local] = i;
      labelWords[words + labelWord.localStamp] = this.stamp;
    }
  }

  #wordOfLocal(i: number): number {
    return this.localColumns.edgeWords[i * edgeWord.count + edgeWord.target] as number;
  }

  #word(edge: number, place: number): number {
    const { graph, graphLimit, localColumns } = this;
    const isLocal = edge >= graphLimit;
    const words = isLocal ? localColumns.edgeWords : graph.edgeWords;
    return words[(isLocal ? edge - graphLimit : edge) * edgeWord.count + place] as number;
  }

  #amount(edge: number, place: number): number {
    const { graph, graphLimit, localColumns } = this;
    const isLocal = edge >= graphLimit;
    const amounts = isLocal ? localColumns.edgeAmounts : graph.edgeAmounts;
    return amounts[(isLocal ? edge - graphLimit : edge) * edgeAmount.count + place] as number;
  }
}

/** Ends a chain of local edges. */
export const noEdge = 0xffff_ffff;

function edgesOf(channels: readonly ShortChannelId[], graph: RoutingGraph): readonly number[] {
  return channels.flatMap((id) => {
    const slot = graph.channelSlot(id);
    return slot === undefined ? [] : [2 * slot, 2 * slot + 1];
  });
}

/** The name of a node that an edge leads to. */
export function targetIdOf(edges: RequestEdges, edge: number): NodeId {
  return edges.nodes.idOf(edges.targetOf(edge));
}
