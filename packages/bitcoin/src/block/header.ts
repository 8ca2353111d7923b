import { crypto } from "../crypto/installed.ts";
import {
  type BlockHash,
  type Brand,
  blockHashFromInternal,
  blockHashToInternal,
  fromHex,
  reverseBytes,
  toHex,
} from "../primitives/index.ts";
import { ByteReader, ByteWriter } from "../transaction/index.ts";

/** 64 lower-case hex digits in display (reversed) order. */
export type MerkleRoot = Brand<string, "MerkleRoot">;

/** @ldk bitcoin::block::Header */
export interface BlockHeader {
  /** A signed 32-bit number. */
  readonly version: number;
  readonly previous: BlockHash;
  readonly merkleRoot: MerkleRoot;
  /** Seconds since 1970 as the miner claims. */
  readonly time: number;
  /** The target in compact form, see `targetFromBits`. */
  readonly bits: number;
  readonly nonce: number;
}

/** The 80 bytes of a header. */
export function encodeHeader(header: BlockHeader): Uint8Array {
  const writer = new ByteWriter(80).i32(header.version);
  writer.bytes(blockHashToInternal(header.previous)).bytes(merkleRootToInternal(header.merkleRoot));
  return writer.u32(header.time).u32(header.bits).u32(header.nonce).finish();
}

/** Throws `BitcoinDecodeError` unless there are exactly 80 bytes. Proof of work is not looked at. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const reader = new ByteReader(bytes);
  const header = readHeader(reader);
  reader.expectEnd();
  return header;
}

/** Reads the header of a block; throws `BitcoinDecodeError`. */
export function readHeader(reader: ByteReader): BlockHeader {
  const version = reader.i32();
  const previous = blockHashFromInternal(reader.bytes(32));
  const merkleRoot = merkleRootFromInternal(reader.bytes(32));
  return { version, previous, merkleRoot, time: reader.u32(), bits: reader.u32(), nonce: reader.u32() };
}

/** The id by which the next header names this one. */
export function blockHash(header: BlockHeader): BlockHash {
  return blockHashFromInternal(crypto().hash256(encodeHeader(header)));
}

/** The root of 32 bytes in the order of headers. */
export function merkleRootFromInternal(bytes: Uint8Array): MerkleRoot {
  if (bytes.length !== 32) throw new RangeError(`expected 32 bytes, got ${bytes.length}`);
  return toHex(reverseBytes(bytes)) as MerkleRoot;
}

/** The 32 bytes in the order of headers. */
export function merkleRootToInternal(root: MerkleRoot): Uint8Array {
  return reverseBytes(fromHex(root));
}
