import { edgeAmount, edgeFlag, edgeWord, nodeFlag } from "../../gossip/index.ts";
import type { EdgeColumns } from "../localEdges.ts";
import type { RequestEdges } from "../requestEdges.ts";
import type { EdgePenalties } from "../scoreLookUp.ts";
import { ResidualNetwork } from "./residualNetwork.ts";

/** What is asked of the edges. */
export interface FlowTerms {
  /** msat that are to flow, all parts together. */
  readonly value: number;
  /** Edges that carry less are left out: parts through them would be too many. */
  readonly leastRoom: number;
  /** What a block of delay costs, as a part of the amount. */
  readonly riskPerBlock: number;
}

/** The accuracy of a flow: a thousandth of the payment. */
const unitsOfValue = 1000;
/** Where the cost of an edge is taken to bend: parts of what could flow through it. */
const bends = [0.25, 0.5, 0.75, 1] as const;
const mayPass = edgeFlag.usable | edgeFlag.unknownFeaturesRequired;

/**
 * The edges of a request as a network. What an edge costs grows faster than the amount does, since the less likely it
 * is to hold it the more is asked: so it becomes up to four arcs, each dearer by the unit than the one before, and the
 * flow takes them in their order (Pickhardt and Richter, "Optimally Reliable & Cheap Payment Flows on the Lightning
 * Network"). What is to be paid once, whatever the amount, is spread over an even share of the payment.
 */
export class FlowNetwork {
  readonly network: ResidualNetwork;
  /** msat. */
  readonly unit: number;
  readonly #edges: RequestEdges;
  readonly #terms: FlowTerms;
  readonly #penalties: EdgePenalties | undefined;
  readonly #avoided: ReadonlySet<number>;
  /** By half the number of an arc. */
  readonly #edgeOfArc: number[] = [];

  constructor(edges: RequestEdges, terms: FlowTerms, penalties?: EdgePenalties) {
    this.network = new ResidualNetwork(edges.nodes.limit);
    this.unit = Math.max(1, Math.ceil(terms.value / unitsOfValue));
    this.#edges = edges;
    this.#terms = terms;
    this.#penalties = penalties;
    this.#avoided = new Set(edges.avoided);
    const { graph, graphLimit, local, localColumns } = edges;
    for (let edge = 0; edge < graphLimit; edge++) this.#add(graph, edge, edge);
    for (const index of local.keys()) this.#add(localColumns, index, graphLimit + index);
    this.network.seal();
  }

  /** msat that flow through each edge through which any do. */
  flows(): ReadonlyMap<number, number> {
    const flows = new Map<number, number>();
    for (const [half, edge] of this.#edgeOfArc.entries()) {
      const units = this.network.flowOf(2 * half);
      if (units > 0) flows.set(edge, (flows.get(edge) ?? 0) + units * this.unit);
    }
    return flows;
  }

  /** An edge, the one at `index` of these columns. */
  #add(columns: EdgeColumns, index: number, edge: number): void {
    const words = index * edgeWord.count;
    if (((columns.edgeWords[words + edgeWord.flags] as number) & mayPass) !== edgeFlag.usable) return;
    const source = columns.edgeWords[words + edgeWord.source] as number;
    const target = columns.edgeWords[words + edgeWord.target] as number;
    if (!this.#leadsOn(source, target, edge)) return;
    const room = Math.min(this.#edges.roomOf(edge), this.#terms.value);
    const minimum = columns.edgeAmounts[index * edgeAmount.count + edgeAmount.htlcMinimum] as number;
    if (room < this.#terms.leastRoom || room < minimum) return;
    const cost = this.#costOf(columns, index);
    const penalties = edge < this.#edges.graphLimit ? this.#penalties : undefined;
    if (penalties === undefined) this.#addArc(edge, { source, target, units: room / this.unit, cost });
    else this.#addPieces(edge, { source, target, room, cost }, penalties);
  }

  /** Whether a part of this payment could take the edge, from where it comes to where it goes. */
  #leadsOn(source: number, target: number, edge: number): boolean {
    const { graph, graphLimit, payer, payee } = this.#edges;
    // Our own channels are among the local edges, and nothing comes back to us.
    if ((source === payer && edge < graphLimit) || source === payee || target === payer) return false;
    if (this.#avoided.has(source) || this.#avoided.has(target)) return false;
    const flags = target < graph.nodeLimit ? (graph.nodeFlags[target] as number) : 0;
    return target === payee || (flags & nodeFlag.unknownFeaturesRequired) === 0;
  }

  /** Of a unit: the fee, and the risk of its delay. */
  #costOf({ edgeWords }: EdgeColumns, index: number): number {
    const words = index * edgeWord.count;
    const base = edgeWords[words + edgeWord.feeBaseMsat] as number;
    const millionths = edgeWords[words + edgeWord.feeProportionalMillionths] as number;
    const delta = edgeWords[words + edgeWord.cltvExpiryDelta] as number;
    const { leastRoom, riskPerBlock } = this.#terms;
    return this.unit * (base / leastRoom + millionths / 1_000_000 + delta * riskPerBlock);
  }

  #addPieces(
    edge: number,
    arc: { readonly source: number; readonly target: number; readonly room: number; readonly cost: number },
    penalties: EdgePenalties,
  ): void {
    const { source, target, room, cost } = arc;
    const used = this.#edges.used(edge);
    const fixed = penalties.edgePenalty(edge, this.unit, used);
    if (fixed === Number.POSITIVE_INFINITY) return;
    const spread = fixed / this.#terms.leastRoom;
    let [filled, before, slope] = [0, fixed, 0];
    for (const bend of bends) {
      const amount = room * bend;
      const units = Math.floor(amount / this.unit) - filled;
      if (units <= 0) continue;
      const penalty = penalties.edgePenalty(edge, Math.floor(amount), used);
      if (penalty === Number.POSITIVE_INFINITY) return;
      // Never less than before, or the flow would take the pieces out of their order.
      slope = Math.max(slope, (penalty - before) / (units * this.unit));
      this.#addArc(edge, { source, target, units, cost: cost + this.unit * (slope + spread) });
      filled += units;
      before = penalty;
    }
  }

  #addArc(
    edge: number,
    arc: { readonly source: number; readonly target: number; readonly units: number; readonly cost: number },
  ): void {
    const units = Math.floor(arc.units);
    if (units <= 0) return;
    this.network.addArc(arc.source, arc.target, units, arc.cost);
    this.#edgeOfArc.push(edge);
  }
}
