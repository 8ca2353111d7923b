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

/** The words of each quarter round: columns, then diagonals. */
const quarterRounds: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

function keyStreamBlock(start: Uint32Array): DataView {
  const state = start.slice();
  const mix = (target: number, source: number, [turned, bits]: readonly [number, number]) => {
    state[target] = (state[target] ?? 0) + (state[source] ?? 0);
    const word = (state[turned] ?? 0) ^ (state[target] ?? 0);
    state[turned] = (word << bits) | (word >>> (32 - bits));
  };
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of quarterRounds) {
      mix(a, b, [d, 16]);
      mix(c, d, [b, 12]);
      mix(a, b, [d, 8]);
      mix(c, d, [b, 7]);
    }
  }
  const block = new DataView(new ArrayBuffer(64));
  for (let word = 0; word < 16; word++) {
    block.setUint32(word * 4, (state[word] ?? 0) + (start[word] ?? 0), true);
  }
  return block;
}
