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

/** Longer texts get memory of their own. */
const longestInPlace = 2048;

interface Methods {
  /** The ciphertext with its tag behind it. Key, nonce and lengths are the caller's to check. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or `undefined` when the tag does not fit. `sealed` has at least the length of a tag. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/**
 * The methods, with memory that is kept for what is between their argument and their result, and wiped each time:
 * allocating it would take as long as a third of a payment's messages do.
 */
export function chacha20Poly1305(): Methods {
  const streamMemory = new Uint8Array(blockLength + longestInPlace);
  const macMemory = new Uint8Array(longestInPlace + lengthsLength);
  return {
    seal(key, nonce, aad, plaintext) {
      const stream = streamOf(streamMemory, key, nonce, plaintext);
      const ciphertext = stream.subarray(blockLength);
      const sealed = new Uint8Array(ciphertext.length + tagLength);
      sealed.set(ciphertext);
      sealed.set(tagOf(macMemory, stream.subarray(0, macKeyLength), aad, ciphertext), ciphertext.length);
      stream.fill(0);
      return sealed;
    },
    open(key, nonce, aad, sealed) {
      const ciphertext = sealed.subarray(0, sealed.length - tagLength);
      const stream = streamOf(streamMemory, key, nonce, ciphertext);
      const tag = tagOf(macMemory, stream.subarray(0, macKeyLength), aad, ciphertext);
      const fits = equalSecrets(tag, sealed.subarray(ciphertext.length));
      const plaintext = fits ? stream.slice(blockLength) : undefined;
      stream.fill(0);
      return plaintext;
    },
  };
}

/** The stream's first block, and `text` with the stream behind it on it. */
function streamOf(memory: Uint8Array, key: Uint8Array, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  const stream = within(memory, blockLength + text.length).fill(0, 0, blockLength);
  stream.set(text, blockLength);
  return chacha20(key, nonce, stream, stream);
}

/** The MAC of both texts, each padded to whole blocks of 16 bytes, and of their lengths. */
function tagOf(memory: Uint8Array, macKey: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const { length } = ciphertext;
  const data = within(memory, padded(length) + lengthsLength).fill(0, length);
  data.set(ciphertext);
  const lengths = new DataView(data.buffer, data.byteOffset + padded(length), lengthsLength);
  lengths.setUint32(0, aad.length, true);
  lengths.setUint32(8, length, true);
  if (aad.length === 0) return poly1305(data, macKey);
  return poly1305(concatBytes(aad, new Uint8Array(padded(aad.length) - aad.length), data), macKey);
}

function within(memory: Uint8Array, length: number): Uint8Array {
  return length <= memory.length ? memory.subarray(0, length) : new Uint8Array(length);
}

function padded(length: number): number {
  return Math.ceil(length / 16) * 16;
}
