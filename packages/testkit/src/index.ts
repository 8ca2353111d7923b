export * from "./chain/index.ts";
export { type DrivenChannel, drive } from "./drive.ts";
export * from "./wallet/index.ts";
