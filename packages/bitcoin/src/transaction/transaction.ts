import type { OutPoint, Sat } from "../primitives/index.ts";

/** @ldk bitcoin::TxIn */
export interface TxIn {
  /** The output that is spent. */
  readonly outPoint: OutPoint;
  readonly scriptSig: Uint8Array;
  /** 0..2^32-1; relative lock (BIP 68), opt-in to replacement (BIP 125), or BOLT 3's obscured commitment number. */
  readonly sequence: number;
  /** The witness stack, bottom first; empty when there is none. */
  readonly witness: readonly Uint8Array[];
}

/** @ldk bitcoin::TxOut */
export interface TxOut {
  readonly value: Sat;
  /** The output script (`scriptPubKey`). */
  readonly script: Uint8Array;
}

/** @ldk bitcoin::Transaction */
export interface Transaction {
  /** A signed 32-bit number, as the wire has it; relative locks compare it unsigned. */
  readonly version: number;
  readonly inputs: readonly TxIn[];
  readonly outputs: readonly TxOut[];
  /** 0..2^32-1: a height below 500,000,000, Unix seconds from there on. */
  readonly locktime: number;
}

/** Display form of the txid that a coinbase's only input names. */
const noTxid = "00".repeat(32);

/** Whether `tx` is the transaction that creates a block's coins. */
export function isCoinbase(tx: Transaction): boolean {
  const [input] = tx.inputs;
  if (input === undefined || tx.inputs.length !== 1) return false;
  return input.outPoint.txid === noTxid && input.outPoint.index === 0xffff_ffff;
}

/** Whether any input has a witness, so that the BIP 144 form is used. */
export function hasWitness(tx: Transaction): boolean {
  return tx.inputs.some((input) => input.witness.length > 0);
}
