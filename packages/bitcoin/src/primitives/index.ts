export type { Brand } from "./brand.ts";
export {
  compareBytes,
  concatBytes,
  equalBytes,
  equalSecrets,
  fromHex,
  hexInto,
  reverseBytes,
  toHex,
} from "./bytes.ts";
export type { BlockHash, OutPoint, Sat, Txid } from "./ids.ts";
export {
  blockHashFromInternal,
  blockHashToInternal,
  outPointKey,
  txidFromInternal,
  txidToInternal,
} from "./ids.ts";
