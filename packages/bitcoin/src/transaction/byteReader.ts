import { BitcoinDecodeError } from "./decodeError.ts";

const empty: Uint8Array = new Uint8Array(0);

/** Reads Bitcoin's little-endian values from bytes, never past their end. Byte strings are copied out. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** A copy of the next `length` bytes; the length is checked against what is there before anything is allocated. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return length === 0 ? empty : this.#bytes.slice(start, start + length);
  }

  /** Bitcoin's variable length integer, in its shortest form only and below 2^53, which no input's length reaches. */
  compactSize(): number {
    const first = this.u8();
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.#canonical(this.u16(), 0xfd);
    if (first === 0xfe) return this.#canonical(this.u32(), 0x1_0000);
    const wide = this.u64();
    if (wide > 0x1f_ffff_ffff_ffffn) throw this.error("compact size beyond any input");
    return this.#canonical(Number(wide), 0x1_0000_0000);
  }

  /** A compact size that counts things of at least `leastSize` bytes each: refused when they cannot all be there. */
  count(leastSize: number): number {
    const count = this.compactSize();
    if (count * leastSize > this.remaining) {
      throw this.error(`${count} elements of ${leastSize} bytes or more, ${this.remaining} bytes left`);
    }
    return count;
  }

  /** A byte string behind its compact size. */
  varBytes(): Uint8Array {
    return this.bytes(this.compactSize());
  }

  /** Throws unless all bytes were read. */
  expectEnd(): void {
    if (this.remaining !== 0) throw this.error(`${this.remaining} trailing bytes`);
  }

  error(reason: string): BitcoinDecodeError {
    return new BitcoinDecodeError(reason, this.#offset);
  }

  #advance(length: number): number {
    if (length > this.remaining) throw this.error(`needs ${length} bytes, ${this.remaining} left`);
    const start = this.#offset;
    this.#offset = start + length;
    return start;
  }

  #canonical(value: number, least: number): number {
    if (value < least) throw this.error("compact size is not in its shortest form");
    return value;
  }
}
