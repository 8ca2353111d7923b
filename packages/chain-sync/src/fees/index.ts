export { FeeEstimates } from "./feeEstimates.ts";
