import { edgeAmount, edgeFlag, edgeWord, type RoutingGraph } from "../../gossip/index.ts";
import type { NodeId, ShortChannelId } from "../../util/ids.ts";

/** The edge by which a channel leads to a node; `undefined` when the graph does not know it, or no terms of it. */
export function edgeTo(graph: RoutingGraph, id: ShortChannelId, target: NodeId): number | undefined {
  const slot = graph.channelSlot(id);
  const counter = graph.nodeCounter(target);
  if (slot === undefined || counter === undefined) return undefined;
  for (const edge of [2 * slot, 2 * slot + 1]) {
    const word = edge * edgeWord.count;
    if (graph.edgeWords[word + edgeWord.target] !== counter) continue;
    const flags = graph.edgeWords[word + edgeWord.flags] ?? 0;
    return (flags & edgeFlag.hasTerms) === 0 ? undefined : edge;
  }
  return undefined;
}

/** What an edge can carry at most, msat: what its channel holds, where that is known, or else what its sender says. */
export function capacityOf(edgeAmounts: Float64Array, edge: number): number {
  const at = edge * edgeAmount.count;
  const capacity = edgeAmounts[at + edgeAmount.capacity] ?? 0;
  return capacity >= 0 ? capacity : (edgeAmounts[at + edgeAmount.htlcMaximum] ?? 0);
}
