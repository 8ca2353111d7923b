export { consensusFlags, type ScriptFlag, type ScriptFlags, standardFlags } from "./flags.ts";
export type { ScriptError } from "./scriptError.ts";
export { type InputToVerify, type ScriptVerdict, verifyInput, verifyTransaction } from "./verifyInput.ts";
