import { MinHeap } from "../minHeap.ts";
import type { ResidualNetwork } from "./residualNetwork.ts";

/** What is to flow. */
export interface FlowOrder {
  readonly source: number;
  readonly sink: number;
  /** In units. */
  readonly amount: number;
}

/**
 * Lets as much of `amount` flow as the network takes, at the least cost there is for that much; gives how much flows.
 * By successive shortest paths, with potentials that keep all costs from being negative (Ahuja, Magnanti and Orlin,
 * "Network Flows", chapter 9): each search is one of Dijkstra's, which ends when it comes to the sink.
 */
export function minCostFlow(network: ResidualNetwork, { source, sink, amount }: FlowOrder): number {
  const search = new ShortestPath(network);
  let flowing = 0;
  while (flowing < amount && search.run(source, sink)) {
    let units = amount - flowing;
    for (let arc = search.arcInto(sink); arc !== none; arc = search.arcInto(network.sourceOf(arc))) {
      units = Math.min(units, network.room[arc] as number);
    }
    for (let arc = search.arcInto(sink); arc !== none; arc = search.arcInto(network.sourceOf(arc))) {
      network.push(arc, units);
    }
    flowing += units;
  }
  return flowing;
}

/** No arc: what leads to the source. */
const none = 0xffff_ffff;

/** Finds cheapest paths through what room there is, one after the other. */
class ShortestPath {
  readonly #network: ResidualNetwork;
  readonly #queue = new MinHeap();
  /** By node: what makes every arc with room cost 0 or more, beside rounding. */
  readonly #potentials: Float64Array;
  readonly #distances: Float64Array;
  readonly #arcs: Uint32Array;
  readonly #isSettled: Uint8Array;

  constructor(network: ResidualNetwork) {
    this.#network = network;
    this.#potentials = new Float64Array(network.nodeCount);
    this.#distances = new Float64Array(network.nodeCount);
    this.#arcs = new Uint32Array(network.nodeCount);
    this.#isSettled = new Uint8Array(network.nodeCount);
  }

  /** Whether there is a path; `arcInto` tells which. */
  run(source: number, sink: number): boolean {
    this.#distances.fill(Number.POSITIVE_INFINITY);
    this.#isSettled.fill(0);
    this.#queue.clear();
    this.#distances[source] = 0;
    this.#arcs[source] = none;
    this.#queue.push(0, source);
    while (this.#queue.size > 0) {
      const node = this.#queue.pop();
      if (this.#isSettled[node] === 1) continue;
      this.#isSettled[node] = 1;
      if (node === sink) {
        this.#raisePotentials(this.#distances[sink] as number);
        return true;
      }
      this.#relax(node);
    }
    return false;
  }

  /** The last arc of the path to a node. */
  arcInto(node: number): number {
    return this.#arcs[node] as number;
  }

  #relax(node: number): void {
    const { starts, arcsFrom, room, targets, costs } = this.#network;
    const distance = (this.#distances[node] as number) + (this.#potentials[node] as number);
    const end = starts[node + 1] as number;
    for (let at = starts[node] as number; at < end; at++) {
      const arc = arcsFrom[at] as number;
      if ((room[arc] as number) <= 0) continue;
      const target = targets[arc] as number;
      if (this.#isSettled[target] === 1) continue;
      const cost = distance + (costs[arc] as number) - (this.#potentials[target] as number);
      // Rounding must not make a path cheaper than its beginning.
      const to = Math.max(cost, this.#distances[node] as number);
      if (to >= (this.#distances[target] as number)) continue;
      this.#distances[target] = to;
      this.#arcs[target] = arc;
      this.#queue.push(to, target);
    }
  }

  /** What was not reached is at least as far as the sink. */
  #raisePotentials(most: number): void {
    for (let node = 0; node < this.#potentials.length; node++) {
      const distance = this.#isSettled[node] === 1 ? (this.#distances[node] as number) : most;
      this.#potentials[node] = (this.#potentials[node] as number) + Math.min(distance, most);
    }
  }
}
