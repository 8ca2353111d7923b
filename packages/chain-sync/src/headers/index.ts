export { CheckedHeaders, invalidChain, type KnownHeader, workOf } from "./checkedHeaders.ts";
export { retargetInterval } from "./difficulty.ts";
