export { ByteReader } from "./byteReader.ts";
export { ByteWriter, compactSizeLength } from "./byteWriter.ts";
export { decodeTransaction, readOutPoint, readTransaction, readTxOut } from "./decode.ts";
export { BitcoinDecodeError } from "./decodeError.ts";
export {
  encodeTransaction,
  encodeTxOut,
  encodeWithoutWitness,
  writeOutPoint,
  writeTransaction,
  writeTxOut,
} from "./encode.ts";
export { txid, wtxid } from "./ids.ts";
export { strippedSize, totalSize, vsize, weight, witnessSize } from "./size.ts";
export { hasWitness, isCoinbase, type Transaction, type TxIn, type TxOut } from "./transaction.ts";
