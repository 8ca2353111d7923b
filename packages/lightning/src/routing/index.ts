export { DefaultRouter } from "./defaultRouter.ts";
export { findRoute } from "./findRoute.ts";
export type {
  FirstHop,
  Path,
  Route,
  RouteHintHop,
  RouteHop,
  RouteParameters,
  RouteRefusal,
  Router,
} from "./route.ts";
