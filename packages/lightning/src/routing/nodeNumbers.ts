import type { RoutingGraph } from "../gossip/index.ts";
import type { NodeId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";

/** Numbers for all nodes of a request: those of the graph keep their counters, others get what comes behind. */
export class NodeNumbers {
  readonly #graph: RoutingGraph;
  readonly #others: (NodeId | undefined)[] = [];
  readonly #numbers = new Map<NodeId, number>();

  constructor(graph: RoutingGraph) {
    this.#graph = graph;
  }

  /** All numbers are below. */
  get limit(): number {
    return this.#graph.nodeLimit + this.#others.length;
  }

  of(id: NodeId): number {
    const known = this.#graph.nodeCounter(id) ?? this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#add(id);
    this.#numbers.set(id, number);
    return number;
  }

  /** A number for a node whose name nobody knows. */
  ofNobody(): number {
    return this.#add(undefined);
  }

  idOf(number: number): NodeId {
    const { nodeLimit } = this.#graph;
    if (number < nodeLimit) return this.#graph.nodeIdOf(number);
    return present(this.#others[number - nodeLimit], "the name of a node");
  }

  #add(id: NodeId | undefined): number {
    this.#others.push(id);
    return this.limit - 1;
  }
}
