import type { NetworkGraph } from "@fulmen/lightning/gossip";
import {
  type BlindedPathsRequest,
  DefaultRouter,
  explainRoute,
  type ProbabilisticScorer,
  type Route,
  type RouteExplanation,
  type RouteRefusal,
  type RouteRequest,
  type Router,
} from "@fulmen/lightning/routing";
import type { Result } from "@fulmen/lightning/util";

/** Finds routes as others do, and can say why it chose the last one. */
export class ExplainedRouter implements Router {
  readonly #graph: NetworkGraph;
  readonly #scorer: ProbabilisticScorer;
  readonly #router: DefaultRouter;
  #last: RouteExplanation | undefined;

  constructor(graph: NetworkGraph, scorer: ProbabilisticScorer) {
    this.#graph = graph;
    this.#scorer = scorer;
    this.#router = new DefaultRouter(graph, scorer);
  }

  /** Of the last route that was found; `undefined` when there was none. */
  get last(): RouteExplanation | undefined {
    return this.#last;
  }

  findRoute(request: RouteRequest): Result<Route, RouteRefusal> {
    const found = this.#router.findRoute(request);
    // What is known now has decided: later, more is.
    if (found.ok) this.#last = explainRoute(found.value, request, this.#graph, this.#scorer);
    return found;
  }

  createBlindedPaymentPaths(request: BlindedPathsRequest) {
    return this.#router.createBlindedPaymentPaths(request);
  }
}
