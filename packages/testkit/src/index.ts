export * from "./chain/index.ts";
export * from "./wallet/index.ts";
