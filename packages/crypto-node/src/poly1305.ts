import { wordAt } from "./chacha20.ts";

/*
 * A number of 130 bits is six limbs of 22 bits. Sums of six products of limbs are exact as floating-point numbers, which
 * end at 2^53: a limb is below 2^24 when it is multiplied, and 20 times a limb of the key is below 2^27.
 */
const limbCount = 6;
const limbMask = 0x3fffff;
const limbSize = 0x400000;
const inverse = 1 / limbSize;
/** The top limb has the bits 110 to 129. */
const topLimbSize = 1 << 20;
/** In the top limb, the bit behind the 128 of a block. */
const blockEnd = 1 << 18;
const blockLength = 16;

/**
 * Poly1305 (RFC 8439, 2.5), one message after the other in memory that is kept. A message is some texts, each padded with
 * zeros to whole blocks, as the AEAD (2.8) has them.
 */
export class Poly1305 {
  readonly #factor = new Float64Array(limbCount);
  readonly #sum = new Float64Array(limbCount);
  readonly #less = new Float64Array(limbCount);
  readonly #addend = new Int32Array(4);
  readonly #padded = new Uint8Array(blockLength);

  /** Begins a message. `key`: 32 bytes, for this message only. */
  start(key: Uint8Array): void {
    const w0 = wordAt(key, 0) & 0x0fffffff;
    const w1 = wordAt(key, 4) & 0x0ffffffc;
    const w2 = wordAt(key, 8) & 0x0ffffffc;
    const w3 = wordAt(key, 12) & 0x0ffffffc;
    const factor = this.#factor;
    factor[0] = w0 & limbMask;
    factor[1] = ((w0 >>> 22) | (w1 << 10)) & limbMask;
    factor[2] = ((w1 >>> 12) | (w2 << 20)) & limbMask;
    factor[3] = (w2 >>> 2) & limbMask;
    factor[4] = ((w2 >>> 24) | (w3 << 8)) & limbMask;
    factor[5] = w3 >>> 14;
    for (let i = 0; i < 4; i++) this.#addend[i] = wordAt(key, 16 + 4 * i);
    this.#sum.fill(0);
  }

  update(text: Uint8Array): void {
    const whole = text.length - (text.length % blockLength);
    absorb(this.#sum, this.#factor, text, whole);
    if (whole === text.length) return;
    this.#padded.fill(0);
    for (let i = whole; i < text.length; i++) this.#padded[i - whole] = text[i] ?? 0;
    absorb(this.#sum, this.#factor, this.#padded, blockLength);
  }

  /** Ends the message: its tag goes to the 16 bytes of `target` from `offset` on. */
  finish(target: Uint8Array, offset: number): void {
    const number = this.#reduced();
    const h0 = number[0] ?? 0;
    const h1 = number[1] ?? 0;
    const h2 = number[2] ?? 0;
    const h3 = number[3] ?? 0;
    const h4 = number[4] ?? 0;
    const h5 = number[5] ?? 0;
    const addend = this.#addend;
    let sum = ((h0 | (h1 << 22)) >>> 0) + ((addend[0] ?? 0) >>> 0);
    setWord(target, offset, sum);
    sum = carryOf(sum) + (((h1 >>> 10) | (h2 << 12)) >>> 0) + ((addend[1] ?? 0) >>> 0);
    setWord(target, offset + 4, sum);
    sum = carryOf(sum) + (((h2 >>> 20) | (h3 << 2) | (h4 << 24)) >>> 0) + ((addend[2] ?? 0) >>> 0);
    setWord(target, offset + 8, sum);
    sum = carryOf(sum) + (((h4 >>> 8) | (h5 << 14)) >>> 0) + ((addend[3] ?? 0) >>> 0);
    setWord(target, offset + 12, sum);
    this.#factor.fill(0);
    addend.fill(0);
  }

  /** The sum modulo 2^130 - 5, in limbs of 22 bits. */
  #reduced(): Float64Array {
    const sum = this.#sum;
    // 2^130 is 5. The second time, next to nothing can have been left.
    for (let i = 0; i < 2; i++) {
      const beyond = carry(sum);
      sum[0] = (sum[0] ?? 0) + 5 * beyond;
    }
    // Now below 2^130, and below the modulus as well unless 5 more are not.
    const less = this.#less;
    less.set(sum);
    less[0] = (less[0] ?? 0) + 5;
    return carry(less) === 0 ? sum : less;
  }
}

/** For each block before `end`: `sum = (sum + block) * factor`, modulo 2^130 - 5, with limbs that may be somewhat larger. */
function absorb(sum: Float64Array, factor: Float64Array, text: Uint8Array, end: number): void {
  const r0 = factor[0] ?? 0;
  const r1 = factor[1] ?? 0;
  const r2 = factor[2] ?? 0;
  const r3 = factor[3] ?? 0;
  const r4 = factor[4] ?? 0;
  const r5 = factor[5] ?? 0;
  // 2^132 is 20.
  const s1 = 20 * r1;
  const s2 = 20 * r2;
  const s3 = 20 * r3;
  const s4 = 20 * r4;
  const s5 = 20 * r5;
  let h0 = sum[0] ?? 0;
  let h1 = sum[1] ?? 0;
  let h2 = sum[2] ?? 0;
  let h3 = sum[3] ?? 0;
  let h4 = sum[4] ?? 0;
  let h5 = sum[5] ?? 0;
  for (let offset = 0; offset < end; offset += blockLength) {
    const w0 = wordAt(text, offset);
    const w1 = wordAt(text, offset + 4);
    const w2 = wordAt(text, offset + 8);
    const w3 = wordAt(text, offset + 12);
    h0 += w0 & limbMask;
    h1 += ((w0 >>> 22) | (w1 << 10)) & limbMask;
    h2 += ((w1 >>> 12) | (w2 << 20)) & limbMask;
    h3 += (w2 >>> 2) & limbMask;
    h4 += ((w2 >>> 24) | (w3 << 8)) & limbMask;
    h5 += (w3 >>> 14) + blockEnd;
    let p0 = h0 * r0 + h1 * s5 + h2 * s4 + h3 * s3 + h4 * s2 + h5 * s1;
    let p1 = h0 * r1 + h1 * r0 + h2 * s5 + h3 * s4 + h4 * s3 + h5 * s2;
    let p2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s5 + h4 * s4 + h5 * s3;
    let p3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s5 + h5 * s4;
    let p4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + h5 * s5;
    let p5 = h0 * r5 + h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1 + h5 * r0;
    // From the first limb and from the fourth on at once, so that neither waits for the other.
    let low = Math.floor(p0 * inverse);
    let high = Math.floor(p3 * inverse);
    p0 -= low * limbSize;
    p1 += low;
    p3 -= high * limbSize;
    p4 += high;
    low = Math.floor(p1 * inverse);
    high = Math.floor(p4 * inverse);
    h1 = p1 - low * limbSize;
    p2 += low;
    p4 -= high * limbSize;
    p5 += high;
    low = Math.floor(p2 * inverse);
    high = Math.floor(p5 * inverse);
    h2 = p2 - low * limbSize;
    p3 += low;
    h5 = p5 - high * limbSize;
    p0 += 20 * high;
    low = Math.floor(p3 * inverse);
    high = Math.floor(p0 * inverse);
    h3 = p3 - low * limbSize;
    h4 = p4 + low;
    h0 = p0 - high * limbSize;
    h1 += high;
  }
  sum[0] = h0;
  sum[1] = h1;
  sum[2] = h2;
  sum[3] = h3;
  sum[4] = h4;
  sum[5] = h5;
}

/** Moves what a limb has too much to the next one; takes away, and returns, what is beyond bit 129. */
function carry(number: Float64Array): number {
  let moved = 0;
  for (let i = 0; i < limbCount; i++) {
    const limb = (number[i] ?? 0) + moved;
    const size = i === limbCount - 1 ? topLimbSize : limbSize;
    moved = Math.floor(limb / size);
    number[i] = limb - moved * size;
  }
  return moved;
}

function carryOf(sum: number): number {
  return sum > 0xffff_ffff ? 1 : 0;
}

function setWord(target: Uint8Array, offset: number, word: number): void {
  for (let i = 0; i < 4; i++) target[offset + i] = (word | 0) >> (8 * i);
}
