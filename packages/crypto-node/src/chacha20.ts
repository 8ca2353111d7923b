const blockLength = 64;
/** "expand 32-byte k" */
const constants = Int32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
const keyStart = 4;
const counterAt = 12;
const nonceStart = 13;

/** ChaCha20 (RFC 8439, 2.4), in memory that is kept: to allocate it for each text would take longer than a short text. */
export class ChaCha20 {
  readonly #state = new Int32Array(16);
  readonly #stream = new Int32Array(16);

  constructor() {
    this.#state.set(constants);
  }

  /**
   * XORs the stream onto `data`, in place, from the stream's block `counter` on. `key` has 32 bytes, `nonce` 12; the
   * counter wraps around at 2^32.
   */
  xor(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, counter: number): void {
    const state = this.#state;
    const stream = this.#stream;
    for (let i = 0; i < 8; i++) state[keyStart + i] = wordAt(key, 4 * i);
    state[counterAt] = counter;
    for (let i = 0; i < 3; i++) state[nonceStart + i] = wordAt(nonce, 4 * i);
    for (let offset = 0; offset < data.length; offset += blockLength) {
      applyRounds(state, stream);
      for (let i = 0; i < 16; i++) stream[i] = (stream[i] ?? 0) + (state[i] ?? 0);
      xorBlock(stream, data, offset);
      state[counterAt] = (state[counterAt] ?? 0) + 1;
    }
    state.fill(0, keyStart);
    stream.fill(0);
  }
}

/** Four bytes, little-endian, as a signed number. */
export function wordAt(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] ?? 0) |
    ((bytes[offset + 1] ?? 0) << 8) |
    ((bytes[offset + 2] ?? 0) << 16) |
    ((bytes[offset + 3] ?? 0) << 24)
  );
}

/** As much of `data` from `offset` on as there is, up to a block. */
function xorBlock(stream: Int32Array, data: Uint8Array, offset: number): void {
  const length = Math.min(blockLength, data.length - offset);
  const words = length >> 2;
  for (let i = 0; i < words; i++) {
    const word = stream[i] ?? 0;
    const at = offset + 4 * i;
    data[at] = (data[at] ?? 0) ^ word;
    data[at + 1] = (data[at + 1] ?? 0) ^ (word >> 8);
    data[at + 2] = (data[at + 2] ?? 0) ^ (word >> 16);
    data[at + 3] = (data[at + 3] ?? 0) ^ (word >> 24);
  }
  for (let i = 4 * words; i < length; i++) {
    data[offset + i] = (data[offset + i] ?? 0) ^ ((stream[words] ?? 0) >> (8 * (i & 3)));
  }
}

/**
 * Twenty rounds, of columns and diagonals in turn (RFC 8439, 2.3). Written out, because words that have names stay in
 * registers: as quarter rounds over an array they take three times as long.
 */
function applyRounds(state: Int32Array, stream: Int32Array): void {
  let a0 = state[0] ?? 0;
  let a1 = state[1] ?? 0;
  let a2 = state[2] ?? 0;
  let a3 = state[3] ?? 0;
  let b0 = state[4] ?? 0;
  let b1 = state[5] ?? 0;
  let b2 = state[6] ?? 0;
  let b3 = state[7] ?? 0;
  let c0 = state[8] ?? 0;
  let c1 = state[9] ?? 0;
  let c2 = state[10] ?? 0;
  let c3 = state[11] ?? 0;
  let d0 = state[12] ?? 0;
  let d1 = state[13] ?? 0;
  let d2 = state[14] ?? 0;
  let d3 = state[15] ?? 0;
  for (let round = 0; round < 20; round += 2) {
    a0 = (a0 + b0) | 0;
    d0 = rotated(d0 ^ a0, 16);
    c0 = (c0 + d0) | 0;
    b0 = rotated(b0 ^ c0, 12);
    a0 = (a0 + b0) | 0;
    d0 = rotated(d0 ^ a0, 8);
    c0 = (c0 + d0) | 0;
    b0 = rotated(b0 ^ c0, 7);
    a1 = (a1 + b1) | 0;
    d1 = rotated(d1 ^ a1, 16);
    c1 = (c1 + d1) | 0;
    b1 = rotated(b1 ^ c1, 12);
    a1 = (a1 + b1) | 0;
    d1 = rotated(d1 ^ a1, 8);
    c1 = (c1 + d1) | 0;
    b1 = rotated(b1 ^ c1, 7);
    a2 = (a2 + b2) | 0;
    d2 = rotated(d2 ^ a2, 16);
    c2 = (c2 + d2) | 0;
    b2 = rotated(b2 ^ c2, 12);
    a2 = (a2 + b2) | 0;
    d2 = rotated(d2 ^ a2, 8);
    c2 = (c2 + d2) | 0;
    b2 = rotated(b2 ^ c2, 7);
    a3 = (a3 + b3) | 0;
    d3 = rotated(d3 ^ a3, 16);
    c3 = (c3 + d3) | 0;
    b3 = rotated(b3 ^ c3, 12);
    a3 = (a3 + b3) | 0;
    d3 = rotated(d3 ^ a3, 8);
    c3 = (c3 + d3) | 0;
    b3 = rotated(b3 ^ c3, 7);

    a0 = (a0 + b1) | 0;
    d3 = rotated(d3 ^ a0, 16);
    c2 = (c2 + d3) | 0;
    b1 = rotated(b1 ^ c2, 12);
    a0 = (a0 + b1) | 0;
    d3 = rotated(d3 ^ a0, 8);
    c2 = (c2 + d3) | 0;
    b1 = rotated(b1 ^ c2, 7);
    a1 = (a1 + b2) | 0;
    d0 = rotated(d0 ^ a1, 16);
    c3 = (c3 + d0) | 0;
    b2 = rotated(b2 ^ c3, 12);
    a1 = (a1 + b2) | 0;
    d0 = rotated(d0 ^ a1, 8);
    c3 = (c3 + d0) | 0;
    b2 = rotated(b2 ^ c3, 7);
    a2 = (a2 + b3) | 0;
    d1 = rotated(d1 ^ a2, 16);
    c0 = (c0 + d1) | 0;
    b3 = rotated(b3 ^ c0, 12);
    a2 = (a2 + b3) | 0;
    d1 = rotated(d1 ^ a2, 8);
    c0 = (c0 + d1) | 0;
    b3 = rotated(b3 ^ c0, 7);
    a3 = (a3 + b0) | 0;
    d2 = rotated(d2 ^ a3, 16);
    c1 = (c1 + d2) | 0;
    b0 = rotated(b0 ^ c1, 12);
    a3 = (a3 + b0) | 0;
    d2 = rotated(d2 ^ a3, 8);
    c1 = (c1 + d2) | 0;
    b0 = rotated(b0 ^ c1, 7);
  }
  stream[0] = a0;
  stream[1] = a1;
  stream[2] = a2;
  stream[3] = a3;
  stream[4] = b0;
  stream[5] = b1;
  stream[6] = b2;
  stream[7] = b3;
  stream[8] = c0;
  stream[9] = c1;
  stream[10] = c2;
  stream[11] = c3;
  stream[12] = d0;
  stream[13] = d1;
  stream[14] = d2;
  stream[15] = d3;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
