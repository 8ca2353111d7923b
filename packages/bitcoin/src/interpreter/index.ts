export { consensusFlags, type ScriptFlag, type ScriptFlags, standardFlags } from "./flags.ts";
export {
  locktimeThreshold,
  sequenceDisableFlag,
  sequenceMask,
  sequenceTypeFlag,
} from "./limits.ts";
export type { ScriptError } from "./scriptError.ts";
export { type InputToVerify, type ScriptVerdict, verifyInput, verifyTransaction } from "./verifyInput.ts";
