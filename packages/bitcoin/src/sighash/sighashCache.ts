import { crypto } from "../crypto/installed.ts";
import { ByteWriter, type Transaction, type TxOut, writeOutPoint, writeTxOut } from "../transaction/index.ts";

/**
 * The parts of a transaction's sighashes that all of its inputs share, each hashed once when first asked for. Make
 * one per transaction and pass it along; it belongs to its caller. Single SHA-256 throughout: BIP 341 takes it so,
 * BIP 143 hashes it once more.
 */
export class SighashCache {
  readonly tx: Transaction;
  #prevouts: Uint8Array | undefined;
  #sequences: Uint8Array | undefined;
  #outputs: Uint8Array | undefined;
  #prevoutsTwice: Uint8Array | undefined;
  #sequencesTwice: Uint8Array | undefined;
  #outputsTwice: Uint8Array | undefined;
  #spent: { prevouts: readonly TxOut[]; amounts: Uint8Array; scripts: Uint8Array } | undefined;

  constructor(tx: Transaction) {
    this.tx = tx;
  }

  /** SHA-256 of all outpoints. */
  prevouts(): Uint8Array {
    this.#prevouts ??= sha256Of(36 * this.tx.inputs.length, (writer) => {
      for (const { outPoint } of this.tx.inputs) writeOutPoint(writer, outPoint);
    });
    return this.#prevouts;
  }

  /** SHA-256 of all sequences. */
  sequences(): Uint8Array {
    this.#sequences ??= sha256Of(4 * this.tx.inputs.length, (writer) => {
      for (const { sequence } of this.tx.inputs) writer.u32(sequence);
    });
    return this.#sequences;
  }

  /** SHA-256 of all outputs. */
  outputs(): Uint8Array {
    this.#outputs ??= sha256Of(43 * this.tx.outputs.length, (writer) => {
      for (const output of this.tx.outputs) writeTxOut(writer, output);
    });
    return this.#outputs;
  }

  /** BIP 143's `hashPrevouts`. */
  prevoutsTwice(): Uint8Array {
    this.#prevoutsTwice ??= crypto().sha256(this.prevouts());
    return this.#prevoutsTwice;
  }

  /** BIP 143's `hashSequence`. */
  sequencesTwice(): Uint8Array {
    this.#sequencesTwice ??= crypto().sha256(this.sequences());
    return this.#sequencesTwice;
  }

  /** BIP 143's `hashOutputs`. */
  outputsTwice(): Uint8Array {
    this.#outputsTwice ??= crypto().sha256(this.outputs());
    return this.#outputsTwice;
  }

  /** SHA-256 of the amounts and of the scripts that are spent (BIP 341); kept for as long as the array is the same. */
  spent(prevouts: readonly TxOut[]): { readonly amounts: Uint8Array; readonly scripts: Uint8Array } {
    if (this.#spent?.prevouts === prevouts) return this.#spent;
    if (prevouts.length !== this.tx.inputs.length) {
      throw new RangeError(`${prevouts.length} spent outputs for ${this.tx.inputs.length} inputs`);
    }
    const amounts = sha256Of(8 * prevouts.length, (writer) => {
      for (const { value } of prevouts) writer.u64(value);
    });
    const scripts = sha256Of(35 * prevouts.length, (writer) => {
      for (const { script } of prevouts) writer.varBytes(script);
    });
    this.#spent = { prevouts, amounts, scripts };
    return this.#spent;
  }
}

function sha256Of(capacity: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(capacity);
  write(writer);
  return crypto().sha256(writer.finish());
}
