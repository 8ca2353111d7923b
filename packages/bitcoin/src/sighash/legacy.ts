import { crypto } from "../crypto/installed.ts";
import { op, readOp } from "../script/index.ts";
import {
  ByteWriter,
  strippedSize,
  type Transaction,
  type TxIn,
  type TxOut,
  writeOutPoint,
  writeTxOut,
} from "../transaction/index.ts";
import { anyoneCanPay, outputsOf } from "./types.ts";

/** What a legacy sighash depends on besides the transaction. */
export interface LegacySpend {
  /** The script behind the last executed `OP_CODESEPARATOR`, the signature already taken out (`findAndDelete`). */
  readonly scriptCode: Uint8Array;
  /** 0..255 as in the signature; any 32-bit value is hashed as it is. */
  readonly type: number;
}

/** What an output looks like that `SIGHASH_SINGLE` leaves out: value -1 and no script. */
const blankOutput = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0);
const noScript = new Uint8Array(0);

/**
 * What a signature outside of witnesses signs, 32 bytes. `OP_CODESEPARATOR`s in the script are left out. As in
 * Bitcoin Core, `SIGHASH_SINGLE` without an output of that index gives the number one (little-endian), whatever the
 * transaction. Throws `RangeError` for an input that does not exist.
 */
export function legacySighash(tx: Transaction, inputIndex: number, spend: LegacySpend): Uint8Array {
  const signed = tx.inputs[inputIndex];
  if (signed === undefined) throw new RangeError(`no input ${inputIndex} among ${tx.inputs.length}`);
  const { scriptCode, type } = spend;
  const outputs = outputsOf(type);
  if (outputs === "single" && inputIndex >= tx.outputs.length) return oneLittleEndian();
  const script = withoutCodeSeparators(scriptCode);
  const writer = new ByteWriter(strippedSize(tx) + script.length + 16);
  writer.i32(tx.version);
  if (anyoneCanPay(type)) {
    writer.compactSize(1);
    writeInput(writer, signed, { script });
  } else {
    writer.compactSize(tx.inputs.length);
    for (const [i, input] of tx.inputs.entries()) {
      writeInput(writer, input, i === inputIndex ? { script } : { outputs });
    }
  }
  writeOutputs(writer, tx.outputs, { kind: outputs, index: inputIndex });
  writer.u32(tx.locktime).u32(type >>> 0);
  return crypto().hash256(writer.finish());
}

/**
 * `script` without any occurrence of `pushed` at instruction boundaries, as consensus takes a signature (with its
 * push opcode) out of legacy scripts. What cannot be parsed stays as it is.
 */
export function findAndDelete(script: Uint8Array, pushed: Uint8Array): Uint8Array {
  if (pushed.length === 0) return script;
  const kept: Uint8Array[] = [];
  let keptFrom = 0;
  let offset = 0;
  while (true) {
    const before = offset;
    while (occursAt(script, pushed, offset)) offset += pushed.length;
    if (offset > before) {
      kept.push(script.subarray(keptFrom, before));
      keptFrom = offset;
    }
    const next = readOp(script, offset);
    if (next === undefined) break;
    offset = next.end;
  }
  return joined(kept, script.subarray(keptFrom));
}

function withoutCodeSeparators(script: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  let keptFrom = 0;
  for (let range = readOp(script, 0); range !== undefined; range = readOp(script, range.end)) {
    if (range.opcode !== op.CODESEPARATOR) continue;
    kept.push(script.subarray(keptFrom, range.end - 1));
    keptFrom = range.end;
  }
  return joined(kept, script.subarray(keptFrom));
}

type SignedOutputs = { readonly kind: "all" | "none" | "single"; readonly index: number };
type Signed = { readonly script: Uint8Array };
type Other = { readonly outputs: "all" | "none" | "single" };

/** Other inputs have no script, and a sequence only where all outputs are signed. */
function writeInput(writer: ByteWriter, input: TxIn, as: Signed | Other): void {
  writeOutPoint(writer, input.outPoint);
  if ("script" in as) writer.varBytes(as.script).u32(input.sequence);
  else writer.varBytes(noScript).u32(as.outputs === "all" ? input.sequence : 0);
}

function writeOutputs(writer: ByteWriter, outputs: readonly TxOut[], signed: SignedOutputs): void {
  switch (signed.kind) {
    case "all":
      writer.compactSize(outputs.length);
      for (const output of outputs) writeTxOut(writer, output);
      return;
    case "none":
      writer.compactSize(0);
      return;
    case "single":
      writer.compactSize(signed.index + 1);
      for (let i = 0; i < signed.index; i++) writer.bytes(blankOutput);
      for (const output of outputs.slice(signed.index, signed.index + 1)) writeTxOut(writer, output);
  }
}

function occursAt(script: Uint8Array, pushed: Uint8Array, offset: number): boolean {
  if (script.length - offset < pushed.length) return false;
  for (let i = 0; i < pushed.length; i++) if (script[offset + i] !== pushed[i]) return false;
  return true;
}

function joined(kept: readonly Uint8Array[], rest: Uint8Array): Uint8Array {
  if (kept.length === 0) return rest;
  const writer = new ByteWriter();
  for (const part of kept) writer.bytes(part);
  return writer.bytes(rest).finish();
}

function oneLittleEndian(): Uint8Array {
  const one = new Uint8Array(32);
  one[0] = 1;
  return one;
}
