import { createRequire } from "node:module";
import { toHex } from "@fulmen/bitcoin/primitives";
import { encodeTransaction, encodeTxOut, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";

/** The parts of bitcore-lib, which has no types, that serve as an independent oracle. */
interface Bitcore {
  readonly Transaction: BitcoreTransactionClass;
  readonly Script: new (bytes: Buffer) => object;
  readonly crypto: {
    readonly Signature: { isTxDER(bytes: Buffer): boolean; fromDER(bytes: Buffer): BitcoreSignature };
  };
}

interface BitcoreSignature {
  toDER(): Buffer;
  hasLowS(): boolean;
}

interface BitcoreOutput {
  readonly satoshis: number;
}

interface BitcoreTransaction {
  readonly id: string;
  readonly inputs: { output: BitcoreOutput }[];
  /** `version` is 2 for a spend by key, 3 for one by script. */
  checkSchnorrSignature(sig: Buffer, pubkey: Buffer, input: number, version: 2 | 3, data: object): boolean;
}

interface BitcoreTransactionClass {
  new (hex: string): BitcoreTransaction;
  readonly Output: { fromBufferReader(reader: object): BitcoreOutput };
  readonly Sighash: {
    sighash(tx: BitcoreTransaction, type: number, index: number, script: object): Buffer;
  };
  readonly SighashWitness: {
    sighash(tx: BitcoreTransaction, type: number, index: number, code: Buffer, value: Buffer): Buffer;
  };
}

const load = createRequire(import.meta.url);

export const bitcore: Bitcore = load("bitcore-lib") as Bitcore;

const { BufferReader } = (
  load("bitcore-lib") as { encoding: { BufferReader: new (bytes: Buffer) => object } }
).encoding;

/** `tx` as bitcore reads it, with the outputs that it spends where they are given. */
export function inBitcore(tx: Transaction, prevouts: readonly TxOut[] = []): BitcoreTransaction {
  const read = new bitcore.Transaction(toHex(encodeTransaction(tx)));
  for (const [i, prevout] of prevouts.entries()) {
    const input = read.inputs[i];
    if (input !== undefined) {
      input.output = bitcore.Transaction.Output.fromBufferReader(
        new BufferReader(Buffer.from(encodeTxOut(prevout))),
      );
    }
  }
  return read;
}
