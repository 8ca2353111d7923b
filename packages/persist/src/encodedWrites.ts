import type { KvWrite } from "@fulmen/lightning/chain";
import { type DecodeError, Reader, Writer } from "@fulmen/lightning/codec";
import { isKey } from "./keys.ts";

/** Bytes that a write takes beside its key and value. */
const overhead = 6;

/** How many bytes `writes` take, one after the other, when they are encoded. */
export function encodedLength(writes: readonly KvWrite[]): number {
  let length = 4;
  for (const { key, value } of writes) length += overhead + key.length + (value?.length ?? 0);
  return length;
}

/**
 * `writes` in their order: their number as u32, then of each the key's length as u16, the key, the value's length plus
 * one as u32 (zero for a deletion), and the value.
 */
export function encodeWrites(writes: readonly KvWrite[]): Uint8Array {
  const writer = new Writer(encodedLength(writes)).u32(writes.length);
  for (const { key, value } of writes) {
    writer.u16(key.length).utf8(key);
    if (value === undefined) writer.u32(0);
    else writer.u32(value.length + 1).bytes(value);
  }
  return writer.finish();
}

/** Reads what `encodeWrites` wrote. Throws `DecodeError`. */
export function decodeWrites(bytes: Uint8Array): readonly KvWrite[] {
  const reader = new Reader(bytes);
  const writes: KvWrite[] = [];
  for (let count = reader.u32(); count > 0; count--) {
    const key = reader.utf8(reader.u16());
    if (!isKey(key)) throw notAKey(reader, key);
    const length = reader.u32();
    writes.push({ key, value: length === 0 ? undefined : reader.bytes(length - 1) });
  }
  reader.expectEnd();
  return writes;
}

function notAKey(reader: Reader, text: string): DecodeError {
  return reader.error(`not a key: ${JSON.stringify(text)}`);
}
