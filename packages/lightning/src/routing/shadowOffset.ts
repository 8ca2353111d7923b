import { crypto } from "@fulmen/bitcoin/crypto";
import { edgeFlag, edgeWord, type RoutingGraph } from "../gossip/index.ts";
import { fromHex } from "../util/bytes.ts";
import type { NodeId } from "../util/ids.ts";
import type { Path, RouteRequest } from "./route.ts";

/** Blocks that a hop typically adds. @ldk MEDIAN_HOP_CLTV_EXPIRY_DELTA */
const medianHop = 40;
/** Blocks that a search keeps free for the offset, if it can. */
export const shadowReserve: number = 2 * medianHop;
/** Our money is not to be bound for much longer than needed. @ldk MAX_SHADOW_CLTV_EXPIRY_DELTA_OFFSET */
const mostOffset = 3 * 144;
/** The walk takes one step at least. */
const mostSteps = 3;

/**
 * The path with some blocks more at its end, so that expiries do not tell those on the way how far the payee is (BOLT
 * 7, "Recommendations for Routing"). They are what one to three more hops of the graph would add, by a walk that
 * `randomSeed` decides; without a seed there are none.
 *
 * @ldk lightning::routing::router::add_random_cltv_offset
 */
export function withShadowOffset(path: Path, request: RouteRequest, graph: RoutingGraph): Path {
  const { randomSeed, parameters } = request;
  if (randomSeed === undefined) return path;
  const { maxTotalCltvExpiryDelta } = parameters.paymentParameters;
  const total = path.hops.reduce((sum, { cltvExpiryDelta }) => sum + cltvExpiryDelta, 0);
  const left = maxTotalCltvExpiryDelta - total;
  // Whole hops look more like hops.
  const most = Math.max(left - (left % medianHop), left % medianHop);
  const offset = Math.min(walkedOffset(path, randomSeed, graph), mostOffset, most);
  const { hops, blindedTail } = path;
  if (blindedTail !== undefined) {
    return { hops, blindedTail: { ...blindedTail, excessFinalCltvExpiryDelta: offset } };
  }
  return {
    hops: hops.map((hop, i) =>
      i === hops.length - 1 ? { ...hop, cltvExpiryDelta: hop.cltvExpiryDelta + offset } : hop,
    ),
  };
}

/** What the walk from the last node that the graph knows adds. */
function walkedOffset({ hops }: Path, randomSeed: Uint8Array, graph: RoutingGraph): number {
  const ids = hops.map(({ nodeId }) => nodeId).reverse();
  const start = ids.find((id) => graph.nodeCounter(id) !== undefined);
  const draws = drawsFor(randomSeed, start);
  const avoided = ids.slice(0, mostSteps);
  const steps = 1 + Number((draws[0] ?? 0n) % BigInt(mostSteps));
  let offset = 0;
  let at = start === undefined ? undefined : graph.nodeCounter(start);
  for (let step = 0; step < steps; step++) {
    const edge = at === undefined ? undefined : edgeOut(graph, at, draws[step + 1] ?? 0n);
    const next = edge === undefined ? undefined : edgeTarget(graph, edge);
    if (edge === undefined || next === undefined || avoided.includes(graph.nodeIdOf(next))) {
      offset += medianHop;
      continue;
    }
    offset += graph.edgeWords[edge * edgeWord.count + edgeWord.cltvExpiryDelta] ?? medianHop;
    avoided[step] = graph.nodeIdOf(next);
    at = next;
  }
  return offset;
}

/** Numbers of 64 bits for the length of the walk and each of its steps, from ChaCha20. */
function drawsFor(randomSeed: Uint8Array, start: NodeId | undefined): readonly bigint[] {
  const nonce = start === undefined ? new Uint8Array(12) : fromHex(start).slice(0, 12);
  const stream = crypto().chacha20(randomSeed, nonce, new Uint8Array(8 * (1 + mostSteps)));
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  return Array.from({ length: 1 + mostSteps }, (_, i) => view.getBigUint64(8 * i));
}

/** One of the edges that leave a node, if it has terms. */
function edgeOut(graph: RoutingGraph, node: number, draw: bigint): number | undefined {
  const count = graph.edgesIntoCount[node] ?? 0;
  if (count === 0) return undefined;
  const into = graph.edgesInto[(graph.edgesIntoStart[node] ?? 0) + Number(draw % BigInt(count))];
  if (into === undefined) return undefined;
  const out = into ^ 1;
  const flags = graph.edgeWords[out * edgeWord.count + edgeWord.flags] ?? 0;
  return (flags & edgeFlag.hasTerms) === 0 ? undefined : out;
}

function edgeTarget({ edgeWords }: RoutingGraph, edge: number): number | undefined {
  return edgeWords[edge * edgeWord.count + edgeWord.target];
}
