export { decodeAddress, encodeAddress } from "./address/index.ts";
export { type Block, type BlockHeader, blockHash, decodeBlock, decodeHeader } from "./block/index.ts";
export { type Network, type NetworkName, networks } from "./network/index.ts";
export {
  type BlockHash,
  fromHex,
  type OutPoint,
  outPointKey,
  type Sat,
  type Txid,
  toHex,
} from "./primitives/index.ts";
export { op, script } from "./script/index.ts";
export {
  SighashCache,
  segwitV0Sighash,
  sighashAll,
  sighashDefault,
  taprootSighash,
} from "./sighash/index.ts";
export {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  type TxIn,
  type TxOut,
  txid,
  vsize,
  weight,
  wtxid,
} from "./transaction/index.ts";
