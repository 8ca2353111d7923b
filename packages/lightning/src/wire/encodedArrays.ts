import {
  bigSize,
  type Codec,
  DecodeError,
  decode,
  encode,
  many,
  shortChannelId,
  struct,
  u32,
} from "../codec/index.ts";
import type { ShortChannelId } from "../util/ids.ts";

// BOLT 7, "Query Messages": arrays behind one byte that says how they are encoded. Only 0, uncompressed, is in use;
// 1 was zlib, which the BOLT forbids now.
const uncompressed = 0;

const shortChannelIds = many(shortChannelId);
const queryFlags = many(bigSize);
const timestamps = many(
  struct("channel_update_timestamps", { timestampNodeId1: u32, timestampNodeId2: u32 }),
);

/** Timestamps of a channel's two updates, 0 where there is none. */
export interface UpdateTimestamps {
  readonly timestampNodeId1: number;
  readonly timestampNodeId2: number;
}

/** The ids in an `encoded_short_ids` field. Throws `DecodeError` on another encoding or half an id. */
export function decodeShortChannelIds(encoded: Uint8Array): readonly ShortChannelId[] {
  const encoding = encoded[0];
  if (encoding === undefined) throw new DecodeError("no encoding type");
  return decodeArray(shortChannelIds, encoding, encoded.subarray(1));
}

/** An `encoded_short_ids` field; the caller gives the ids in ascending order. */
export function encodeShortChannelIds(ids: readonly ShortChannelId[]): Uint8Array {
  const bytes = new Uint8Array(1 + 8 * ids.length);
  bytes[0] = uncompressed;
  bytes.set(encode(shortChannelIds, ids), 1);
  return bytes;
}

/** The record `query_flags`: one set of bits for each id of the query. */
export interface EncodedQueryFlags {
  readonly encodingType: number;
  readonly encodedQueryFlags: Uint8Array;
}

/** The flags of a `query_flags` record, one for each id. Throws `DecodeError` on another encoding. */
export function decodeQueryFlags(record: EncodedQueryFlags): readonly bigint[] {
  return decodeArray(queryFlags, record.encodingType, record.encodedQueryFlags);
}

/** A `query_flags` record; bits as in BOLT 7. */
export function encodeQueryFlags(flags: readonly bigint[]): EncodedQueryFlags {
  return { encodingType: uncompressed, encodedQueryFlags: encode(queryFlags, flags) };
}

/** The record `timestamps_tlv`: a pair for each id of the reply. */
export interface EncodedTimestamps {
  readonly encodingType: number;
  readonly encodedTimestamps: Uint8Array;
}

/** The pairs of a `timestamps_tlv` record. Throws `DecodeError` on another encoding or half a pair. */
export function decodeTimestamps(record: EncodedTimestamps): readonly UpdateTimestamps[] {
  return decodeArray(timestamps, record.encodingType, record.encodedTimestamps);
}

/** A `timestamps_tlv` record. */
export function encodeTimestamps(pairs: readonly UpdateTimestamps[]): EncodedTimestamps {
  return { encodingType: uncompressed, encodedTimestamps: encode(timestamps, pairs) };
}

function decodeArray<T>(codec: Codec<readonly T[]>, encoding: number, bytes: Uint8Array): readonly T[] {
  if (encoding !== uncompressed) throw new DecodeError(`encoding type ${encoding} is not in use`);
  return decode(codec, bytes);
}
