import { type OutPoint, txidToInternal } from "../primitives/index.ts";
import { ByteWriter } from "./byteWriter.ts";
import { strippedSize, totalSize } from "./size.ts";
import { hasWitness, type Transaction, type TxOut } from "./transaction.ts";

/** The network form: BIP 144 when any input has a witness, the original form otherwise. */
export function encodeTransaction(tx: Transaction): Uint8Array {
  const writer = new ByteWriter(totalSize(tx));
  writeTransaction(writer, tx);
  return writer.finish();
}

/** The original form without witnesses, which the txid commits to. */
export function encodeWithoutWitness(tx: Transaction): Uint8Array {
  const writer = new ByteWriter(strippedSize(tx));
  writer.i32(tx.version);
  writeInputsAndOutputs(writer, tx);
  return writer.u32(tx.locktime).finish();
}

/** Value (u64) and script behind its compact size. */
export function encodeTxOut(output: TxOut): Uint8Array {
  const writer = new ByteWriter(output.script.length + 11);
  writeTxOut(writer, output);
  return writer.finish();
}

/** Appends the network form, as in a block. */
export function writeTransaction(writer: ByteWriter, tx: Transaction): void {
  const segwit = hasWitness(tx);
  writer.i32(tx.version);
  if (segwit) writer.u8(0).u8(1);
  writeInputsAndOutputs(writer, tx);
  if (segwit) {
    for (const { witness } of tx.inputs) {
      writer.compactSize(witness.length);
      for (const item of witness) writer.varBytes(item);
    }
  }
  writer.u32(tx.locktime);
}

/** Appends the txid in internal order and the index (u32). */
export function writeOutPoint(writer: ByteWriter, { txid, index }: OutPoint): void {
  writer.bytes(txidToInternal(txid)).u32(index);
}

/** Appends what `encodeTxOut` gives. */
export function writeTxOut(writer: ByteWriter, { value, script }: TxOut): void {
  writer.u64(value).varBytes(script);
}

function writeInputsAndOutputs(writer: ByteWriter, tx: Transaction): void {
  writer.compactSize(tx.inputs.length);
  for (const input of tx.inputs) {
    writeOutPoint(writer, input.outPoint);
    writer.varBytes(input.scriptSig).u32(input.sequence);
  }
  writer.compactSize(tx.outputs.length);
  for (const output of tx.outputs) writeTxOut(writer, output);
}
