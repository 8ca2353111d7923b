import { type Brand, type OutPoint, toHex, txidToInternal } from "@fulmen/bitcoin/primitives";
import { InvariantError } from "./invariant.ts";

export type { BlockHash, OutPoint, Txid } from "@fulmen/bitcoin/primitives";
export {
  blockHashToInternal,
  txidToInternal,
} from "@fulmen/bitcoin/primitives";

/** 64 lower-case hex digits in wire order. */
export type ChannelId = Brand<string, "ChannelId">;
/** 64 lower-case hex digits. */
export type PaymentHash = Brand<string, "PaymentHash">;
/** 66 lower-case hex digits of a compressed point. */
export type NodeId = Brand<string, "NodeId">;
/** 64 lower-case hex digits; names a payment of ours, chosen by the user, the key of idempotency. */
export type PaymentId = Brand<string, "PaymentId">;
/** 64 lower-case hex digits; names an HTLC that was intercepted. @ldk lightning::ln::channelmanager::InterceptId */
export type InterceptId = Brand<string, "InterceptId">;
/** Block height (3 bytes), transaction index (3 bytes), output index (2 bytes). */
export type ShortChannelId = Brand<bigint, "ShortChannelId">;
/** A block height, or an absolute CLTV expiry; below 500,000,000. */
export type BlockHeight = Brand<number, "BlockHeight">;
/** Counts up from 0 with each commitment (the wire and BOLT 3 secrets count down: see `crypto/shachain.ts`). */
export type CommitmentNumber = Brand<number, "CommitmentNumber">;
/** Counts up from 0 on each side of a channel. */
export type HtlcId = Brand<bigint, "HtlcId">;
/** Seconds since 1970, given by the host. */
export type UnixSeconds = Brand<number, "UnixSeconds">;

export function channelIdOf(bytes: Uint8Array): ChannelId {
  return toHex(exactly(bytes, 32)) as ChannelId;
}

export function paymentHashOf(bytes: Uint8Array): PaymentHash {
  return toHex(exactly(bytes, 32)) as PaymentHash;
}

export function paymentIdOf(bytes: Uint8Array): PaymentId {
  return toHex(exactly(bytes, 32)) as PaymentId;
}

export function interceptIdOf(bytes: Uint8Array): InterceptId {
  return toHex(exactly(bytes, 32)) as InterceptId;
}

export function nodeIdOf(point: Uint8Array): NodeId {
  return toHex(exactly(point, 33)) as NodeId;
}

/** The id of a channel by its funding outpoint: the txid in wire order XOR the index (BOLT 2). */
export function channelIdFromOutPoint({ txid, index }: OutPoint): ChannelId {
  const id = txidToInternal(txid);
  id[30] = (id[30] ?? 0) ^ (index >> 8);
  id[31] = (id[31] ?? 0) ^ (index & 0xff);
  return toHex(id) as ChannelId;
}

export function blockHeight(value: number): BlockHeight {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new InvariantError(`not a block height: ${value}`);
  }
  return value as BlockHeight;
}

export function commitmentNumber(value: number): CommitmentNumber {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 48) {
    throw new InvariantError(`not a commitment number: ${value}`);
  }
  return value as CommitmentNumber;
}

export function htlcId(value: bigint | number): HtlcId {
  return BigInt(value) as HtlcId;
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new InvariantError(`expected ${length} bytes, got ${bytes.length}`);
  return bytes;
}
