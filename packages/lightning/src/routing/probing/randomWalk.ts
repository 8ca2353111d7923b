import type { EntropySource } from "../../chain/index.ts";
import { edgeAmount, edgeFlag, edgeWord, nodeFlag, type RoutingGraph } from "../../gossip/index.ts";
import type { NodeId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { type Msat, minusOrZero, msat, times } from "../../util/units.ts";
import {
  defaultMaxFee,
  type FirstHop,
  feesOf,
  type Path,
  paymentParameters,
  type RouteHop,
  type RouteRefusal,
} from "../route.ts";
import { capacityOf } from "../scoring/index.ts";
import { withShadowOffset } from "../shadowOffset.ts";
import { draw } from "./draw.ts";

/** Most hops that an onion of 1,300 bytes has room for. @ldk MAX_PATH_LENGTH_ESTIMATE */
const mostHops = 19;
/** Blocks for the last node. @ldk MIN_FINAL_CLTV_EXPIRY_DELTA */
export const finalProbeDelta = 42;
/** @ldk DEFAULT_MAX_TOTAL_CLTV_EXPIRY_DELTA */
const mostBlocks = 1_008;

export interface RandomWalkRequest {
  readonly payer: NodeId;
  readonly firstHops: readonly FirstHop[];
  readonly amount: Msat;
  /** How long the path is to be, 2 to 19. */
  readonly hops: number;
  readonly entropy: EntropySource;
}

/**
 * A path for a probe that no router would choose: from one of our channels on at random, over channels that can be
 * used both ways and carry the amount, never to the same node twice.
 *
 * @ldk lightning::routing::router::build_random_walk_probe_path
 */
export function buildRandomWalkProbePath(
  { payer, firstHops, amount, hops, entropy }: RandomWalkRequest,
  graph: RoutingGraph,
): Result<Path, RouteRefusal> {
  // Later hops have their fees.
  const usable = firstHops.filter(({ minimum, maximum }) => amount >= minimum && times(amount, 2) <= maximum);
  const first = usable[draw(entropy, 0, Math.max(0, usable.length - 1))];
  if (first === undefined) {
    return err({ kind: "no-first-hop", text: `no channel of ours can probe with ${amount} msat` });
  }
  const length = Math.min(mostHops, Math.max(2, hops));
  const edges = walk({ payer, first, amount, length, entropy }, graph);
  if (edges.length < length - 1) {
    return err({ kind: "no-route", text: `the walk ends after ${edges.length + 1} hops of ${length}` });
  }
  const path = pathAlong(first, edges, amount, graph);
  if (path === undefined)
    return err({ kind: "no-route", text: `${amount} msat and fees do not fit on the way` });
  return ok(withOffset(path, { payer, first, amount, entropy }, graph));
}

interface Walk {
  readonly payer: NodeId;
  readonly first: FirstHop;
  readonly amount: Msat;
  readonly length: number;
  readonly entropy: EntropySource;
}

/** The edges behind the first hop. */
function walk({ payer, first, amount, length, entropy }: Walk, graph: RoutingGraph): readonly number[] {
  const edges: number[] = [];
  const visited = new Set([graph.nodeCounter(payer), graph.nodeCounter(first.counterparty)]);
  let blocks = 0;
  let at = graph.nodeCounter(first.counterparty);
  while (at !== undefined && edges.length < length - 1) {
    const start = graph.edgesIntoStart[at] ?? 0;
    const back = graph.edgesInto.subarray(start, start + (graph.edgesIntoCount[at] ?? 0));
    const candidates = Array.from(back, (edge) => edge ^ 1).filter(
      (edge) =>
        !visited.has(word(graph, edge, edgeWord.target)) &&
        isOpenBothWays(graph, edge) &&
        carries(graph, edge, Number(amount)) &&
        blocks + word(graph, edge, edgeWord.cltvExpiryDelta) + finalProbeDelta <= mostBlocks,
    );
    const edge = candidates[draw(entropy, 0, Math.max(0, candidates.length - 1))];
    if (edge === undefined) break;
    edges.push(edge);
    blocks += word(graph, edge, edgeWord.cltvExpiryDelta);
    at = word(graph, edge, edgeWord.target);
    visited.add(at);
  }
  return edges;
}

function isOpenBothWays(graph: RoutingGraph, edge: number): boolean {
  const barred =
    ((graph.nodeFlags[word(graph, edge, edgeWord.target)] ?? 0) & nodeFlag.unknownFeaturesRequired) !== 0;
  return !barred && [edge, edge ^ 1].every((one) => isUsable(word(graph, one, edgeWord.flags)));
}

function isUsable(flags: number): boolean {
  return (flags & (edgeFlag.usable | edgeFlag.unknownFeaturesRequired)) === edgeFlag.usable;
}

/** Whether `amount` fits, and its fee is at most half of it. */
function carries(graph: RoutingGraph, edge: number, amount: number): boolean {
  const at = edge * edgeAmount.count;
  const minimum = graph.edgeAmounts[at + edgeAmount.htlcMinimum] ?? 0;
  const maximum = graph.edgeAmounts[at + edgeAmount.htlcMaximum] ?? 0;
  const isWithin = amount >= minimum && amount <= Math.min(maximum, capacityOf(graph.edgeAmounts, edge));
  return isWithin && Number(feeOf(graph, edge, msat(amount))) <= amount / 2;
}

/** The path, with what each node keeps; `undefined` when it does not fit with fees. */
function pathAlong(
  first: FirstHop,
  edges: readonly number[],
  amount: Msat,
  graph: RoutingGraph,
): Path | undefined {
  const hops: RouteHop[] = [];
  let passes = amount;
  let fee = amount;
  let blocks = finalProbeDelta;
  for (const edge of edges.toReversed()) {
    if (!carries(graph, edge, Number(passes))) return undefined;
    const nodeId = graph.nodeIdOf(word(graph, edge, edgeWord.target));
    hops.push({ nodeId, shortChannelId: graph.shortChannelIdOf(edge >>> 1), fee, cltvExpiryDelta: blocks });
    fee = feeOf(graph, edge, passes);
    blocks = word(graph, edge, edgeWord.cltvExpiryDelta);
    passes = msat(passes + fee);
  }
  if (passes > first.maximum) return undefined;
  hops.push({
    nodeId: first.counterparty,
    shortChannelId: first.shortChannelId,
    fee,
    cltvExpiryDelta: blocks,
  });
  return { hops: hops.reverse() };
}

function feeOf(graph: RoutingGraph, edge: number, amount: Msat): Msat {
  const base = BigInt(word(graph, edge, edgeWord.feeBaseMsat));
  return msat(base + (amount * BigInt(word(graph, edge, edgeWord.feeProportionalMillionths))) / 1_000_000n);
}

/** The path with an expiry that does not tell where it ends. */
function withOffset(
  path: Path,
  { payer, first, amount, entropy }: Omit<Walk, "length">,
  graph: RoutingGraph,
): Path {
  const payee = path.hops.at(-1)?.nodeId ?? payer;
  const terms = {
    kind: "clear",
    nodeId: payee,
    routeHints: [],
    finalCltvExpiryDelta: finalProbeDelta,
  } as const;
  const parameters = {
    paymentParameters: paymentParameters(terms),
    finalValue: amount,
    maxFee: defaultMaxFee(minusOrZero(amount, feesOf(path))),
  };
  const randomSeed = entropy.randomBytes(32);
  return withShadowOffset(
    path,
    { payer, parameters, firstHops: [first], inFlightHtlcs: [], randomSeed },
    graph,
  );
}

function word(graph: RoutingGraph, edge: number, place: number): number {
  return graph.edgeWords[edge * edgeWord.count + place] ?? 0;
}
