import type { Block } from "@fulmen/bitcoin/block";
import type { BlockHash, Sat, Txid } from "@fulmen/bitcoin/primitives";
import type { BlockHeight } from "@fulmen/lightning/util";
import type { Coin } from "./coins.ts";

/** A block of the simulated chain with what is known of it. */
export interface ChainBlock {
  readonly block: Block;
  readonly hash: BlockHash;
  readonly height: BlockHeight;
  /** Of its transactions, in their order. */
  readonly txids: readonly Txid[];
  /** The coins that it spent, by transaction (none for the coinbase) and input: what brings them back in a reorg. */
  readonly spent: readonly (readonly Coin[])[];
  /** What its transactions pay together. */
  readonly fees: Sat;
}

/** Median of the times of up to eleven blocks: what lock times are compared with (BIP 113). */
export function medianTime(times: readonly number[]): number {
  const sorted = times.slice(-11).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
