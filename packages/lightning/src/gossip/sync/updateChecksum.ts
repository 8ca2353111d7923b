import { crc32c } from "./crc32c.ts";

// Places in an encoded `channel_update`, its type first (BOLT 7, "The channel_update Message").
const chainHashAt = 2 + 64;
const timestampAt = chainHashAt + 32 + 8;
const flagsAt = timestampAt + 4;

/**
 * What a `channel_update` says, without who signed it and when, as four bytes: peers compare them before they fetch one
 * (BOLT 7, "The query_channel_range and reply_channel_range Messages"). `encoded` is the message with its type.
 */
export function updateChecksum(encoded: Uint8Array): number {
  return crc32c(encoded.subarray(chainHashAt, timestampAt), encoded.subarray(flagsAt));
}
