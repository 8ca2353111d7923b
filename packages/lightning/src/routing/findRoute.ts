import { nodeFlag, type RoutingGraph } from "../gossip/index.ts";
import { err, ok, type Result } from "../util/result.ts";
import { Features } from "../wire/index.ts";
import { flowParts } from "./flow/flowParts.ts";
import { toNumber } from "./localEdges.ts";
import { merged, PartCollection, type PartLimits, withoutSurplus } from "./multiPart.ts";
import { type Part, pathOf } from "./part.ts";
import { type Filling, RequestEdges } from "./requestEdges.ts";
import type { Payee, Route, RouteRefusal, RouteRequest } from "./route.ts";
import type { EdgePenalties, ScoreLookUp } from "./scoreLookUp.ts";
import { SearchWorkspace } from "./searchWorkspace.ts";
import { shadowReserve, withShadowOffset } from "./shadowOffset.ts";

/** What a search may be given. */
export interface FindRouteOptions {
  /** Makes what is trusted less dearer; absent when fees alone count. */
  readonly scorer?: ScoreLookUp;
  /** Memory of searches before. */
  readonly workspace?: SearchWorkspace;
}

/**
 * Ways from `payer` to the payee that together carry the whole amount: one when one will do, several when the payee
 * takes several. First without filling any channel of others by more than a part of what it holds, then with all that
 * they may hold, at last even where HTLCs of ours are under way. The same request, graph and scorer give the same
 * route.
 *
 * @ldk lightning::routing::router::find_route
 */
export function findRoute(
  request: RouteRequest,
  graph: RoutingGraph,
  { scorer, workspace = new SearchWorkspace() }: FindRouteOptions = {},
): Result<Route, RouteRefusal> {
  const { payer, parameters } = request;
  if (isPayer(request)) return err({ kind: "payee-is-payer", text: `${payer} is ourselves` });
  const invalid = invalidParameter(request);
  if (invalid !== undefined) return err({ kind: "invalid-parameters", text: invalid });
  const edges = new RequestEdges(request, graph, workspace);
  if (edges.largestFirstHop === undefined)
    return err({ kind: "no-first-hop", text: "no channel of ours can be used" });
  const parts = partsFor(request, edges, scorer?.penaltiesFor(graph));
  edges.release();
  if (parts === undefined) {
    const kind = isUnknown(request, graph) ? "payee-unknown" : "no-route";
    return err({ kind, text: refusalOf(request) });
  }
  const { payee } = parameters.paymentParameters;
  const paths = parts.map((part) => pathOf(part, edges, finalCltvOf(payee)));
  return ok({ paths: paths.map((path) => withShadowOffset(path, request, graph)) });
}

function isUnknown({ parameters, firstHops }: RouteRequest, graph: RoutingGraph): boolean {
  const { payee } = parameters.paymentParameters;
  if (payee.kind === "blinded" || payee.routeHints.length > 0) return false;
  if (firstHops.some(({ counterparty }) => counterparty === payee.nodeId)) return false;
  const counter = graph.nodeCounter(payee.nodeId);
  return counter === undefined || graph.edgesIntoCount[counter] === 0;
}

function refusalOf({ parameters, firstHops }: RouteRequest): string {
  const { finalValue, maxFee, paymentParameters } = parameters;
  const { payee, maxTotalCltvExpiryDelta } = paymentParameters;
  const whom = payee.kind === "clear" ? payee.nodeId : "the end of a blinded path";
  const ours = firstHops.reduce<bigint>((total, { maximum }) => total + maximum, 0n);
  const within = `for at most ${maxFee} msat of fees and ${maxTotalCltvExpiryDelta} blocks`;
  return `no way to bring ${finalValue} msat to ${whom} ${within}; our channels can send ${ours} msat`;
}

function partsFor(
  request: RouteRequest,
  edges: RequestEdges,
  penalties?: EdgePenalties,
): readonly Part[] | undefined {
  const limits = limitsOf(request, edges.graph);
  const { inFlightHtlcs } = request;
  const power = request.parameters.paymentParameters.maxChannelSaturationPowerOfHalf;
  const asFlow = limits.maxCount > 1 && request.parameters.paymentParameters.solver === "min-cost-flow";
  const flowing = asFlow ? flowAndRest(limits, edges, { power: 0, inFlightHtlcs, penalties }) : undefined;
  const found = flowing ?? partsWithin(limits, edges, { power, inFlightHtlcs, penalties });
  // Where a capacity is unknown, what we think is taken may fit all the same.
  if (found !== undefined || inFlightHtlcs.length === 0) return found;
  return partsWithin(limits, edges, { power: 0, inFlightHtlcs: [], penalties });
}

interface Conditions {
  readonly power: number;
  readonly inFlightHtlcs: Filling["inFlightHtlcs"];
  readonly penalties: EdgePenalties | undefined;
}

/** Parts that are found as one flow, and what that does not bring by a way of its own. */
function flowAndRest(
  limits: PartLimits,
  edges: RequestEdges,
  { power, inFlightHtlcs, penalties }: Conditions,
): readonly Part[] | undefined {
  edges.fill({ saturationPowerOfHalf: power, inFlightHtlcs });
  const collection = new PartCollection(limits, edges, penalties);
  for (const part of flowParts(edges, limits, penalties)) collection.take(part);
  return collection.collect() ? neededOf(collection.parts, limits, edges) : undefined;
}

/** Several parts, gathered one by one; where that comes to nothing, as cheap as can be, or all in one. */
function partsWithin(
  limits: PartLimits,
  edges: RequestEdges,
  { power, inFlightHtlcs, penalties }: Conditions,
): readonly Part[] | undefined {
  const full = { saturationPowerOfHalf: 0, inFlightHtlcs };
  const first = gather(limits, edges, { saturationPowerOfHalf: power, inFlightHtlcs }, penalties);
  // Where there is no way at all, there is none for others.
  if (first.parts !== undefined || first.found === 0) return first.parts;
  return (
    gather(limits, edges, full).parts ?? gather({ ...limits, maxCount: 1 }, edges, full, penalties).parts
  );
}

/** What a search for parts came to. */
interface Gathered {
  /** Absent when they do not bring the amount. */
  readonly parts: readonly Part[] | undefined;
  /** How many were found. */
  readonly found: number;
}

/**
 * Parts that bring the amount: all of it in one, or several where these are cheaper by fees and penalties; those alone
 * know what it means that each part more may fail, so without them there are as few parts as can be.
 */
function gather(
  limits: PartLimits,
  edges: RequestEdges,
  filling: Filling,
  penalties?: EdgePenalties,
): Gathered {
  if (penalties === undefined || limits.maxCount === 1)
    return gatherInOrder(limits, edges, filling, { penalties });
  const shares = gatherInOrder(limits, edges, filling, { penalties, sharesFirst: true });
  if (shares.parts === undefined) return gatherInOrder(limits, edges, filling, { penalties });
  if (shares.parts.length === 1) return shares;
  const whole = gatherInOrder({ ...limits, maxCount: 1 }, edges, filling, { penalties });
  if (whole.parts === undefined) return shares;
  const cost = (parts: readonly Part[]) => costOf(parts, edges, filling, penalties);
  return cost(shares.parts) < cost(whole.parts) ? shares : whole;
}

function gatherInOrder(
  limits: PartLimits,
  edges: RequestEdges,
  filling: Filling,
  order: { readonly penalties: EdgePenalties | undefined; readonly sharesFirst?: true },
): Gathered {
  edges.fill(filling);
  const collection = new PartCollection(limits, edges, order.penalties);
  let isWhole = collection.collect(order.sharesFirst);
  if (!isWhole && collection.hitSaturation) {
    edges.share = 1;
    isWhole = collection.collect(order.sharesFirst);
  }
  const found = collection.parts.length;
  return { found, parts: isWhole ? neededOf(collection.parts, limits, edges) : undefined };
}

/** Fees and penalties of all parts together. */
function costOf(
  parts: readonly Part[],
  edges: RequestEdges,
  filling: Filling,
  penalties: EdgePenalties,
): number {
  edges.fill(filling);
  let cost = 0;
  for (const { edges: way, carried, fee } of parts) {
    cost += fee;
    for (const [i, edge] of way.entries()) {
      const amount = carried[i] ?? 0;
      if (edge < edges.graphLimit) cost += penalties.edgePenalty(edge, amount, edges.used(edge));
      edges.use(edge, amount);
    }
  }
  return cost;
}

function neededOf(
  parts: readonly Part[],
  { value }: PartLimits,
  edges: RequestEdges,
): readonly Part[] | undefined {
  const needed = withoutSurplus(parts, value);
  return needed && merged(needed, edges);
}

function limitsOf({ parameters, randomSeed }: RouteRequest, graph: RoutingGraph): PartLimits {
  const { paymentParameters, finalValue, maxFee } = parameters;
  const { payee, maxTotalCltvExpiryDelta, maxPathLength } = paymentParameters;
  const furthestCltvExpiryDelta = maxTotalCltvExpiryDelta - finalCltvOf(payee);
  const reserve = randomSeed === undefined ? 0 : shadowReserve;
  return {
    value: Number(finalValue),
    maxFee: toNumber(maxFee),
    maxCltvExpiryDelta:
      furthestCltvExpiryDelta < reserve ? furthestCltvExpiryDelta : furthestCltvExpiryDelta - reserve,
    furthestCltvExpiryDelta,
    maxPathLength,
    maxCount: takesParts(payee, graph) ? paymentParameters.maxPathCount : 1,
  };
}

/** Several parts only where the payee says that it puts them together. */
function takesParts(payee: Payee, graph: RoutingGraph): boolean {
  if (payee.features !== undefined) return Features.fromBytes(payee.features).has("basic_mpp");
  if (payee.kind === "blinded") return false;
  const counter = graph.nodeCounter(payee.nodeId);
  return counter !== undefined && ((graph.nodeFlags[counter] ?? 0) & nodeFlag.basicMpp) !== 0;
}

/** Blinded paths count the recipient's blocks among theirs. */
function finalCltvOf(payee: Payee): number {
  return payee.kind === "clear" ? payee.finalCltvExpiryDelta : 0;
}

function isPayer({ payer, parameters }: RouteRequest): boolean {
  const { payee } = parameters.paymentParameters;
  return payee.kind === "clear" && payee.nodeId === payer;
}

function invalidParameter({ parameters }: RouteRequest): string | undefined {
  const { paymentParameters, finalValue, maxFee } = parameters;
  const { payee, maxTotalCltvExpiryDelta, maxPathCount } = paymentParameters;
  if (finalValue <= 0n || finalValue > BigInt(Number.MAX_SAFE_INTEGER))
    return `cannot pay ${finalValue} msat`;
  if (maxFee < 0n) return `fees of at most ${maxFee} msat`;
  if (maxPathCount < 1) return `at most ${maxPathCount} paths`;
  if (payee.kind === "blinded" && payee.paths.length === 0) return "a blinded payee without a path";
  if (finalCltvOf(payee) > maxTotalCltvExpiryDelta) {
    return `the recipient wants ${finalCltvOf(payee)} blocks, at most ${maxTotalCltvExpiryDelta} are allowed`;
  }
  return undefined;
}
