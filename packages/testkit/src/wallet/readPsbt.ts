import {
  ByteReader,
  decodeTransaction,
  readTxOut,
  type Transaction,
  type TxOut,
} from "@fulmen/bitcoin/transaction";

/** A transaction to sign, and what its inputs spend. */
export interface UnsignedPsbt {
  readonly transaction: Transaction;
  readonly spent: readonly TxOut[];
}

/** `psbt` and 0xff, as five bytes. */
const magicLength = 5;

/** Reads a PSBT of version 0 (BIP 174) that has the output which each input spends. Throws on anything else. */
export function readPsbt(bytes: Uint8Array): UnsignedPsbt {
  const reader = new ByteReader(bytes);
  reader.bytes(magicLength);
  const transaction = decodeTransaction(mapValue(reader, 0x00));
  const spent = transaction.inputs.map(() => readTxOut(new ByteReader(mapValue(reader, 0x01))));
  return { transaction, spent };
}

/** The value of a type in the map that is next; the map is read to its end. */
function mapValue(reader: ByteReader, type: number): Uint8Array {
  let found: Uint8Array | undefined;
  for (;;) {
    const keyLength = reader.compactSize();
    if (keyLength === 0) break;
    const key = reader.bytes(keyLength);
    const value = reader.bytes(reader.compactSize());
    if (keyLength === 1 && key[0] === type) found = value;
  }
  if (found === undefined) throw new Error(`a PSBT without a value of type ${type}`);
  return found;
}
