import { crypto } from "@fulmen/bitcoin/crypto";
import { type Bytes32, fromHex, type Point, type Script, type Signature, toHex } from "../util/bytes.ts";
import {
  type BlockHash,
  blockHashToInternal,
  type ChannelId,
  channelIdOf,
  type HtlcId,
  type NodeId,
  nodeIdOf,
  type PaymentHash,
  paymentHashOf,
  type ShortChannelId,
  type Txid,
  txidToInternal,
} from "../util/ids.ts";
import { InvariantError } from "../util/invariant.ts";
import { type FeeratePerKw, feeratePerKw, type Msat, msat, type Sat } from "../util/units.ts";
import type { Codec } from "./codec.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** One byte, 0..255; the BOLTs write `byte` or `u8`. */
export const u8: Codec<number> = {
  spec: "u8",
  size: 1,
  read: (reader) => reader.u8(),
  write(writer, value) {
    writer.u8(value);
  },
};

/** Big-endian, 0..65535. */
export const u16: Codec<number> = {
  spec: "u16",
  size: 2,
  read: (reader) => reader.u16(),
  write(writer, value) {
    writer.u16(value);
  },
};

/** Big-endian, 0..2^32-1. */
export const u32: Codec<number> = {
  spec: "u32",
  size: 4,
  read: (reader) => reader.u32(),
  write(writer, value) {
    writer.u32(value);
  },
};

/** Big-endian, 0..2^64-1. */
export const u64: Codec<bigint> = {
  spec: "u64",
  size: 8,
  read: (reader) => reader.u64(),
  write(writer, value) {
    writer.u64(value);
  },
};

/** Big-endian two's complement, -2^63..2^63-1 (BOLT 1, "Fundamental Types"). */
export const s64: Codec<bigint> = {
  spec: "s64",
  size: 8,
  read: (reader) => reader.s64(),
  write(writer, value) {
    writer.s64(value);
  },
};

/** 0 or 1 in one byte; anything else is refused. */
export const bool: Codec<boolean> = {
  spec: "u8",
  size: 1,
  read(reader) {
    const byte = reader.u8();
    if (byte > 1) throw reader.error(`neither 0 nor 1: ${byte}`);
    return byte === 1;
  },
  write(writer, value) {
    writer.u8(value ? 1 : 0);
  },
};

/** No bytes at all: a TLV record whose presence says everything. */
export const flag: Codec<true> = {
  spec: "",
  size: 0,
  read: () => true,
  write() {},
};

/** 0..65535 without leading zeros; the last value of a TLV record. */
export const tu16: Codec<number> = {
  spec: "tu16",
  read: (reader) => Number(reader.truncated(2)),
  write(writer, value) {
    writer.truncated(BigInt(value), 2);
  },
};

/** 0..2^32-1 without leading zeros; the last value of a TLV record. */
export const tu32: Codec<number> = {
  spec: "tu32",
  read: (reader) => Number(reader.truncated(4)),
  write(writer, value) {
    writer.truncated(BigInt(value), 4);
  },
};

/** 0..2^64-1 without leading zeros; the last value of a TLV record. */
export const tu64: Codec<bigint> = {
  spec: "tu64",
  read: (reader) => reader.truncated(8),
  write(writer, value) {
    writer.truncated(value, 8);
  },
};

/** BOLT 1, "BigSize": 1, 3, 5 or 9 bytes, shortest form only. */
export const bigSize: Codec<bigint> = {
  spec: "bigsize",
  read: (reader) => reader.bigSize(),
  write(writer, value) {
    writer.bigSize(value);
  },
};

/** Exactly `length` bytes. `spec` names what they are where the BOLTs do not say `N*byte`. */
export function bytes(length: number, spec = `${length}*byte`): Codec<Uint8Array> {
  return {
    spec,
    size: length,
    read: (reader) => reader.bytes(length),
    write(writer, value) {
      writeExactly(writer, value, length);
    },
  };
}

/** Up to 65535 bytes behind their u16 length. */
export const varBytes: Codec<Uint8Array> = {
  spec: "u16*byte",
  read: (reader) => reader.bytes(reader.u16()),
  write(writer, value) {
    writer.u16(value.length).bytes(value);
  },
};

/** All bytes that remain. */
export const rest: Codec<Uint8Array> = {
  spec: "...*byte",
  read: (reader) => reader.rest(),
  write(writer, value) {
    writer.bytes(value);
  },
};

/** The same without a copy: good as long as the input is not changed, for what is long and read at once. */
export const restInPlace: Codec<Uint8Array> = { ...rest, read: (reader) => reader.restInPlace() };

/**
 * A compressed point, checked to be on the curve here, so that no handler can forget to. That is a square root: 5 us
 * with libsecp256k1, 120 us with noble, little beside what handlers then do with a point. Gossip comes by the hundred
 * thousand and its signatures are verified anyway: it has `nodeId` and `compressedKey`.
 */
export const point: Codec<Point> = {
  spec: "point",
  size: 33,
  read(reader) {
    const value = reader.bytes(33);
    if (!crypto().isPoint(value)) throw reader.error("not a point on the curve");
    return value as Point;
  },
  write(writer, value) {
    writeExactly(writer, value, 33);
  },
};

/**
 * A compressed point of which only the form (a first byte of 2 or 3) is checked: a key of gossip counts only once a
 * signature by it was verified, and that checks the curve.
 */
export const compressedKey: Codec<Uint8Array> = {
  spec: "point",
  size: 33,
  read(reader) {
    const value = reader.bytes(33);
    if (value[0] !== 2 && value[0] !== 3) throw reader.error("not a compressed point");
    return value;
  },
  write(writer, value) {
    writeExactly(writer, value, 33);
  },
};

/** The key of a node as hex; its form is checked, as for `compressedKey`. */
export const nodeId: Codec<NodeId> = mapped("point", compressedKey, { decoded: nodeIdOf, encoded: fromHex });

/** r and s, 32 bytes each, big-endian. Only verification tells whether they are in range. */
export const signature: Codec<Signature> = branded<Signature>(bytes(64, "signature"));
/** A hash, as bytes. */
export const sha256: Codec<Bytes32> = branded<Bytes32>(bytes(32, "sha256"));
/** 32 bytes of any meaning: a preimage, a per-commitment secret. */
export const bytes32: Codec<Bytes32> = branded<Bytes32>(bytes(32));
/** An output script behind its u16 length. */
export const varScript: Codec<Script> = branded<Script>(varBytes);
/** An output script that takes up all that remains. */
export const restScript: Codec<Script> = branded<Script>(rest);

/** The id of a channel, as hex in wire order. */
export const channelId: Codec<ChannelId> = {
  spec: "channel_id",
  size: 32,
  read: (reader) => channelIdOf(reader.bytes(32)),
  write(writer, value) {
    writeExactly(writer, fromHex(value), 32);
  },
};

/** SHA-256 of a preimage, as hex. */
export const paymentHash: Codec<PaymentHash> = {
  spec: "sha256",
  size: 32,
  read: (reader) => paymentHashOf(reader.bytes(32)),
  write(writer, value) {
    writeExactly(writer, fromHex(value), 32);
  },
};

/** A transaction id: the wire has it in the order of transactions, the value is in display order. */
export const txid: Codec<Txid> = {
  spec: "sha256",
  size: 32,
  // The bytes are ours to reverse: `txidFromInternal` would copy them once more.
  read: (reader) => toHex(reader.bytes(32).reverse()) as Txid,
  write(writer, value) {
    writeExactly(writer, txidToInternal(value), 32);
  },
};

/** A chain by the hash of its genesis block: the wire has it in the order of headers, the value is in display order. */
export const chainHash: Codec<BlockHash> = {
  spec: "chain_hash",
  size: 32,
  read: (reader) => toHex(reader.bytes(32).reverse()) as BlockHash,
  write(writer, value) {
    writeExactly(writer, blockHashToInternal(value), 32);
  },
};

/** 8 bytes; any u64, whether or not a block of that height can be. */
export const shortChannelId: Codec<ShortChannelId> = wide<ShortChannelId>("short_channel_id");
/** Counts the HTLCs that one side of a channel offered. */
export const htlcId: Codec<HtlcId> = wide<HtlcId>("u64");
/** Millisatoshis in 8 bytes; any u64, peers do send 2^64-1. */
export const msat64: Codec<Msat> = wide<Msat>("u64");
/** Satoshis in 8 bytes; any u64. */
export const sat64: Codec<Sat> = wide<Sat>("u64");
/** Millisatoshis as a truncated u64. */
export const msatTu64: Codec<Msat> = mapped("tu64", tu64, { decoded: msat, encoded: (value) => value });
/** Millisatoshis in 4 bytes, as gossip has base fees. */
export const msat32: Codec<Msat> = mapped("u32", u32, { decoded: msat, encoded: Number });
/** Satoshis per 1,000 weight units in 4 bytes. */
export const feerate32: Codec<FeeratePerKw> = mapped("u32", u32, { decoded: feeratePerKw, encoded: Number });

/** The codec of `T` by way of another: `decoded` throws `DecodeError` on what is no `T`. */
export function mapped<T, U>(
  spec: string,
  codec: Codec<U>,
  way: { readonly decoded: (value: U, reader: Reader) => T; readonly encoded: (value: T) => U },
): Codec<T> {
  return {
    spec,
    ...sizeOf(codec),
    read: (reader) => way.decoded(codec.read(reader), reader),
    write(writer, value) {
      codec.write(writer, way.encoded(value));
    },
  };
}

/** `codec` under the name that the BOLTs have for it at this place. */
export function specAs<T>(spec: string, codec: Codec<T>): Codec<T> {
  return mapped(spec, codec, { decoded: (value) => value, encoded: (value) => value });
}

/** The same codec; bytes get their brand where they come in. */
function branded<B extends Uint8Array>(codec: Codec<Uint8Array>): Codec<B> {
  return codec as Codec<B>;
}

/** A u64 that gets its brand where it comes in. */
function wide<B extends bigint>(spec: string): Codec<B> {
  return {
    spec,
    size: 8,
    read: (reader) => reader.u64() as B,
    write(writer, value) {
      writer.u64(value);
    },
  };
}

function sizeOf(codec: Codec<unknown>): { readonly size?: number } {
  return codec.size === undefined ? {} : { size: codec.size };
}

function writeExactly(writer: Writer, value: Uint8Array, length: number): void {
  if (value.length !== length) throw new InvariantError(`expected ${length} bytes, got ${value.length}`);
  writer.bytes(value);
}
