import type { Brand } from "./brand.ts";
import { fromHex, reverseBytes, toHex } from "./bytes.ts";

/** 64 lower-case hex digits in display (reversed) order. */
export type Txid = Brand<string, "Txid">;
/** 64 lower-case hex digits in display (reversed) order. */
export type BlockHash = Brand<string, "BlockHash">;
/** Satoshis, 0..2^64-1. */
export type Sat = Brand<bigint, "Sat">;

export interface OutPoint {
  readonly txid: Txid;
  readonly index: number;
}

/** Text of an outpoint, `txid:index`: a key of maps and records. */
export function outPointKey(outPoint: OutPoint): string {
  return `${outPoint.txid}:${outPoint.index}`;
}

/** The id of 32 bytes in the order that transactions and messages carry; throws `RangeError` on another length. */
export function txidFromInternal(bytes: Uint8Array): Txid {
  return displayed(bytes) as Txid;
}

export function txidToInternal(txid: Txid): Uint8Array {
  return reverseBytes(fromHex(txid));
}

export function blockHashFromInternal(bytes: Uint8Array): BlockHash {
  return displayed(bytes) as BlockHash;
}

export function blockHashToInternal(hash: BlockHash): Uint8Array {
  return reverseBytes(fromHex(hash));
}

function displayed(bytes: Uint8Array): string {
  if (bytes.length !== 32) throw new RangeError(`expected 32 bytes, got ${bytes.length}`);
  return toHex(reverseBytes(bytes));
}
