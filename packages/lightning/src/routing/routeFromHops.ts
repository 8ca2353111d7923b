import type { RoutingGraph } from "../gossip/index.ts";
import { edgeWord } from "../gossip/index.ts";
import type { NodeId } from "../util/ids.ts";
import { err, type Result } from "../util/result.ts";
import { findRoute } from "./findRoute.ts";
import type { Route, RouteRefusal, RouteRequest } from "./route.ts";
import type { ScoreLookUp } from "./scoreLookUp.ts";

/**
 * The route over these nodes, from our peer to the payee, by the cheapest channels between each and the next that carry
 * the amount; the request's other limits hold, too.
 *
 * @ldk lightning::routing::router::build_route_from_hops
 */
export function buildRouteFromHops(
  nodeIds: readonly NodeId[],
  request: RouteRequest,
  graph: RoutingGraph,
): Result<Route, RouteRefusal> {
  const { maxPathLength, payee } = request.parameters.paymentParameters;
  const [first] = nodeIds;
  if (nodeIds.length > maxPathLength) {
    return err({
      kind: "invalid-parameters",
      text: `${nodeIds.length} hops, at most ${maxPathLength} are allowed`,
    });
  }
  if (first === undefined || payee.kind !== "clear" || payee.nodeId !== nodeIds.at(-1)) {
    return err({ kind: "invalid-parameters", text: "the last of the hops is to be the payee" });
  }
  const firstHops = request.firstHops.filter(({ counterparty }) => counterparty === first);
  const route = findRoute({ ...request, firstHops }, graph, { scorer: onlyAlong(nodeIds) });
  if (!route.ok) return route;
  const isAlong = route.value.paths.every(
    ({ hops }) => hops.map(({ nodeId }) => nodeId).join() === nodeIds.join(),
  );
  return isAlong ? route : err({ kind: "no-route", text: `no way over ${nodeIds.join(", ")}` });
}

/** Every edge that does not lead from one of these nodes to the next is never to be taken. */
function onlyAlong(nodeIds: readonly NodeId[]): ScoreLookUp {
  return {
    penaltiesFor(graph) {
      const counters = nodeIds.map((nodeId) => graph.nodeCounter(nodeId));
      const nextOf = new Map<number | undefined, number | undefined>();
      for (const [i, counter] of counters.entries()) nextOf.set(counter, counters[i + 1]);
      const { edgeWords } = graph;
      return {
        edgePenalty(edge) {
          const word = edge * edgeWord.count;
          const next = nextOf.get(edgeWords[word + edgeWord.source]);
          const isAlong = next !== undefined && next === edgeWords[word + edgeWord.target];
          return isAlong ? 0 : Number.POSITIVE_INFINITY;
        },
      };
    },
  };
}
