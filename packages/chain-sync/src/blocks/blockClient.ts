import type { BlockHeader } from "@fulmen/bitcoin/block";
import type { BlockHash } from "@fulmen/lightning/util";
import type { ChainTip } from "../chainSource.ts";

/** How whole blocks are asked for. Nothing of the answers is believed before it is checked. */
export interface BlockClient {
  tip(): Promise<ChainTip>;
  /** Hashes of the best chain from a height up, at most `count`; fewer where it ends. */
  hashes(from: number, count: number): Promise<readonly BlockHash[]>;
  /** Of the best chain or of a branch that it left; `undefined` for one that is not known. */
  header(hash: BlockHash): Promise<BlockHeader | undefined>;
  /** Of blocks of the best chain. */
  headers(hashes: readonly BlockHash[]): Promise<readonly BlockHeader[]>;
  /** The bytes of a block. */
  block(hash: BlockHash, height: number): Promise<Uint8Array>;
}
