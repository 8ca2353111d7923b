import {
  ByteWriter,
  encodeTransaction,
  type Transaction,
  type TxOut,
  writeTxOut,
} from "@fulmen/bitcoin/transaction";
import { invariant } from "../util/invariant.ts";

/** `psbt` and 0xff (BIP 174). */
const magic = Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff);
/** Key types of BIP 174. */
const unsignedTransaction = 0x00;
const witnessUtxo = 0x01;

/**
 * The PSBT (BIP 174, version 0) that asks a wallet for its signatures: the transaction without scripts and witnesses,
 * and for each input the output that it spends, in the order of the inputs. All inputs are segwit.
 */
export function unsignedPsbt(transaction: Transaction, spent: readonly TxOut[]): Uint8Array {
  invariant(spent.length === transaction.inputs.length, "one spent output for each input");
  const scriptSig = new Uint8Array(0);
  const inputs = transaction.inputs.map((input) => ({ ...input, scriptSig, witness: [] }));
  const writer = new ByteWriter(512).bytes(magic);
  writePair(writer, unsignedTransaction, encodeTransaction({ ...transaction, inputs }));
  writer.u8(0);
  for (const output of spent) {
    const value = new ByteWriter(64);
    writeTxOut(value, output);
    writePair(writer, witnessUtxo, value.finish());
    writer.u8(0);
  }
  for (let i = 0; i < transaction.outputs.length; i++) writer.u8(0);
  return writer.finish();
}

/** A key that is its type alone, and its value, each behind its length. */
function writePair(writer: ByteWriter, type: number, value: Uint8Array): void {
  writer.compactSize(1).u8(type).compactSize(value.length).bytes(value);
}
