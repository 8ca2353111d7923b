import { DecodeError } from "../codec/decodeError.ts";
import { InvariantError } from "../util/invariant.ts";

/** The letters of bech32 by the five bits that they stand for (BIP 173). */
export const bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** The bytes in five-bit words, the last one padded by zeros. */
export function bytesToWords(bytes: Uint8Array): Uint8Array {
  const words = new Uint8Array(Math.ceil((bytes.length * 8) / 5));
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) words[at++] = (pending >> (bits - 5)) & 31;
  }
  if (bits > 0) words[at] = (pending << (5 - bits)) & 31;
  return words;
}

/** The whole bytes in `words`; throws `DecodeError` unless what is left over is padding: under five bits, all zero. */
export function wordsToBytes(words: Uint8Array): Uint8Array {
  const padded = wordsToPaddedBytes(words);
  const whole = Math.floor((words.length * 5) / 8);
  if (words.length * 5 - whole * 8 >= 5 || (padded[whole] ?? 0) !== 0) {
    throw new DecodeError("wrong padding", words.length);
  }
  return padded.subarray(0, whole);
}

/** The words' bits, followed by zeros up to a whole byte. */
export function wordsToPaddedBytes(words: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * 5) / 8));
  for (let i = 0; i < words.length; i++) {
    const bit = i * 5;
    const shifted = (words[i] ?? 0) << (11 - (bit & 7));
    const at = bit >> 3;
    bytes[at] = (bytes[at] ?? 0) | (shifted >> 8);
    if (at + 1 < bytes.length) bytes[at + 1] = (bytes[at + 1] ?? 0) | (shifted & 0xff);
  }
  return bytes;
}

/** A big-endian integer; throws `DecodeError` when it has leading zeros or is above `max`, at most 2^53 - 1. */
export function wordsToInteger(words: Uint8Array, max: number): number {
  if (words[0] === 0) throw new DecodeError("number with leading zeros");
  let value = 0;
  for (const [at, word] of words.entries()) {
    value = value * 32 + word;
    if (value > max) throw new DecodeError(`number above ${max}`, at);
  }
  return value;
}

/** `value` in as few words as can be; zero is no word at all. */
export function integerToWords(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new InvariantError(`not a whole number: ${value}`);
  const words: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 32)) words.push(rest % 32);
  return Uint8Array.from(words.reverse());
}

/**
 * The set bits of `words` by number, the last word's lowest bit being 0; throws `DecodeError` on leading zero words.
 */
export function wordsToBits(words: Uint8Array): readonly number[] {
  if (words[0] === 0) throw new DecodeError("bits with leading zeros");
  const bits: number[] = [];
  for (let bit = 0; bit < words.length * 5; bit++) {
    const word = words[words.length - 1 - Math.floor(bit / 5)] ?? 0;
    if (((word >> (bit % 5)) & 1) === 1) bits.push(bit);
  }
  return bits;
}

/** The inverse of `wordsToBits`, as short as can be. */
export function bitsToWords(bits: readonly number[]): Uint8Array {
  const length = bits.reduce((most, bit) => Math.max(most, Math.floor(bit / 5) + 1), 0);
  const words = new Uint8Array(length);
  for (const bit of bits) {
    const at = length - 1 - Math.floor(bit / 5);
    words[at] = (words[at] ?? 0) | (1 << (bit % 5));
  }
  return words;
}
