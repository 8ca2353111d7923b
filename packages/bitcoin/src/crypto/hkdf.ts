import { crypto } from "./installed.ts";
import { CryptoError } from "./provider.ts";

const noBytes = new Uint8Array(0);

/** HKDF-SHA256 (RFC 5869), extract: a pseudo-random key of 32 bytes. */
export function hkdfExtract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
  return crypto().hmacSha256(salt, inputKey);
}

/** HKDF-SHA256 (RFC 5869), expand: `length` bytes, at most 255 * 32. */
export function hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > 255 * 32) {
    throw new CryptoError(`HKDF cannot expand to ${length} bytes`);
  }
  const { hmacSha256 } = crypto();
  const output = new Uint8Array(length);
  let block: Uint8Array = noBytes;
  for (let offset = 0, count = 1; offset < length; offset += 32, count++) {
    const input = new Uint8Array(block.length + info.length + 1);
    input.set(block);
    input.set(info, block.length);
    input[input.length - 1] = count;
    block = hmacSha256(pseudoRandomKey, input);
    output.set(block.subarray(0, length - offset), offset);
  }
  return output;
}

/** Two keys of 32 bytes from `salt` and `inputKey`, with empty info: the HKDF of BOLT 8. */
export function hkdfPair(salt: Uint8Array, inputKey: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const output = hkdfExpand(hkdfExtract(salt, inputKey), noBytes, 64);
  return [output.subarray(0, 32), output.subarray(32)];
}
