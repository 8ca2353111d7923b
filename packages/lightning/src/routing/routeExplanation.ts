import type { NodeId, ShortChannelId } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import type { EdgeOutlook, PenaltyParts } from "./scoring/index.ts";

/** Why a router chose a route: what each hop costs, in money and in trust. Plain data, but for `text`. */
export interface RouteExplanation {
  readonly finalValue: Msat;
  readonly fees: Msat;
  /** That all parts arrive, 0..1. */
  readonly probability: number;
  readonly paths: readonly PathExplanation[];
  /** The same for a person to read, several lines. */
  readonly text: string;
}

export interface PathExplanation {
  readonly finalValue: Msat;
  readonly fees: Msat;
  /** That it arrives, 0..1. */
  readonly probability: number;
  readonly hops: readonly HopExplanation[];
  /** Hops within a blinded path that follow; nobody but the payee knows more of them. */
  readonly blindedHops: number;
}

/** One channel of a path. */
export interface HopExplanation {
  /** From where it leads to where. */
  readonly source: NodeId;
  readonly target: NodeId;
  readonly shortChannelId: ShortChannelId;
  /** Ours, of which we know what it holds; announced; or one that only the payee told of, which is not scored. */
  readonly kind: "own" | "announced" | "hinted";
  /** What passes it. */
  readonly amount: Msat;
  /** What other HTLCs of ours, and other parts of this route, take of it. */
  readonly inFlight: Msat;
  /** What `source` keeps for passing it on. */
  readonly fee: Msat;
  /** Blocks that `source` adds. */
  readonly cltvExpiryDelta: number;
  /** What a payer would rather pay than to take it, msat, and of what this is made; for announced ones. */
  readonly penalty?: { readonly total: number; readonly parts: PenaltyParts };
  /** What is known of its liquidity, for announced ones. */
  readonly outlook?: EdgeOutlook;
}
