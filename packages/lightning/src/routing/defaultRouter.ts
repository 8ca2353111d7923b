import type { ReadOnlyNetworkGraph } from "../gossip/index.ts";
import type { Result } from "../util/result.ts";
import { findRoute } from "./findRoute.ts";
import type { Route, RouteParameters, RouteRefusal, Router } from "./route.ts";

/** Finds routes in a graph. @ldk lightning::routing::router::DefaultRouter */
export class DefaultRouter implements Router {
  readonly #graph: ReadOnlyNetworkGraph;

  constructor(graph: ReadOnlyNetworkGraph) {
    this.#graph = graph;
  }

  findRoute(parameters: RouteParameters): Result<Route, RouteRefusal> {
    return findRoute(parameters, this.#graph);
  }
}
