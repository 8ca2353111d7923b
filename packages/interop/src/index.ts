export * from "./electrum/index.ts";
export { type LdkOptions, type LdkSavedState, ldkOptions } from "./ldkOptions.ts";
export { LdkPeer } from "./ldkPeer.ts";
export type { BlindedPathFact, BlockFact } from "./ldkProtocol.ts";
export { OurNode, type OurNodeOptions, testConfig } from "./ourNode.ts";
export { anHourAgo, SharedChain } from "./sharedChain.ts";
