/** Appends Bitcoin's little-endian values to bytes that grow as needed. A value out of range is a `RangeError`. */
export class ByteWriter {
  #bytes: Uint8Array;
  /** Of `#bytes`; made when first needed. */
  #view: DataView | undefined;
  #length = 0;

  /** `capacity` is allocated at once; give the exact size where it is known. */
  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    return this.#littleEndian(inRange(value, 0, 0xff), 1);
  }

  u16(value: number): this {
    return this.#littleEndian(inRange(value, 0, 0xffff), 2);
  }

  u32(value: number): this {
    return this.#littleEndian(inRange(value, 0, 0xffff_ffff), 4);
  }

  i32(value: number): this {
    return this.#littleEndian(inRange(value, -0x8000_0000, 0x7fff_ffff), 4);
  }

  u64(value: bigint): this {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`not a u64: ${value}`);
    const at = this.#grow(8);
    this.#view ??= new DataView(this.#bytes.buffer);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  compactSize(value: number): this {
    if (value < 0xfd) return this.u8(value);
    if (value <= 0xffff) return this.u8(0xfd).u16(value);
    if (value <= 0xffff_ffff) return this.u8(0xfe).u32(value);
    return this.u8(0xff).u64(BigInt(value));
  }

  /** A byte string behind its compact size. */
  varBytes(value: Uint8Array): this {
    return this.compactSize(value.length).bytes(value);
  }

  /** What was written; the writer must not be used any more. */
  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  /** The lowest `length` bytes of `value`, at most 4. */
  #littleEndian(value: number, length: number): this {
    const start = this.#grow(length);
    for (let i = 0; i < length; i++) this.#bytes[start + i] = value >>> (8 * i);
    return this;
  }

  /** Makes room for `length` more bytes and gives the offset at which they go. */
  #grow(length: number): number {
    const start = this.#length;
    const end = start + length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = undefined;
    }
    this.#length = end;
    return start;
  }
}

/** Bytes that `value` takes as a compact size. */
export function compactSizeLength(value: number): number {
  if (value < 0xfd) return 1;
  if (value <= 0xffff) return 3;
  return value <= 0xffff_ffff ? 5 : 9;
}

function inRange(value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`not an integer in ${least}..${most}: ${value}`);
  }
  return value;
}
