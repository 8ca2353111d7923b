import type { ReadOnlyNetworkGraph, RoutingGraph } from "../gossip/index.ts";
import type { BlindedPaymentPath } from "../onion/index.ts";
import type { Result } from "../util/result.ts";
import { type BlindedPathsRequest, createBlindedPaymentPaths } from "./blindedPaymentPaths.ts";
import { findRoute } from "./findRoute.ts";
import type { Route, RouteRefusal, RouteRequest, Router } from "./route.ts";
import type { ScoreLookUp } from "./scoreLookUp.ts";
import { SearchWorkspace } from "./searchWorkspace.ts";

/** What a router reads of the network. */
type RouterGraph = RoutingGraph & Pick<ReadOnlyNetworkGraph, "node">;

/**
 * Finds routes in a graph; keeps the memory that a search takes for the next one.
 *
 * @ldk lightning::routing::router::DefaultRouter
 */
export class DefaultRouter implements Router {
  readonly #graph: RouterGraph;
  readonly #scorer: ScoreLookUp | undefined;
  readonly #workspace = new SearchWorkspace();

  constructor(graph: RouterGraph, scorer?: ScoreLookUp) {
    this.#graph = graph;
    this.#scorer = scorer;
  }

  findRoute(request: RouteRequest): Result<Route, RouteRefusal> {
    return findRoute(request, this.#graph, {
      workspace: this.#workspace,
      ...(this.#scorer && { scorer: this.#scorer }),
    });
  }

  createBlindedPaymentPaths(request: BlindedPathsRequest): readonly BlindedPaymentPath[] {
    return createBlindedPaymentPaths(request, this.#graph);
  }
}
