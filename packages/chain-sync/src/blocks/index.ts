export type { BlockClient } from "./blockClient.ts";
export { BlockSync } from "./blockSync.ts";
