import type { BlockHash } from "@fulmen/bitcoin/primitives";
import type { TestChain } from "../chain/index.ts";

/** What of a chain is served: a `TestChain`, or something that looks like one. */
export type ServedChain = Pick<
  TestChain,
  | "blockAt"
  | "blocksSince"
  | "coin"
  | "feeOf"
  | "mempool"
  | "outputSpentBy"
  | "submit"
  | "submitPackage"
  | "tip"
  | "transaction"
> & {
  /** The bytes of a block, where they are at hand. */
  readonly encodedBlock?: (hash: BlockHash) => Uint8Array | undefined;
};
