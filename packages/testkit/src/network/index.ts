export { CrashPlan, describeCrashPoint } from "./crashPlan.ts";
export { Dice } from "./dice.ts";
export { TestLink, type Wire } from "./link.ts";
export {
  type ClaimPolicy,
  NodeCrash,
  type OpenChannelOptions,
  TestNetwork,
  type TestNetworkOptions,
} from "./testNetwork.ts";
