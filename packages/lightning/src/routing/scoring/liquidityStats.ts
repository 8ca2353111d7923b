import type { NodeId, ShortChannelId } from "../../util/ids.ts";
import { type Msat, msat } from "../../util/units.ts";
import type { DirectedEntry } from "./directedLiquidity.ts";

/** Between what the liquidity of a channel in one direction is thought to be. */
export interface LiquidityRange {
  readonly min: Msat;
  readonly max: Msat;
}

/** How often each bound was in each part of the capacity (`bucketStarts`), in 32nds of an observation. */
export interface LiquidityHistory {
  readonly min: readonly number[];
  readonly max: readonly number[];
}

/** What a scorer knows of one direction of a channel. */
export interface LiquidityStats {
  readonly shortChannelId: ShortChannelId;
  /** The node that the direction leads to. */
  readonly target: NodeId;
  readonly range: LiquidityRange;
  readonly history: LiquidityHistory;
}

export function rangeOf({ min, max }: { readonly min: number; readonly max: number }): LiquidityRange {
  return { min: msat(min), max: msat(max) };
}

/** Both counted from zero liquidity up. */
export function historyOf({ scores, bound }: DirectedEntry): LiquidityHistory {
  return { min: [...scores.historyOf(bound)], max: [...scores.historyOf(bound ^ 1)].reverse() };
}
