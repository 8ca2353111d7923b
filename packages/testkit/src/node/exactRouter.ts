import { DefaultRouter, type Route, type RouteRefusal, type RouteRequest } from "@fulmen/lightning/routing";
import type { Result } from "@fulmen/lightning/util";

/** Ends paths exactly where the payee wants, not some blocks later: tests count blocks up to an HTLC's expiry. */
export class ExactRouter extends DefaultRouter {
  override findRoute({ randomSeed: _, ...request }: RouteRequest): Result<Route, RouteRefusal> {
    return super.findRoute(request);
  }
}
