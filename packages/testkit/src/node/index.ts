export { Bumper } from "./bumper.ts";
export { EnforcingKeys } from "./enforcingKeys.ts";
export { EnforcingSigner, SignerMemory, type SignerState } from "./enforcingSigner.ts";
export { ExactRouter } from "./exactRouter.ts";
export { LateWatch } from "./lateWatch.ts";
export { SeededEntropy } from "./seededEntropy.ts";
export { SyncStore } from "./syncStore.ts";
export { testConfig } from "./testConfig.ts";
export { type CrashPoint, type StoreFault, TestNode, type TestNodeOptions } from "./testNode.ts";
