import type { ChainSource } from "@fulmen/chain-sync";
import { NodeError } from "../api/nodeError.ts";
import type { ChainOption, NodeNetwork } from "../api/options.ts";

/** The source that an option names. */
export async function chainSourceOf(chain: ChainOption, network: NodeNetwork): Promise<ChainSource> {
  if ("sync" in chain) return chain;
  throw new NodeError("invalid-option", `no chain source for ${network}`, { remedy: "give a ChainSource" });
}
