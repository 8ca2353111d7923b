import type { NodeId } from "../util/ids.ts";
import { type Edge, type Edges, feeFor } from "./edge.ts";
import { PriorityQueue } from "./priorityQueue.ts";

/** What a path must keep to, in millisatoshis and blocks. */
export interface PathLimits {
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly amount: number;
  readonly finalCltvExpiryDelta: number;
  readonly maxFee: number;
  readonly maxTotalCltvExpiryDelta: number;
  /** Most channels, a blinded tail apart. */
  readonly maxPathLength: number;
}

/** A node and the best known way from it to the payee. */
export interface Step {
  readonly nodeId: NodeId;
  /** What must reach this node. */
  readonly amount: number;
  /** Blocks from the expiry of what reaches this node to the present. */
  readonly cltvExpiryDelta: number;
  /** Channels from here to the payee, or to where the blinded part of the path begins. */
  readonly length: number;
  /** What the search makes least. */
  readonly cost: number;
  /** The way on, and the most that it can carry; absent at the payee. */
  readonly next?: { readonly edge: Edge; readonly maximum: number; readonly step: Step };
}

/**
 * Dijkstra's search from the payee backwards, since fees depend on what is forwarded. The cost of a path is its fees
 * and `costPerBlock` millisatoshis for each block of its expiries. Each node has one best way on: where limits rule
 * out the cheapest one further on, a dearer one that keeps them can be missed.
 */
export function cheapestPath(limits: PathLimits, edges: Edges, costPerBlock: number): Found {
  const { payer, payee, amount, finalCltvExpiryDelta } = limits;
  const best = new Map<NodeId, Step>();
  const settled = new Set<NodeId>();
  let hitsExpiryLimit = false;
  const queue = new PriorityQueue<Step>(
    (a, b) => a.cost < b.cost || (a.cost === b.cost && a.length < b.length),
  );
  const start = { nodeId: payee, amount, cltvExpiryDelta: finalCltvExpiryDelta, length: 0, cost: 0 };
  best.set(payee, start);
  queue.push(start);
  for (let step = queue.pop(); step !== undefined; step = queue.pop()) {
    if (step.nodeId === payer) return { step, hitsExpiryLimit };
    if (settled.has(step.nodeId)) continue;
    settled.add(step.nodeId);
    const from = step;
    edges.forEachInto(from.nodeId, (edge, maximum) => {
      if (from.amount < edge.minimum || from.amount > maximum || settled.has(edge.source)) return;
      if (from.cltvExpiryDelta + edge.cltvExpiryDelta > limits.maxTotalCltvExpiryDelta) {
        hitsExpiryLimit = true;
        return;
      }
      const candidate = stepOver({ edge, maximum }, from, limits, costPerBlock);
      if (candidate === undefined) return;
      const known = best.get(edge.source);
      if (known !== undefined && known.cost <= candidate.cost) return;
      best.set(edge.source, candidate);
      queue.push(candidate);
    });
  }
  return { step: undefined, hitsExpiryLimit };
}

/** What a search came to. */
interface Found {
  /** At the payer; absent when there is no way. */
  readonly step: Step | undefined;
  /** Whether a channel was left out since the expiries would have added up to too much. */
  readonly hitsExpiryLimit: boolean;
}

/** One step further back over a channel that carries what must reach `to`, if the limits are kept. */
function stepOver(
  { edge, maximum }: { readonly edge: Edge; readonly maximum: number },
  to: Step,
  limits: PathLimits,
  costPerBlock: number,
): Step | undefined {
  const length = edge.blindedPath === undefined ? to.length + 1 : to.length;
  if (length > limits.maxPathLength) return undefined;
  const fee = feeFor(to.amount, edge.feeBaseMsat, edge.feeProportionalMillionths);
  const amount = to.amount + fee;
  if (amount - limits.amount > limits.maxFee) return undefined;
  return {
    nodeId: edge.source,
    amount,
    cltvExpiryDelta: to.cltvExpiryDelta + edge.cltvExpiryDelta,
    length,
    cost: to.cost + fee + edge.cltvExpiryDelta * costPerBlock,
    next: { edge, maximum, step: to },
  };
}
