import { crypto } from "../crypto/installed.ts";
import { type Txid, txidFromInternal } from "../primitives/index.ts";
import { encodeTransaction, encodeWithoutWitness } from "./encode.ts";
import type { Transaction } from "./transaction.ts";

/** The id that outpoints name: hash of the form without witnesses. Hashes anew on each call. */
export function txid(tx: Transaction): Txid {
  return txidFromInternal(crypto().hash256(encodeWithoutWitness(tx)));
}

/** Hash of the network form with witnesses (BIP 141); equal to the txid when there are none. */
export function wtxid(tx: Transaction): Txid {
  return txidFromInternal(crypto().hash256(encodeTransaction(tx)));
}
