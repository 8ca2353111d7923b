import { utf8 } from "@scure/base";
import { DecodeError } from "./decodeError.ts";

/** Reads big-endian values from bytes, never past their end. Byte strings are copied out, but for `restInPlace`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length, view = viewOf(bytes)) {
    // The `slice` of a subclass (Node's Buffer) need not copy.
    this.#bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = view;
    this.#offset = start;
    this.#end = end;
  }

  /** Bytes read so far, counted from the start of the whole input. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  s64(): bigint {
    return this.#view.getBigInt64(this.#advance(8));
  }

  /** A copy of the next `length` bytes; the length is checked against what is there before anything is allocated. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  /** A copy of all that remains. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** All that remains: the input's own bytes. */
  restInPlace(): Uint8Array {
    const start = this.#advance(this.remaining);
    return this.#bytes.subarray(start, this.#end);
  }

  /** BOLT 1 `bigsize`: canonical only. */
  bigSize(): bigint {
    const first = this.u8();
    if (first < 0xfd) return BigInt(first);
    if (first === 0xfd) return this.#canonical(BigInt(this.u16()), 0xfdn);
    if (first === 0xfe) return this.#canonical(BigInt(this.u32()), 0x1_0000n);
    return this.#canonical(this.u64(), 0x1_0000_0000n);
  }

  /**
   * A big-endian integer without leading zero bytes that takes up all that remains, at most `maxBytes` (BOLT 1,
   * tu16/32/64).
   */
  truncated(maxBytes: number): bigint {
    const length = this.remaining;
    if (length > maxBytes) throw this.error(`truncated integer of ${length} bytes, at most ${maxBytes}`);
    let value = 0n;
    for (let i = 0; i < length; i++) {
      const byte = this.u8();
      if (i === 0 && byte === 0) throw this.error("truncated integer with a leading zero");
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }

  /** The next `length` bytes as UTF-8 text. */
  utf8(length: number): string {
    try {
      return utf8.encode(this.bytes(length));
    } catch (cause) {
      if (cause instanceof DecodeError) throw cause;
      throw this.error("not valid UTF-8");
    }
  }

  /** A reader of the next `length` bytes only; this one continues behind them. */
  sub(length: number): Reader {
    const start = this.#advance(length);
    return new Reader(this.#bytes, start, start + length, this.#view);
  }

  /** Throws unless all bytes were read. */
  expectEnd(): void {
    if (this.remaining !== 0) throw this.error(`${this.remaining} trailing bytes`);
  }

  error(reason: string, field = ""): DecodeError {
    return new DecodeError(reason, this.#offset, field);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#end - start) throw this.error(`needs ${length} bytes, ${this.#end - start} left`);
    this.#offset = start + length;
    return start;
  }

  #canonical(value: bigint, least: bigint): bigint {
    if (value < least) throw this.error("bigsize is not in its shortest form");
    return value;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
