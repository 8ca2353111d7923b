export * from "./chain/index.ts";
export * from "./drive/index.ts";
export * from "./electrum/index.ts";
export * from "./network/index.ts";
export * from "./node/index.ts";
export * from "./routing/index.ts";
export * from "./wallet/index.ts";
