export type { ChainLie, ChainSourceAbilities, ChainSourceMedium } from "./chain/medium.ts";
export { chainSourceConformance } from "./chainSource.ts";
export { type KvStoreMedium, kvStoreConformance } from "./kvStore.ts";
export type { TestRunner } from "./suite.ts";
