export type { EcdsaCheck } from "./checkBytes.ts";
export { serveChecks } from "./serveChecks.ts";
export { VerifyPool, type VerifyPoolOptions } from "./verifyPool.ts";
