import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20 } from "@noble/ciphers/chacha.js";
import { concatBytes, equalSecrets } from "../primitives/bytes.ts";

// RFC 8439, 2.8, of noble's stream and MAC. Noble has it too, as an object per call that runs the stream twice and
// feeds the MAC in five pieces: with BOLT 8's short frames, that takes most of the time.

/** The stream's first block has the one-time key of the MAC; what is encrypted begins with the second. */
const blockLength = 64;
const macKeyLength = 32;
const tagLength = 16;
const lengthsLength = 16;

/** The ciphertext with its tag behind it. Key, nonce and lengths are the caller's to check. */
export function seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const { length } = plaintext;
  const frame = new Uint8Array(blockLength + padded(length) + lengthsLength);
  frame.set(plaintext, blockLength);
  const stream = frame.subarray(0, blockLength + length);
  chacha20(key, nonce, stream, stream);
  const tag = tagOf(frame.subarray(0, macKeyLength), aad, frame.subarray(blockLength), length);
  // In the place of the padding and the lengths, of which the MAC has taken note.
  frame.set(tag, blockLength + length);
  return frame.slice(blockLength, blockLength + length + tagLength);
}

/** The plaintext, or `undefined` when the tag does not fit. `sealed` has at least the length of a tag. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const length = sealed.length - tagLength;
  const ciphertext = sealed.subarray(0, length);
  const stream = new Uint8Array(blockLength + length);
  stream.set(ciphertext, blockLength);
  chacha20(key, nonce, stream, stream);
  const macData = new Uint8Array(padded(length) + lengthsLength);
  macData.set(ciphertext);
  const tag = tagOf(stream.subarray(0, macKeyLength), aad, macData, length);
  return equalSecrets(tag, sealed.subarray(length)) ? stream.slice(blockLength) : undefined;
}

/**
 * The MAC of both texts, each padded to whole blocks of 16 bytes, and of their lengths. `data`: a ciphertext of
 * `length` bytes with its padding, and room for the lengths.
 */
function tagOf(macKey: Uint8Array, aad: Uint8Array, data: Uint8Array, length: number): Uint8Array {
  const lengths = new DataView(data.buffer, data.byteOffset + padded(length), lengthsLength);
  lengths.setUint32(0, aad.length, true);
  lengths.setUint32(8, length, true);
  if (aad.length === 0) return poly1305(data, macKey);
  return poly1305(concatBytes(aad, new Uint8Array(padded(aad.length) - aad.length), data), macKey);
}

function padded(length: number): number {
  return Math.ceil(length / 16) * 16;
}
