import type { NodeId, ShortChannelId } from "../util/ids.ts";
import type { Result } from "../util/result.ts";
import type { Msat } from "../util/units.ts";

/** One step of a path. @ldk lightning::routing::router::RouteHop */
export interface RouteHop {
  /** The node that this step leads to. */
  readonly nodeId: NodeId;
  /** The channel to that node; of the first step it is our own, by any of its names. */
  readonly shortChannelId: ShortChannelId;
  /** What the node at the end of this step keeps for passing the payment on; at the last hop, what it is paid. */
  readonly fee: Msat;
  /** Blocks that the node at the end of this step adds; at the last hop, the recipient's final delta. */
  readonly cltvExpiryDelta: number;
}

/** @ldk lightning::routing::router::Path */
export interface Path {
  readonly hops: readonly RouteHop[];
}

/** @ldk lightning::routing::router::Route */
export interface Route {
  readonly paths: readonly Path[];
}

/** A step that only the recipient knows of: from `nodeId` over `shortChannelId` to the next one (BOLT 11, `r`). */
export interface RouteHintHop {
  readonly nodeId: NodeId;
  readonly shortChannelId: ShortChannelId;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

/** A channel of ours that can carry a payment now. */
export interface FirstHop {
  readonly counterparty: NodeId;
  /** The name by which the path shall call it. */
  readonly shortChannelId: ShortChannelId;
  /** Smallest and largest HTLC that can be offered on it now. */
  readonly minimum: Msat;
  readonly maximum: Msat;
}

/** @ldk lightning::routing::router::RouteParameters */
export interface RouteParameters {
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly amount: Msat;
  /** Blocks that the recipient wants at least. */
  readonly finalCltvExpiryDelta: number;
  /** All fees together. */
  readonly maxFee: Msat;
  /** From our first HTLC to the recipient's expiry, in blocks. Default 1,008. */
  readonly maxTotalCltvExpiryDelta: number;
  readonly routeHints: readonly (readonly RouteHintHop[])[];
  readonly firstHops: readonly FirstHop[];
  /** Channels that failed before: not to be tried again. */
  readonly excludedChannels: readonly ShortChannelId[];
}

export interface RouteRefusal {
  readonly kind: "no-route" | "no-first-hop" | "payee-is-payer" | "invalid-parameters";
  /** A sentence with the numbers. */
  readonly text: string;
}

/** Finds ways through the network. @ldk lightning::routing::router::Router */
export interface Router {
  findRoute(parameters: RouteParameters): Result<Route, RouteRefusal>;
}
