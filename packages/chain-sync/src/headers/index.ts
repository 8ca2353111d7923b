export { CheckedHeaders, invalidChain, type KnownHeader, workOf } from "./checkedHeaders.ts";
export { hasWorkAt, leastTip, retargetInterval } from "./difficulty.ts";
export { keepHeaders, recallHeaders } from "./keptHeaders.ts";
