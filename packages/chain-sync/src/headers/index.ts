export { CheckedHeaders, invalidChain, type KnownHeader, workOf } from "./checkedHeaders.ts";
