import type { ReadOnlyNetworkGraph } from "../gossip/index.ts";
import type { BlindedPaymentPath } from "../onion/index.ts";
import type { Result } from "../util/result.ts";
import { type BlindedPathsRequest, createBlindedPaymentPaths } from "./blindedPaymentPaths.ts";
import { findRoute } from "./findRoute.ts";
import type { Route, RouteRefusal, RouteRequest, Router } from "./route.ts";

/** Finds routes in a graph. @ldk lightning::routing::router::DefaultRouter */
export class DefaultRouter implements Router {
  readonly #graph: ReadOnlyNetworkGraph;

  constructor(graph: ReadOnlyNetworkGraph) {
    this.#graph = graph;
  }

  findRoute(request: RouteRequest): Result<Route, RouteRefusal> {
    return findRoute(request, this.#graph);
  }

  createBlindedPaymentPaths(request: BlindedPathsRequest): readonly BlindedPaymentPath[] {
    return createBlindedPaymentPaths(request, this.#graph);
  }
}
