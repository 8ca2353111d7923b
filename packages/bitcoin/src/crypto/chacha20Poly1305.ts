import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20 } from "@noble/ciphers/chacha.js";
import { concatBytes, equalSecrets } from "../primitives/bytes.ts";

// RFC 8439, 2.8, of noble's stream and MAC. Noble has it too, as an object per call that runs the stream twice and
// feeds the MAC in five pieces: with BOLT 8's short frames, that takes most of the time.

/** The stream's first block has the one-time key of the MAC; what is encrypted begins with the second. */
const blockLength = 64;
const macKeyLength = 32;
const tagLength = 16;

/** The ciphertext with its tag behind it. Key, nonce and lengths are the caller's to check. */
export function seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const stream = new Uint8Array(blockLength + plaintext.length);
  stream.set(plaintext, blockLength);
  chacha20(key, nonce, stream, stream);
  const ciphertext = stream.subarray(blockLength);
  return concatBytes(ciphertext, tagOf(stream.subarray(0, macKeyLength), aad, ciphertext));
}

/** The plaintext, or `undefined` when the tag does not fit. `sealed` has at least the length of a tag. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const ciphertext = sealed.subarray(0, -tagLength);
  const stream = new Uint8Array(blockLength + ciphertext.length);
  stream.set(ciphertext, blockLength);
  chacha20(key, nonce, stream, stream);
  const tag = tagOf(stream.subarray(0, macKeyLength), aad, ciphertext);
  return equalSecrets(tag, sealed.subarray(-tagLength)) ? stream.slice(blockLength) : undefined;
}

/** The MAC of both texts, each padded to whole blocks of 16 bytes, and of their lengths. */
function tagOf(macKey: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const start = padded(aad.length);
  const end = start + padded(ciphertext.length);
  const data = new Uint8Array(end + 16);
  data.set(aad);
  data.set(ciphertext, start);
  const lengths = new DataView(data.buffer);
  lengths.setUint32(end, aad.length, true);
  lengths.setUint32(end + 8, ciphertext.length, true);
  return poly1305(data, macKey);
}

function padded(length: number): number {
  return Math.ceil(length / 16) * 16;
}
