import type { ReadOnlyNetworkGraph } from "../gossip/index.ts";
import { err, ok, type Result } from "../util/result.ts";
import { Features } from "../wire/index.ts";
import type { PathLimits } from "./cheapestPath.ts";
import { blindedPayee, Edges, type Filling, toNumber } from "./edge.ts";
import { findParts } from "./multiPart.ts";
import { pathOf } from "./part.ts";
import type { Payee, Route, RouteRefusal, RouteRequest } from "./route.ts";

/**
 * Ways from `payer` to the payee that together carry the whole amount: one when one will do, several when the payee
 * takes several. First without filling any channel of others by more than a part of what it holds, then with all that
 * they may hold, at last even where HTLCs of ours are under way.
 *
 * @ldk lightning::routing::router::find_route
 */
export function findRoute(request: RouteRequest, graph: ReadOnlyNetworkGraph): Result<Route, RouteRefusal> {
  const { payer, parameters, firstHops } = request;
  const { paymentParameters, finalValue, maxFee } = parameters;
  const { payee, maxTotalCltvExpiryDelta, maxPathLength } = paymentParameters;
  if (isPayer(request)) return err({ kind: "payee-is-payer", text: `${payer} is ourselves` });
  const invalid = invalidParameter(request);
  if (invalid !== undefined) return err({ kind: "invalid-parameters", text: invalid });
  const limits: PathLimits = {
    payer,
    payee: payee.kind === "clear" ? payee.nodeId : blindedPayee,
    amount: Number(finalValue),
    finalCltvExpiryDelta: finalCltvOf(payee),
    maxFee: toNumber(maxFee),
    maxTotalCltvExpiryDelta,
    maxPathLength,
  };
  const edges = new Edges(request, graph);
  if (edges.largestFirstHop === undefined)
    return err({ kind: "no-first-hop", text: "no channel of ours can be used" });
  const maxPaths = mayUsePaths(request, graph);
  for (const filling of fillings(request)) {
    edges.fill(filling);
    const parts = findParts(limits, edges, maxPaths);
    if (parts !== undefined)
      return ok({ paths: parts.map((part) => pathOf(part, limits.finalCltvExpiryDelta)) });
  }
  const whom = payee.kind === "clear" ? payee.nodeId : "the end of a blinded path";
  const ours = firstHops.reduce<bigint>((total, { maximum }) => total + maximum, 0n);
  const within = `for at most ${maxFee} msat of fees and ${maxTotalCltvExpiryDelta} blocks`;
  const text = `no way to bring ${finalValue} msat to ${whom} ${within}; our channels can send ${ours} msat`;
  return err({ kind: "no-route", text });
}

function fillings({ parameters, inFlightHtlcs }: RouteRequest): readonly Filling[] {
  const saturationPowerOfHalf = parameters.paymentParameters.maxChannelSaturationPowerOfHalf;
  const full = { saturationPowerOfHalf: 0, inFlightHtlcs };
  return [
    ...(saturationPowerOfHalf > 0 ? [{ saturationPowerOfHalf, inFlightHtlcs }] : []),
    full,
    // Where a capacity is unknown, what we think is taken may fit all the same.
    ...(inFlightHtlcs.length > 0 ? [{ ...full, inFlightHtlcs: [] }] : []),
  ];
}

/** How many paths there may be: several only where the payee says that it puts them together. */
function mayUsePaths({ parameters }: RouteRequest, graph: ReadOnlyNetworkGraph): number {
  const { payee, maxPathCount } = parameters.paymentParameters;
  const announced = payee.kind === "clear" ? graph.node(payee.nodeId)?.announcement?.features : undefined;
  const features = payee.features === undefined ? announced : Features.fromBytes(payee.features);
  return features?.has("basic_mpp") === true ? maxPathCount : 1;
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
