import { equalBytes } from "../primitives/index.ts";
import { classifyScript, op, readOp, script as scriptOf, witnessProgram } from "../script/index.ts";
import { SighashCache } from "../sighash/index.ts";
import type { Transaction, TxOut } from "../transaction/index.ts";
import { isTrue } from "./element.ts";
import { evaluate } from "./evaluate.ts";
import type { SpentInput } from "./execution.ts";
import { consensusFlags, type ScriptFlags } from "./flags.ts";
import type { ScriptError } from "./scriptError.ts";
import { type WitnessSpend, witnessProgramError } from "./witnessProgram.ts";

export interface InputToVerify {
  readonly transaction: Transaction;
  readonly inputIndex: number;
  /** The outputs that all inputs spend, in their order: taproot signatures commit to each of them. */
  readonly prevouts: readonly TxOut[];
  /** `consensusFlags` when not given. */
  readonly flags?: ScriptFlags;
  /** One per transaction, shared between its inputs. */
  readonly cache?: SighashCache;
}

export type ScriptVerdict = { readonly ok: true } | { readonly ok: false; readonly error: ScriptError };

/**
 * Runs the scripts of one input as a node does: whether it may spend the output that it names. That the outputs exist,
 * are unspent and worth enough, and that lock times have passed, is the chain's to say.
 *
 * Throws `RangeError` when the input does not exist, not every input has its spent output, or `flags` ask for `witness`
 * without `p2sh` or `cleanstack` without both.
 *
 * @ldk bitcoinconsensus::verify
 */
export function verifyInput(input: InputToVerify): ScriptVerdict {
  const { transaction, inputIndex, prevouts, flags = consensusFlags } = input;
  const { cache = new SighashCache(transaction) } = input;
  const error = inputError({ transaction, inputIndex, prevouts, cache }, flags);
  return error === undefined ? { ok: true } : { ok: false, error };
}

/** `verifyInput` of every input: the first that fails, with its index. */
export function verifyTransaction(
  transaction: Transaction,
  prevouts: readonly TxOut[],
  flags: ScriptFlags = consensusFlags,
): { readonly ok: true } | { readonly ok: false; readonly inputIndex: number; readonly error: ScriptError } {
  const cache = new SighashCache(transaction);
  for (const inputIndex of transaction.inputs.keys()) {
    const error = inputError({ transaction, inputIndex, prevouts, cache }, flags);
    if (error !== undefined) return { ok: false, inputIndex, error };
  }
  return { ok: true };
}

function inputError(spent: SpentInput, flags: ScriptFlags): ScriptError | undefined {
  const { transaction, inputIndex, prevouts } = spent;
  const input = transaction.inputs[inputIndex];
  const prevout = prevouts[inputIndex];
  if (input === undefined) throw new RangeError(`no input ${inputIndex} among ${transaction.inputs.length}`);
  if (prevout === undefined || prevouts.length !== transaction.inputs.length) {
    throw new RangeError(`${prevouts.length} spent outputs for ${transaction.inputs.length} inputs`);
  }
  expectConsistent(flags);
  const { scriptSig, witness } = input;
  if (flags.has("sigpushonly") && !isPushOnly(scriptSig)) return "sig-pushonly";

  // The output script runs on what the input script left, apart from it (CVE-2010-5141).
  const surroundings = { spent, flags, version: { kind: "base" } } as const;
  const stack: Uint8Array[] = [];
  const failed = evaluate(scriptSig, stack, surroundings);
  if (failed !== undefined) return failed;
  const pushed = [...stack];
  const refused = evaluate(prevout.script, stack, surroundings) ?? falseTop(stack);
  if (refused !== undefined) return refused;

  const paysTo = flags.has("witness") ? witnessProgram(prevout.script) : undefined;
  if (paysTo !== undefined) {
    if (scriptSig.length > 0) return "witness-malleated";
    return witnessProgramError(paysTo, { spent, flags, witness, inP2sh: false });
  }
  if (flags.has("p2sh") && classifyScript(prevout.script).kind === "p2sh") {
    return redeemError(scriptSig, pushed, { spent, flags, witness, inP2sh: true });
  }
  return cleanError(stack, flags) ?? unexpectedWitness(witness, flags);
}

/** The last element that the input script of a P2SH spend pushed is itself a script (BIP 16). */
function redeemError(
  scriptSig: Uint8Array,
  pushed: readonly Uint8Array[],
  spend: WitnessSpend,
): ScriptError | undefined {
  const { spent, flags, witness } = spend;
  if (!isPushOnly(scriptSig)) return "sig-pushonly";
  const stack = [...pushed];
  const redeemScript = stack.pop();
  if (redeemScript === undefined) return "eval-false";
  const failed =
    evaluate(redeemScript, stack, { spent, flags, version: { kind: "base" } }) ?? falseTop(stack);
  if (failed !== undefined) return failed;
  const nested = flags.has("witness") ? witnessProgram(redeemScript) : undefined;
  if (nested === undefined) return cleanError(stack, flags) ?? unexpectedWitness(witness, flags);
  if (!equalBytes(scriptSig, scriptOf(redeemScript))) return "witness-malleated-p2sh";
  return witnessProgramError(nested, spend);
}

function falseTop(stack: readonly Uint8Array[]): ScriptError | undefined {
  const top = stack.at(-1);
  return top === undefined || !isTrue(top) ? "eval-false" : undefined;
}

function cleanError(stack: readonly Uint8Array[], flags: ScriptFlags): ScriptError | undefined {
  return flags.has("cleanstack") && stack.length !== 1 ? "cleanstack" : undefined;
}

function unexpectedWitness(witness: readonly Uint8Array[], flags: ScriptFlags): ScriptError | undefined {
  return flags.has("witness") && witness.length > 0 ? "witness-unexpected" : undefined;
}

function isPushOnly(script: Uint8Array): boolean {
  for (let offset = 0; offset < script.length; ) {
    const range = readOp(script, offset);
    if (range === undefined || range.opcode > op._16) return false;
    offset = range.end;
  }
  return true;
}

/** `witness` and `cleanstack` would be no soft forks without the rules that they build on. */
function expectConsistent(flags: ScriptFlags): void {
  if (flags.has("witness") && !flags.has("p2sh")) throw new RangeError("flag witness needs p2sh");
  if (flags.has("cleanstack") && !flags.has("witness")) throw new RangeError("flag cleanstack needs witness");
}
