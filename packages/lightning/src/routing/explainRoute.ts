import type { RoutingGraph } from "../gossip/index.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { type Msat, msat, plus, sum, zeroMsat } from "../util/units.ts";
import { explanationText } from "./explanationText.ts";
import { feesOf, finalValueOf, type Path, type Route, type RouteRequest } from "./route.ts";
import type { HopExplanation, PathExplanation, RouteExplanation } from "./routeExplanation.ts";
import { edgeTo, type ScoredEdges } from "./scoring/index.ts";

/** Who can say of what a penalty is made: `ProbabilisticScorer`, `CombinedScorer`. */
export interface ExplainingScorer {
  edges(graph: RoutingGraph): ScoredEdges;
}

/** Why this route? What `scorer` knows now decides, so ask it before something is learned. */
export function explainRoute(
  { paths }: Route,
  request: RouteRequest,
  graph: RoutingGraph,
  scorer: ExplainingScorer,
): RouteExplanation {
  const used = new UsedLiquidity(request);
  for (const path of paths) used.add(path, request.payer);
  const context: Context = { payer: request.payer, graph, edges: scorer.edges(graph), used };
  const explained = paths.map((path) => explainPath(path, context));
  const told = {
    finalValue: sum(explained.map(({ finalValue }) => finalValue)),
    fees: sum(explained.map(({ fees }) => fees)),
    probability: explained.reduce((product, { probability }) => product * probability, 1),
    paths: explained,
  };
  return { ...told, text: explanationText(told) };
}

interface Context {
  readonly payer: NodeId;
  readonly graph: RoutingGraph;
  readonly edges: ScoredEdges;
  readonly used: UsedLiquidity;
}

function explainPath(path: Path, context: Context): PathExplanation {
  const amounts = amountsOf(path);
  const hops = path.hops.map((_, i) => explainHop(path, i, amounts[i] ?? zeroMsat, context));
  return {
    finalValue: finalValueOf(path),
    fees: feesOf(path),
    probability: hops.reduce((product, { outlook }) => product * (outlook?.probability ?? 1), 1),
    hops,
    blindedHops: Math.max(0, (path.blindedTail?.hops.length ?? 0) - 1),
  };
}

function explainHop(path: Path, i: number, amount: Msat, context: Context): HopExplanation {
  const { payer, graph, edges, used } = context;
  const hop = path.hops[i];
  const before = path.hops[i - 1];
  if (hop === undefined) throw new RangeError(`no hop ${i}`);
  const source = before?.nodeId ?? payer;
  const { shortChannelId, nodeId: target } = hop;
  const edge = i === 0 ? undefined : edgeTo(graph, shortChannelId, target);
  const inFlight = msat(used.of(shortChannelId, source) - amount);
  const told = {
    source,
    target,
    shortChannelId,
    amount,
    inFlight,
    fee: before?.fee ?? zeroMsat,
    cltvExpiryDelta: before?.cltvExpiryDelta ?? 0,
  };
  if (edge === undefined) return { ...told, kind: i === 0 ? "own" : "hinted" };
  const asked = [Number(amount), Number(inFlight)] as const;
  const penalty = { total: edges.edgePenalty(edge, ...asked), parts: edges.penaltyParts(edge, ...asked) };
  return { ...told, kind: "announced", penalty, outlook: edges.outlook(edge, asked[0] + asked[1]) };
}

/** What passes each channel of a path: all that is kept behind it, and what arrives. */
function amountsOf({ hops, blindedTail }: Path): readonly Msat[] {
  const amounts: Msat[] = [];
  let behind = blindedTail?.finalValue ?? zeroMsat;
  for (const { fee } of hops.toReversed()) {
    behind = plus(behind, fee);
    amounts.push(behind);
  }
  return amounts.reverse();
}

/** What all HTLCs of ours, those of the route too, take of each direction of a channel. */
class UsedLiquidity {
  readonly #amounts = new Map<string, Msat>();

  constructor({ inFlightHtlcs }: RouteRequest) {
    for (const { shortChannelId, source, amount } of inFlightHtlcs) this.#add(shortChannelId, source, amount);
  }

  add(path: Path, payer: NodeId): void {
    const amounts = amountsOf(path);
    for (const [i, { shortChannelId }] of path.hops.entries()) {
      this.#add(shortChannelId, path.hops[i - 1]?.nodeId ?? payer, amounts[i] ?? zeroMsat);
    }
  }

  of(id: ShortChannelId, source: NodeId): Msat {
    return this.#amounts.get(`${id} ${source}`) ?? zeroMsat;
  }

  #add(id: ShortChannelId, source: NodeId, amount: Msat): void {
    this.#amounts.set(`${id} ${source}`, plus(this.of(id, source), amount));
  }
}
