import { InvariantError } from "../util/invariant.ts";

/**
 * XORs the ChaCha20 stream (RFC 8439) onto `data`, with the block counter as the first four bytes of `nonce`,
 * little-endian, and the usual nonce behind it: 16 bytes in all. The counter wraps around. The provider's `chacha20`
 * starts at zero always; this one is for a few bytes at a random place.
 *
 * @ldk lightning::crypto::utils::apply_chacha20
 */
export function chacha20FromBlock(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  if (key.length !== 32 || nonce.length !== 16) {
    throw new InvariantError(`ChaCha20 with a key of ${key.length} bytes and a nonce of ${nonce.length}`);
  }
  const start = new Uint32Array(16);
  start.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  const keyView = new DataView(key.buffer, key.byteOffset, key.length);
  const nonceView = new DataView(nonce.buffer, nonce.byteOffset, nonce.length);
  for (let word = 0; word < 8; word++) start[4 + word] = keyView.getUint32(word * 4, true);
  for (let word = 0; word < 4; word++) start[12 + word] = nonceView.getUint32(word * 4, true);
  const output = data.slice();
  for (let offset = 0; offset < output.length; offset += 64) {
    const block = keyStreamBlock(start);
    for (let at = 0; at < 64 && offset + at < output.length; at++) {
      output[offset + at] = (output[offset + at] ?? 0) ^ block.getUint8(at);
    }
    start[counterWord] = (start[counterWord] ?? 0) + 1;
  }
  return output;
}

const counterWord = 12;

/** The words of a quarter round. */
interface Quarter {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Columns, then diagonals. */
const quarters: readonly Quarter[] = [
  { a: 0, b: 4, c: 8, d: 12 },
  { a: 1, b: 5, c: 9, d: 13 },
  { a: 2, b: 6, c: 10, d: 14 },
  { a: 3, b: 7, c: 11, d: 15 },
  { a: 0, b: 5, c: 10, d: 15 },
  { a: 1, b: 6, c: 11, d: 12 },
  { a: 2, b: 7, c: 8, d: 13 },
  { a: 3, b: 4, c: 9, d: 14 },
];

function keyStreamBlock(start: Uint32Array): DataView {
  const state = start.slice();
  for (let round = 0; round < 10; round++) for (const quarter of quarters) quarterRound(state, quarter);
  const block = new DataView(new ArrayBuffer(64));
  for (let word = 0; word < 16; word++) {
    block.setUint32(word * 4, (state[word] ?? 0) + (start[word] ?? 0), true);
  }
  return block;
}

/** RFC 8439, section 2.1. */
function quarterRound(state: Uint32Array, quarter: Quarter): void {
  let a = state[quarter.a] ?? 0;
  let b = state[quarter.b] ?? 0;
  let c = state[quarter.c] ?? 0;
  let d = state[quarter.d] ?? 0;
  a = (a + b) | 0;
  d = rotated(d ^ a, 16);
  c = (c + d) | 0;
  b = rotated(b ^ c, 12);
  a = (a + b) | 0;
  d = rotated(d ^ a, 8);
  c = (c + d) | 0;
  b = rotated(b ^ c, 7);
  state[quarter.a] = a;
  state[quarter.b] = b;
  state[quarter.c] = c;
  state[quarter.d] = d;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
