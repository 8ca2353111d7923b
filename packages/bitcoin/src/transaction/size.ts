import { compactSizeLength } from "./byteWriter.ts";
import { hasWitness, type Transaction } from "./transaction.ts";

/** Weight units (BIP 141): three times the size without witnesses plus the whole size. */
export function weight(tx: Transaction): number {
  return 3 * strippedSize(tx) + totalSize(tx);
}

/** Virtual bytes: a quarter of the weight, rounded up. */
export function vsize(tx: Transaction): number {
  return Math.ceil(weight(tx) / 4);
}

/** Bytes of the form without witnesses. */
export function strippedSize(tx: Transaction): number {
  let size = 8 + compactSizeLength(tx.inputs.length) + compactSizeLength(tx.outputs.length);
  for (const { scriptSig } of tx.inputs) size += 40 + prefixed(scriptSig);
  for (const { script } of tx.outputs) size += 8 + prefixed(script);
  return size;
}

/** Bytes of the network form. */
export function totalSize(tx: Transaction): number {
  if (!hasWitness(tx)) return strippedSize(tx);
  let size = strippedSize(tx) + 2;
  for (const { witness } of tx.inputs) size += witnessSize(witness);
  return size;
}

/** Bytes of one input's witness with its count and lengths: as many weight units. */
export function witnessSize(witness: readonly Uint8Array[]): number {
  let size = compactSizeLength(witness.length);
  for (const item of witness) size += prefixed(item);
  return size;
}

function prefixed(bytes: Uint8Array): number {
  return compactSizeLength(bytes.length) + bytes.length;
}
