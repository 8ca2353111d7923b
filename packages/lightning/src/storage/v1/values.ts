import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
} from "@fulmen/bitcoin/transaction";
import type { HtlcRef, PathHop } from "../../channel/disposition.ts";
import { type ArrayCodec, array16 } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import { bytes, channelId, mapped, nodeId, shortChannelId, txid, u32, u64 } from "../../codec/primitives.ts";
import type { Reader } from "../../codec/reader.ts";
import { struct } from "../../codec/struct.ts";
import { readTlvRecords, type TlvRecord, writeTlvRecords } from "../../codec/tlv.ts";
import type { Writer } from "../../codec/writer.ts";
import type { HtlcDirection } from "../../commitment/htlc.ts";
import { fromHex } from "../../util/bytes.ts";
import {
  type BlockHeight,
  type CommitmentNumber,
  type HtlcId,
  htlcId,
  type OutPoint,
  type PaymentId,
  paymentIdOf,
} from "../../util/ids.ts";
import { type Msat, msat } from "../../util/units.ts";
import { nameOf, sized } from "./layouts.ts";

/** A count or an update's id, 0..2^53-1, in eight bytes. */
export const count: Codec<number> = wholeNumber(Number.MAX_SAFE_INTEGER);

/** 0..2^48-1 in eight bytes. */
export const commitmentNumber: Codec<CommitmentNumber> = wholeNumber<CommitmentNumber>(2 ** 48 - 1);

/** A height in four bytes. */
export const blockHeight: Codec<BlockHeight> = u32 as Codec<number> as Codec<BlockHeight>;

/** 0..2^128-1 in sixteen bytes. */
export const u128: Codec<bigint> = {
  spec: "u128",
  size: 16,
  read: (reader) => (reader.u64() << 64n) | reader.u64(),
  write(writer, value) {
    writer.u64(value >> 64n).u64(value & 0xffff_ffff_ffff_ffffn);
  },
};

export const highestVarint = 2n ** 64n - 1n;

/** 0..2^64-1: seven bits a byte, the lowest first; the highest bit says that a byte follows. Shortest form only. */
export const varint: Codec<bigint> = {
  spec: "varint",
  read(reader) {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = reader.u8();
      if (byte === 0 && shift > 0n) throw reader.error("a number longer than it needs to be");
      value |= BigInt(byte & 0x7f) << shift;
      if (value > highestVarint) throw reader.error("a number above 2^64-1");
      if (byte < 0x80) return value;
    }
  },
  write(writer, value) {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) writer.u8(Number(rest & 0x7fn) | 0x80);
    writer.u8(Number(rest));
  },
};

/** A count or an update's id, 0..2^53-1, in as few bytes as it takes. */
export const smallCount: Codec<number> = smallNumber(Number.MAX_SAFE_INTEGER);

/** 0..2^48-1 in as few bytes as it takes. */
export const smallCommitmentNumber: Codec<CommitmentNumber> = smallNumber<CommitmentNumber>(2 ** 48 - 1);

/** An amount in as few bytes as it takes. */
export const smallMsat: Codec<Msat> = mapped("varint", varint, { decoded: msat, encoded: (value) => value });

/** An HTLC's id in as few bytes as it takes. */
export const smallHtlcId: Codec<HtlcId> = mapped("varint", varint, {
  decoded: htlcId,
  encoded: (value) => value,
});

/** UTF-8 that takes up all that remains. Half of a surrogate pair, which UTF-8 cannot say, becomes U+FFFD. */
export const text: Codec<string> = {
  spec: "utf8",
  read: (reader) => reader.utf8(reader.remaining),
  write(writer, value) {
    writer.utf8(value.replace(/\p{Surrogate}/gu, "\ufffd"));
  },
};

/** A TLV stream of types that are not ours, taking up all that remains. */
export const tlvRecords: Codec<readonly TlvRecord[]> = {
  spec: "tlv_records",
  read: readTlvRecords,
  write: writeTlvRecords,
};

/** The user's name of a payment. */
export const paymentId: Codec<PaymentId> = mapped("payment_id", bytes(32), {
  decoded: paymentIdOf,
  encoded: fromHex,
});

/** The txid and the index. */
export const outPoint: Codec<OutPoint> = struct("outpoint", { txid, index: u32 });

/** The network form, taking up all that remains. */
export const transaction: Codec<Transaction> = {
  spec: "transaction",
  read(reader) {
    try {
      return decodeTransaction(reader.rest());
    } catch (error) {
      if (error instanceof BitcoinDecodeError) throw reader.error(error.message);
      throw error;
    }
  },
  write(writer, value) {
    writer.bytes(encodeTransaction(value));
  },
};

/** Transactions, each behind its length. */
export const transactions: ArrayCodec<Transaction> = array16(sized(transaction));

export const direction: Codec<HtlcDirection> = nameOf<HtlcDirection>("direction", {
  incoming: 0,
  outgoing: 1,
});

/** What `htlcKey` gives, `i7` or `o12`, in nine bytes. */
export const htlcKeyText: Codec<string> = {
  spec: "htlc_key",
  size: 9,
  read(reader) {
    const side = direction.read(reader);
    return `${side === "incoming" ? "i" : "o"}${reader.u64()}`;
  },
  write(writer, value) {
    direction.write(writer, value.startsWith("i") ? "incoming" : "outgoing");
    writer.u64(BigInt(value.slice(1)));
  },
};

/** An HTLC of any channel of ours. */
export const htlcRef: Codec<HtlcRef> = struct("htlc_ref", { channelId, htlcId: u64 });

/** The hops of a path, without amounts. */
export const path: ArrayCodec<PathHop> = array16(struct("path_hop", { nodeId, shortChannelId }));

function smallNumber<N extends number>(max: number): Codec<N> {
  return {
    spec: "varint",
    read(reader: Reader) {
      const value = varint.read(reader);
      if (value > max) throw reader.error(`${value} is more than ${max}`);
      return Number(value) as N;
    },
    write(writer: Writer, value: N) {
      varint.write(writer, BigInt(value));
    },
  };
}

function wholeNumber<N extends number>(max: number): Codec<N> {
  return {
    spec: "u64",
    size: 8,
    read(reader: Reader) {
      const high = reader.u32();
      const value = high * 2 ** 32 + reader.u32();
      if (value > max) throw reader.error(`${value} is more than ${max}`);
      return value as N;
    },
    write(writer: Writer, value: N) {
      writer.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
    },
  };
}
