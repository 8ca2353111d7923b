import { utf8 } from "@scure/base";
import { InvariantError } from "../util/invariant.ts";

/** Appends big-endian values to bytes that grow as needed. */
export class Writer {
  #bytes: Uint8Array;
  /** Of `#bytes`; made when first needed. */
  #view: DataView | undefined;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const offset = this.#grow(1);
    this.#bytes[offset] = inRange(value, 0xff);
    return this;
  }

  u16(value: number): this {
    this.#bigEndian(this.#grow(2), 2, inRange(value, 0xffff));
    return this;
  }

  u32(value: number): this {
    this.#bigEndian(this.#grow(4), 4, inRange(value, 0xffff_ffff));
    return this;
  }

  u64(value: bigint): this {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new InvariantError(`not a u64: ${value}`);
    const offset = this.#grow(8);
    this.#wide().setBigUint64(offset, value);
    return this;
  }

  s64(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw new InvariantError(`not an s64: ${value}`);
    const offset = this.#grow(8);
    this.#wide().setBigInt64(offset, value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const offset = this.#grow(value.length);
    this.#bytes.set(value, offset);
    return this;
  }

  bigSize(value: bigint | number): this {
    if (value < 0xfd) return this.u8(Number(value));
    const wide = BigInt(value);
    if (wide < 0x1_0000n) return this.u8(0xfd).u16(Number(wide));
    if (wide < 0x1_0000_0000n) return this.u8(0xfe).u32(Number(wide));
    return this.u8(0xff).u64(wide);
  }

  /** What `write` appends, behind its length as a `bigsize`. Nothing is copied unless it takes up 253 bytes or more. */
  withLength(write: (writer: this) => void): this {
    const start = this.#grow(1);
    write(this);
    const length = this.#length - start - 1;
    if (length < 0xfd) {
      this.#bytes[start] = length;
      return this;
    }
    const more = length < 0x1_0000 ? 2 : 4;
    this.#grow(more);
    this.#bytes.copyWithin(start + 1 + more, start + 1, start + 1 + length);
    this.#bytes[start] = more === 2 ? 0xfd : 0xfe;
    this.#bigEndian(start + 1, more, length);
    return this;
  }

  /** Big-endian in at most `maxBytes` bytes without leading zeros; zero is no byte at all (BOLT 1, tu16/32/64). */
  truncated(value: bigint, maxBytes = 8): this {
    const high = Number(value >> 32n);
    const low = Number(value & 0xffff_ffffn);
    const length = high > 0 ? 8 - (Math.clz32(high) >> 3) : 4 - (Math.clz32(low) >> 3);
    if (value < 0n || high > 0xffff_ffff || length > maxBytes) {
      throw new InvariantError(`not a tu${8 * maxBytes}: ${value}`);
    }
    const inHigh = Math.max(0, length - 4);
    this.#bigEndian(this.#grow(inHigh), inHigh, high);
    this.#bigEndian(this.#grow(length - inHigh), length - inHigh, low);
    return this;
  }

  utf8(text: string): this {
    return this.bytes(utf8.decode(text));
  }

  /** What was written. Nothing may be written any more. */
  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  /** A copy of what was written so far. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets what was written, but keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  #bigEndian(offset: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) this.#bytes[offset + i] = value >>> (8 * (size - 1 - i));
  }

  #wide(): DataView {
    this.#view ??= new DataView(this.#bytes.buffer);
    return this.#view;
  }

  /** Makes room, which may replace `#bytes` and `#view`: call it before either is looked at. */
  #grow(by: number): number {
    const start = this.#length;
    const needed = start + by;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 4));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#view = undefined;
    }
    this.#length = needed;
    return start;
  }
}

function inRange(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new InvariantError(`not in 0..${max}: ${value}`);
  return value;
}
