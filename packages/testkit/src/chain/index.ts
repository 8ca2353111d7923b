export { type BlockRefusal, BlockRefusedError } from "./blockCheck.ts";
export type { ChainBlock } from "./blocks.ts";
export { ChainBroadcaster, type RefusedBroadcast } from "./chainBroadcaster.ts";
export type { ChainUpdate } from "./chainUpdate.ts";
export type { Coin } from "./coins.ts";
export type { PackageRefusal } from "./mempoolAcceptance.ts";
export type { Accepted } from "./mempoolState.ts";
export { defaultPolicy, feeAt, type MempoolPolicy } from "./policy.ts";
export type { ConsensusRefusal, MalformedRule, NonStandardRule, Refusal, TrucRule } from "./refusal.ts";
export { regtestGenesis } from "./regtest.ts";
export {
  type FoundTransaction,
  type ReorgOptions,
  SimulatedChain,
  type SimulatedChainOptions,
} from "./simulatedChain.ts";
export type { MineOptions } from "./template.ts";
