import type { BlockHash } from "@fulmen/bitcoin/primitives";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { present } from "@fulmen/lightning/util";
import type { ChainBlock } from "./blocks.ts";
import type { ChainState } from "./chainState.ts";

/** How the chain went on from a place that a follower knows. */
export interface ChainUpdate {
  /** The last block that both have. */
  readonly forkPoint: ChainBlock;
  /** What the follower has and the chain has no more, the highest first; empty where the chain does not know it. */
  readonly disconnected: readonly ChainBlock[];
  /** What comes after the fork point, the lowest first. */
  readonly connected: readonly ChainBlock[];
}

/** Ancestors that a locator names. */
const depth = 12;

export function locatorOf({ tip, blocks }: ChainState): BlockLocator {
  const ancestors: BlockHash[] = blocks.slice(-1 - depth, -1).map(({ hash }) => hash);
  return { hash: tip.hash, height: tip.height, ancestors: ancestors.reverse() };
}

/** Walks abandoned branches back to the chain; a locator that the chain never had begins at genesis. */
export function updateSince(
  state: ChainState,
  { hash, ancestors }: Pick<BlockLocator, "hash" | "ancestors">,
): ChainUpdate {
  const disconnected: ChainBlock[] = [];
  let at = [hash, ...ancestors].map((each) => state.known(each)).find((block) => block !== undefined);
  at ??= present(state.blocks[0], "the genesis block");
  while (!state.isActive(at)) {
    disconnected.push(at);
    at = present(state.known(at.block.header.previous), "the block below an abandoned one");
  }
  return { forkPoint: at, disconnected, connected: state.blocks.slice(at.height + 1) };
}
