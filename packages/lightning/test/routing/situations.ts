import type { ChannelUpdateInfo } from "@fulmen/lightning/gossip";
import {
  type FindRouteOptions,
  type FirstHop,
  findRoute,
  type Payee,
  type Route,
  type RouteHintHop,
  type RouteRequest,
  type ScoreLookUp,
} from "@fulmen/lightning/routing";
import { msat, type NodeId, sat } from "@fulmen/lightning/util";
import { PlainGraph, plainChannel, plainTerms } from "../gossip/plainGraph.ts";
import { checkRoute, clear, firstHop, node, partsOf, request, scid, type Wish } from "./routes.ts";

/** Situations in few words: nodes are letters, channels numbers, amounts msat. */

/** One direction of a channel, or both directions. */
export interface Road {
  readonly id: number;
  /** `B>C`: from B to C. */
  readonly way: string;
  readonly base?: number;
  readonly ppm?: number;
  readonly delta?: number;
  readonly min?: number;
  readonly max?: number;
  /** Satoshis. */
  readonly capacity?: number;
  readonly disabled?: boolean;
  /** The way back has these terms. */
  readonly back?: Omit<Road, "id" | "way" | "back" | "capacity">;
}

export function roads(...all: readonly Road[]): PlainGraph {
  return new PlainGraph(
    all.map((road) => {
      const [from = "", to = ""] = road.way.split(">");
      const channel = plainChannel(BigInt(road.id), [node(from), node(to)], {
        from: termsOf(road),
        ...(road.back && { to: termsOf(road.back) }),
      });
      return road.capacity === undefined ? channel : { ...channel, capacity: sat(road.capacity) };
    }),
  );
}

function termsOf({ base, ppm, delta, min, max, disabled }: Omit<Road, "id" | "way">): ChannelUpdateInfo {
  return plainTerms({
    feeBaseMsat: base ?? 0,
    feeProportionalMillionths: ppm ?? 0,
    cltvExpiryDelta: delta ?? 0,
    htlcMinimum: msat(min ?? 0),
    htlcMaximum: msat(max ?? 10 ** 12),
    enabled: disabled !== true,
  });
}

/** Our channel `id` to a node. */
export function own(id: number, to: string, maximum = 10 ** 10, minimum = 1): FirstHop {
  return firstHop(id, node(to), maximum, minimum);
}

export function hint(from: string, id: number, base = 0, ppm = 0): RouteHintHop {
  return {
    nodeId: node(from),
    shortChannelId: scid(id),
    feeBaseMsat: base,
    feeProportionalMillionths: ppm,
    cltvExpiryDelta: 0,
  };
}

export function hinted(to: string, ...routeHints: readonly (readonly RouteHintHop[])[]): Payee {
  const payee = clear(node(to));
  return payee.kind === "clear" ? { ...payee, routeHints } : payee;
}

/** We are A; the payee is a letter unless it is more than that. */
export function asked(
  amount: number,
  to: string | Payee,
  firstHops: readonly FirstHop[],
  changes: Partial<Wish> & { readonly seed?: Uint8Array } = {},
): RouteRequest {
  const payee = typeof to === "string" ? clear(node(to)) : to;
  const { seed, limits, ...rest } = changes;
  const made = request({
    payer: node("A"),
    payee,
    amount,
    firstHops,
    ...rest,
    limits: { maxChannelSaturationPowerOfHalf: 0, ...limits },
  });
  return seed === undefined ? made : { ...made, randomSeed: seed };
}

/** The route, which keeps all limits; throws the reason when there is none. */
export function found(wanted: RouteRequest, graph: PlainGraph, options?: FindRouteOptions): Route {
  const route = findRoute(wanted, graph, options);
  if (!route.ok) throw new Error(`${route.error.kind}: ${route.error.text}`);
  checkRoute(route.value, wanted, graph);
  return route.value;
}

/** Amounts by their ways, `[["1 2", 500]]`, or why there is no route. */
export function ways(wanted: RouteRequest, graph: PlainGraph, options?: FindRouteOptions) {
  const route = findRoute(wanted, graph, options);
  if (!route.ok) return route.error.kind;
  checkRoute(route.value, wanted, graph);
  return partsOf(route.value);
}

/** The fees of the first path's hops, the last being what the payee gets. */
export function feesAlong({ paths }: Route): readonly number[] {
  return (paths[0]?.hops ?? []).map(({ fee }) => Number(fee));
}

/** The same for each edge, except where `of` says otherwise. */
export function penalties(usual: number, of: Readonly<Record<number, number>> = {}): ScoreLookUp {
  return {
    penaltiesFor: (graph) => ({
      edgePenalty: (edge) => of[Number(graph.shortChannelIdOf(edge >>> 1))] ?? usual,
    }),
  };
}

export function ids(letters: string): readonly NodeId[] {
  return [...letters].map(node);
}
