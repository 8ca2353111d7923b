import { op } from "./opcodes.ts";
import { isUnspendable } from "./script.ts";

/** A segregated witness output (BIP 141): version 0..16 and 2 to 40 bytes that the version gives a meaning. */
export interface WitnessProgram {
  readonly version: number;
  readonly program: Uint8Array;
}

/** What an output script is, with the part that differs between scripts of that kind. */
export type ScriptType =
  | { readonly kind: "p2pk"; readonly pubkey: Uint8Array }
  | { readonly kind: "p2pkh"; readonly hash: Uint8Array }
  | { readonly kind: "p2sh"; readonly hash: Uint8Array }
  | { readonly kind: "p2wpkh"; readonly hash: Uint8Array }
  | { readonly kind: "p2wsh"; readonly hash: Uint8Array }
  | { readonly kind: "p2tr"; readonly outputKey: Uint8Array }
  | { readonly kind: "p2a" }
  | { readonly kind: "unknown-witness"; readonly version: number; readonly program: Uint8Array }
  | { readonly kind: "unspendable" }
  | { readonly kind: "other" };

/** The witness program that an output script consists of, or `undefined`. */
export function witnessProgram(script: Uint8Array): WitnessProgram | undefined {
  const [opcode = 0, length = 0] = script;
  if (script.length < 4 || script.length > 42 || length !== script.length - 2) return undefined;
  if (opcode !== op._0 && (opcode < op._1 || opcode > op._16)) return undefined;
  return { version: opcode === op._0 ? 0 : opcode - op.RESERVED, program: script.slice(2) };
}

/** Tells standard outputs apart by their form alone: that keys in them are points is not checked. */
export function classifyScript(script: Uint8Array): ScriptType {
  const witness = witnessProgram(script);
  if (witness !== undefined) return classifyWitness(witness);
  if (isUnspendable(script)) return { kind: "unspendable" };
  const { length } = script;
  if (length === 25 && frames(script, [op.DUP, op.HASH160, 20], [op.EQUALVERIFY, op.CHECKSIG])) {
    return { kind: "p2pkh", hash: script.slice(3, 23) };
  }
  if (length === 23 && frames(script, [op.HASH160, 20], [op.EQUAL])) {
    return { kind: "p2sh", hash: script.slice(2, 22) };
  }
  const prefix = script[1] ?? 0;
  if (length === 35 && frames(script, [33], [op.CHECKSIG]) && (prefix === 2 || prefix === 3)) {
    return { kind: "p2pk", pubkey: script.slice(1, 34) };
  }
  if (length === 67 && frames(script, [65], [op.CHECKSIG]) && prefix === 4) {
    return { kind: "p2pk", pubkey: script.slice(1, 66) };
  }
  return { kind: "other" };
}

/** Whether `script` is exactly the pay-to-anchor output. */
export function isPayToAnchor(script: Uint8Array): boolean {
  return script.length === 4 && frames(script, [op._1, 2, 0x4e, 0x73], []);
}

function classifyWitness({ version, program }: WitnessProgram): ScriptType {
  const { length } = program;
  if (version === 0 && length === 20) return { kind: "p2wpkh", hash: program };
  if (version === 0 && length === 32) return { kind: "p2wsh", hash: program };
  if (version === 1 && length === 32) return { kind: "p2tr", outputKey: program };
  if (version === 1 && length === 2 && program[0] === 0x4e && program[1] === 0x73) return { kind: "p2a" };
  return { kind: "unknown-witness", version, program };
}

/** Whether `script` begins and ends with these bytes. */
function frames(script: Uint8Array, head: readonly number[], tail: readonly number[]): boolean {
  const tailStart = script.length - tail.length;
  return (
    head.every((byte, i) => script[i] === byte) && tail.every((byte, i) => script[tailStart + i] === byte)
  );
}
