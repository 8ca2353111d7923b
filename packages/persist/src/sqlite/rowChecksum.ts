import { crc32 } from "node:zlib";

/** CRC-32 over key and value: finds what a disk silently changed, which SQLite does not look for. */
export function rowChecksum(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}
