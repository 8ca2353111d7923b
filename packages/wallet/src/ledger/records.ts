import type { BlockHash } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
} from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import {
  array16,
  bool,
  type Codec,
  chainHash,
  mapped,
  rest,
  struct,
  tlvs,
  txid,
  u8,
  u16,
  u32,
  u64,
  versionedRecord,
} from "@fulmen/lightning/codec";
import { type BlockHeight, blockHeight, type OutPoint, type Sat, sat } from "@fulmen/lightning/util";
import type { Keychain } from "../descriptor/index.ts";
import type { Position } from "./coins.ts";
import type { KeychainState, Place } from "./keyring.ts";
import type { Bid, Loan } from "./locks.ts";

// What is on users' disks: numbers of TLV records and tags are never given to anything else.

const v1 = { version: 1, oldestReader: 1 };

/** Whose wallet it is, and how far its scripts were handed out: the record `keys`. */
export interface KeysRecord {
  /** The genesis hash of the chain. */
  readonly chain: BlockHash;
  /** The accounts' public descriptors. */
  readonly descriptors: readonly string[];
  readonly birthday: BlockHeight;
  readonly keychains: readonly KeychainState[];
  /** `KeychainState.unpaid` of each of them. */
  readonly unpaid?: readonly number[];
}

/** A transaction without its id, which its key has: the records `tx/<txid>`. */
export interface TransactionRecord {
  readonly transaction: Transaction;
  readonly position: Position;
  readonly sequence: number;
  readonly isReplaceable: boolean;
}

/** A lock without its id, which its key has: the records `lock/<id>`. */
export interface LockRecord {
  readonly outPoints: readonly OutPoint[];
  readonly expiresAt?: BlockHeight;
  readonly change?: Place;
  readonly isSigned: boolean;
  readonly isReplaceable: boolean;
  readonly bid?: Bid;
  readonly lent?: readonly Loan[];
}

const height: Codec<BlockHeight> = mapped("u32", u32, { decoded: blockHeight, encoded: Number });
const outPoint: Codec<OutPoint> = struct("outpoint", { txid, index: u32 });

const keychain: Codec<Keychain> = mapped("keychain", u8, {
  decoded(tag, reader) {
    if (tag > 1) throw reader.error(`unknown keychain ${tag}`);
    return tag === 0 ? "receive" : "change";
  },
  encoded: (name) => (name === "receive" ? 0 : 1),
});

const place: Codec<Place> = struct("place", { account: u16, keychain, index: u32 });

const keychainState: Codec<KeychainState> = struct("keychain_state", {
  account: u16,
  keychain,
  next: u32,
  returned: array16(u32),
});

const satoshis: Codec<Sat> = mapped("u64", u64, { decoded: sat, encoded: BigInt });

const bid: Codec<Bid> = {
  spec: "bid",
  read(reader) {
    const own = { fee: satoshis.read(reader), weight: reader.u32(), inputs: reader.u16() };
    if (reader.remaining === 0) return own;
    return { ...own, parent: { fee: satoshis.read(reader), weight: reader.u32() } };
  },
  write(writer, { fee, weight, inputs, parent }) {
    satoshis.write(writer, fee);
    writer.u32(weight).u16(inputs);
    if (parent === undefined) return;
    satoshis.write(writer, parent.fee);
    writer.u32(parent.weight);
  },
};

/** All of one size: a parent that weighs nothing is none. */
const loan: Codec<Loan> = {
  spec: "loan",
  read(reader) {
    const coin = outPoint.read(reader);
    const own = { fee: satoshis.read(reader), weight: reader.u32(), inputs: reader.u16() };
    const parent = { fee: satoshis.read(reader), weight: reader.u32() };
    return { outPoint: coin, bid: parent.weight === 0 ? own : { ...own, parent } };
  },
  write(writer, { outPoint: coin, bid: { fee, weight, inputs, parent } }) {
    outPoint.write(writer, coin);
    satoshis.write(writer, fee);
    writer.u32(weight).u16(inputs);
    satoshis.write(writer, parent?.fee ?? sat(0));
    writer.u32(parent?.weight ?? 0);
  },
};

/** Printable ASCII behind its length. */
const text: Codec<string> = {
  spec: "u16*char",
  read: (reader) => reader.utf8(reader.u16()),
  write(writer, value) {
    writer.u16(value.length).utf8(value);
  },
};

const transaction: Codec<Transaction> = mapped("transaction", rest, {
  decoded(bytes, reader) {
    try {
      return decodeTransaction(bytes);
    } catch (error) {
      if (error instanceof BitcoinDecodeError) throw reader.error(error.message);
      throw error;
    }
  },
  encoded: encodeTransaction,
});

const position: Codec<Position> = {
  spec: "position",
  read(reader) {
    if (reader.remaining === 0) return { kind: "unconfirmed" };
    return { kind: "confirmed", height: height.read(reader), blockHash: chainHash.read(reader) };
  },
  write(writer, value) {
    if (value.kind === "unconfirmed") return;
    height.write(writer, value.height);
    chainHash.write(writer, value.blockHash);
  },
};

const count: Codec<number> = mapped("u64", u64, {
  decoded(value, reader) {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw reader.error(`${value} is more than 2^53-1`);
    return Number(value);
  },
  encoded: BigInt,
});

/** The record `keys`. */
export const keysRecord: Codec<KeysRecord> = versionedRecord(
  v1,
  tlvs("wallet_keys", {
    chain: { type: 0, codec: chainHash, required: true },
    descriptors: { type: 2, codec: array16(text), required: true },
    birthday: { type: 4, codec: height, required: true },
    keychains: { type: 6, codec: array16(keychainState), required: true },
    unpaid: { type: 7, codec: array16(u32) },
  }),
);

/** The record `tip`: the best block that the wallet has seen. */
export const tipRecord: Codec<BlockLocator> = versionedRecord(
  v1,
  tlvs("wallet_tip", {
    hash: { type: 0, codec: chainHash, required: true },
    height: { type: 2, codec: height, required: true },
    ancestors: { type: 4, codec: array16(chainHash), required: true },
  }),
);

/** A record `tx/<txid>`. */
export const transactionRecord: Codec<TransactionRecord> = versionedRecord(
  v1,
  tlvs("wallet_transaction", {
    transaction: { type: 0, codec: transaction, required: true },
    position: { type: 2, codec: position, required: true },
    sequence: { type: 4, codec: count, required: true },
    isReplaceable: { type: 6, codec: bool, required: true },
  }),
);

/** A record `lock/<id>`. */
export const lockRecord: Codec<LockRecord> = versionedRecord(
  v1,
  tlvs("wallet_lock", {
    outPoints: { type: 0, codec: array16(outPoint), required: true },
    expiresAt: { type: 2, codec: height },
    change: { type: 4, codec: place },
    isSigned: { type: 6, codec: bool, required: true },
    isReplaceable: { type: 8, codec: bool, required: true },
    bid: { type: 9, codec: bid },
    // 11 was once the lent outpoints without their bids.
    lent: { type: 13, codec: array16(loan) },
  }),
);
