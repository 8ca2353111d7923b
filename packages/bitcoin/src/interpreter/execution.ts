import type { SighashCache } from "../sighash/index.ts";
import type { Transaction, TxOut } from "../transaction/index.ts";
import type { Branches } from "./branches.ts";
import type { ScriptFlags } from "./flags.ts";
import type { ScriptError } from "./scriptError.ts";

/** The input whose spend is checked, with all that its signatures may commit to. */
export interface SpentInput {
  readonly transaction: Transaction;
  readonly inputIndex: number;
  /** The outputs that all inputs spend, in their order. */
  readonly prevouts: readonly TxOut[];
  readonly cache: SighashCache;
}

/** What tapscript has besides a script (BIP 342). */
export interface TapscriptContext {
  readonly leafHash: Uint8Array;
  readonly annex: Uint8Array | undefined;
  /** What signature checks may still use of the weight that the witness paid for; goes down by 50 for each. */
  weightLeft: number;
}

/** The rules of a script by where it stands: outputs, input scripts and P2SH; P2WSH and P2WPKH; taproot's leaves. */
export type ScriptVersion =
  | { readonly kind: "base" }
  | { readonly kind: "witness-v0" }
  | { readonly kind: "tapscript"; readonly context: TapscriptContext };

/** One script while it runs. Elements are shared and never written to. */
export interface Execution {
  readonly spent: SpentInput;
  readonly flags: ScriptFlags;
  readonly version: ScriptVersion;
  readonly script: Uint8Array;
  readonly stack: Uint8Array[];
  readonly altStack: Uint8Array[];
  readonly branches: Branches;
  opCount: number;
  /** Where the script begins that signatures commit to: behind the last `OP_CODESEPARATOR` that ran. */
  codeStart: number;
  /** How many-th opcode that `OP_CODESEPARATOR` was; 0xffffffff when none ran (BIP 342). */
  codeSeparatorPosition: number;
  /** Where the next instruction begins. */
  nextOffset: number;
  /** How many-th opcode runs, from 0. */
  position: number;
}

/** Runs one opcode: changes the execution, or answers why the script fails. */
export type OpHandler = (execution: Execution, opcode: number) => ScriptError | undefined;

/** A group of opcodes with what they do. */
export type OpTable = ReadonlyMap<number, OpHandler>;
