import type { NodeId, ShortChannelId, UnixSeconds } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import { finalValueOf, type Path } from "./route.ts";

/** A path that was tried: what events tell of it is enough to learn from. */
export interface TriedPath {
  /** From our own channel on, as in `Path`; without a blinded tail. */
  readonly hops: readonly { readonly nodeId: NodeId; readonly shortChannelId: ShortChannelId }[];
  /** What reached its end, or was to. @ldk Path::final_value_msat */
  readonly finalValue: Msat;
}

/** What there is to learn from when this path is tried. */
export function triedPath(path: Path): TriedPath {
  return { hops: path.hops, finalValue: finalValueOf(path) };
}

/**
 * Learns from what became of payments and probes. Times are those of the host, and need not rise.
 *
 * @ldk lightning::routing::scoring::ScoreUpdate
 */
export interface ScoreUpdate {
  /** The channel `shortChannelId` of the path did not carry it; all before it did. */
  paymentPathFailed(path: TriedPath, shortChannelId: ShortChannelId, now: UnixSeconds): void;
  /** All channels of the path carried it, and what they hold has moved. */
  paymentPathSuccessful(path: TriedPath, now: UnixSeconds): void;
  /** As `paymentPathFailed`, with nothing that was ever to be claimed. */
  probeFailed(path: TriedPath, shortChannelId: ShortChannelId, now: UnixSeconds): void;
  /** All channels of the path could carry it; nothing has moved. */
  probeSuccessful(path: TriedPath, now: UnixSeconds): void;
  /** To be called now and then: what was learned fades. */
  timePassed(now: UnixSeconds): void;
}
