import type { BlindedHop, BlindedPaymentPath } from "../onion/blindedPath.ts";
import type { Point } from "../util/bytes.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import type { Result } from "../util/result.ts";
import { type Msat, msat, plus, sum } from "../util/units.ts";
import type { BlindedPathsRequest } from "./blindedPaymentPaths.ts";

/** One step of a path. @ldk lightning::routing::router::RouteHop */
export interface RouteHop {
  /** The node that this step leads to. */
  readonly nodeId: NodeId;
  /** The channel to that node; of the first step it is our own, by any of its names. */
  readonly shortChannelId: ShortChannelId;
  /**
   * What the node at the end of this step keeps for passing the payment on. At the last hop, what it is paid; before a
   * blinded tail, what all of that path keeps.
   */
  readonly fee: Msat;
  /**
   * Blocks that the node at the end of this step adds. At the last hop, the recipient's final delta; before a blinded
   * tail, all blocks of that path.
   */
  readonly cltvExpiryDelta: number;
}

/** The rest of a path, of which only its own nodes know more. @ldk lightning::routing::router::BlindedTail */
export interface BlindedTail {
  /** From the introduction node, which is the last of `Path.hops`, to the recipient; at least one. */
  readonly hops: readonly BlindedHop[];
  /** `first_path_key`, for the introduction node. */
  readonly pathKey: Point;
  /** Blocks added to the recipient's expiry, to hide who it is. */
  readonly excessFinalCltvExpiryDelta: number;
  /** What reaches the recipient. */
  readonly finalValue: Msat;
}

/** @ldk lightning::routing::router::Path */
export interface Path {
  /** At least one. */
  readonly hops: readonly RouteHop[];
  /** Present when the payment goes to a blinded path. */
  readonly blindedTail?: BlindedTail;
}

/** @ldk lightning::routing::router::Route */
export interface Route {
  readonly paths: readonly Path[];
}

/** What reaches the recipient by this path. @ldk Path::final_value_msat */
export function finalValueOf({ hops, blindedTail }: Path): Msat {
  return blindedTail?.finalValue ?? hops.at(-1)?.fee ?? msat(0n);
}

/** What all nodes on the way keep. @ldk Path::fee_msat */
export function feesOf({ hops, blindedTail }: Path): Msat {
  return sum((blindedTail === undefined ? hops.slice(0, -1) : hops).map(({ fee }) => fee));
}

/** A step that only the recipient knows of: from `nodeId` over `shortChannelId` to the next one (BOLT 11, `r`). */
export interface RouteHintHop {
  readonly nodeId: NodeId;
  readonly shortChannelId: ShortChannelId;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

/** Whom to pay. @ldk lightning::routing::router::Payee */
export type Payee =
  | {
      readonly kind: "clear";
      readonly nodeId: NodeId;
      readonly routeHints: readonly (readonly RouteHintHop[])[];
      /** As in the invoice: bits, big-endian. They say whether several parts may be sent. */
      readonly features?: Uint8Array;
      /** Blocks that the recipient wants at least. */
      readonly finalCltvExpiryDelta: number;
    }
  /** One that hides behind these paths. */
  | {
      readonly kind: "blinded";
      readonly paths: readonly BlindedPaymentPath[];
      /** As in the invoice: bits, big-endian. */
      readonly features?: Uint8Array;
    };

/**
 * How the parts of a payment are found. `cheapest-paths`: one after the other, each by the way that is cheapest then;
 * as few of them as possible. `min-cost-flow`: as one flow that is cheapest as a whole, in more and smaller parts; for
 * large payments, which are cheaper and more reliable so. It takes a tenth of a second on mainnet's graph.
 */
export type RouteSolver = "cheapest-paths" | "min-cost-flow";

/**
 * What does not change from one attempt of a payment to the next.
 *
 * @ldk lightning::routing::router::PaymentParameters
 */
export interface PaymentParameters {
  readonly payee: Payee;
  /** Seconds since 1970 from which the payment is not tried again; absent when it never lapses. */
  readonly expiryTime?: number;
  /** From our first HTLC's expiry to the present, in blocks. */
  readonly maxTotalCltvExpiryDelta: number;
  /** Most parts at a time; 1 forbids to split. */
  readonly maxPathCount: number;
  /** Most hops of a path that are not blinded. */
  readonly maxPathLength: number;
  /** A part takes at most 1/2^n of a channel's capacity, as long as there is another way. */
  readonly maxChannelSaturationPowerOfHalf: number;
  /** How several parts are found. Default: one after the other, as LDK does. */
  readonly solver?: RouteSolver;
  /** Channels at which a part failed: not to be tried again. */
  readonly previouslyFailedChannels: readonly ShortChannelId[];
  /** Nodes that failed parts for their own sake: not to be tried again. */
  readonly previouslyFailedNodes: readonly NodeId[];
  /** Indices into the payee's blinded paths, likewise. */
  readonly previouslyFailedBlindedPathIndexes: readonly number[];
}

/** From our HTLC to the present, in blocks. @ldk DEFAULT_MAX_TOTAL_CLTV_EXPIRY_DELTA */
const defaultMaxTotalCltvExpiryDelta = 1008;
/** @ldk DEFAULT_MAX_PATH_COUNT */
const defaultMaxPathCount = 10;
/** How an onion of 1,300 bytes limits a path. @ldk MAX_PATH_LENGTH_ESTIMATE */
const maxPathLengthEstimate = 19;

/** The usual limits for a payment to `payee`. @ldk PaymentParameters::from_node_id, PaymentParameters::blinded */
export function paymentParameters(payee: Payee, changes: Partial<PaymentParameters> = {}): PaymentParameters {
  return {
    payee,
    maxTotalCltvExpiryDelta: defaultMaxTotalCltvExpiryDelta,
    maxPathCount: defaultMaxPathCount,
    maxPathLength: maxPathLengthEstimate,
    maxChannelSaturationPowerOfHalf: 2,
    previouslyFailedChannels: [],
    previouslyFailedNodes: [],
    previouslyFailedBlindedPathIndexes: [],
    ...changes,
  };
}

/** What a route is wanted for. @ldk lightning::routing::router::RouteParameters */
export interface RouteParameters {
  readonly paymentParameters: PaymentParameters;
  /** What reaches the payee, by all paths together. */
  readonly finalValue: Msat;
  /** All fees together. */
  readonly maxFee: Msat;
}

/** 1 % of the amount and 50 sat. @ldk RouteParameters::from_payment_params_and_value */
export function defaultMaxFee(finalValue: Msat): Msat {
  return plus(msat(finalValue / 100n), msat(50_000n));
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

/**
 * What HTLCs of ours that are under way take of a channel that is not ours.
 *
 * @ldk lightning::routing::router::InFlightHtlcs
 */
export interface InFlightHtlcs {
  readonly shortChannelId: ShortChannelId;
  /** The node that they leave by this channel: its direction. */
  readonly source: NodeId;
  readonly amount: Msat;
}

/** All that a search for a route starts from; plain data. */
export interface RouteRequest {
  readonly payer: NodeId;
  readonly parameters: RouteParameters;
  /** Our channels: no other way leaves the payer. */
  readonly firstHops: readonly FirstHop[];
  /** One entry for each direction of a channel. */
  readonly inFlightHtlcs: readonly InFlightHtlcs[];
  /** 32 random bytes that decide how expiries hide where a path ends; without them, nothing hides it. */
  readonly randomSeed?: Uint8Array;
}

export interface RouteRefusal {
  /** `payee-unknown`: neither the graph nor hints know a channel that leads there, nor is it our peer. */
  readonly kind: "no-route" | "payee-unknown" | "no-first-hop" | "payee-is-payer" | "invalid-parameters";
  /** A sentence with the numbers. */
  readonly text: string;
}

/** Finds ways through the network. @ldk lightning::routing::router::Router */
export interface Router {
  findRoute(request: RouteRequest): Result<Route, RouteRefusal>;
  /** Paths to us; none when nothing would be hidden by them. A router without this makes none. */
  createBlindedPaymentPaths?(request: BlindedPathsRequest): readonly BlindedPaymentPath[];
}
