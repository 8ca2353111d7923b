export { type KvStoreMedium, kvStoreConformance } from "./kvStore.ts";
export type { TestRunner } from "./suite.ts";
