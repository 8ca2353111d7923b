import { noBytes } from "../util/bytes.ts";

/**
 * Cuts a stream that arrives in chunks of any size into pieces of lengths that are known one by one. Holds back one
 * unfinished piece at most, and copies only what belongs to it: a piece that lies whole in a chunk is a view of it.
 */
export class StreamCutter {
  #chunk: Uint8Array = noBytes;
  #offset = 0;
  #piece: Uint8Array | undefined;
  #filled = 0;

  /** The next bytes of the stream. All pieces of the previous chunk must have been taken. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next `length` bytes, valid until the chunk is written to; or `undefined` when they have not all arrived, and
   * then the same length must be asked for after the next chunk.
   */
  take(length: number): Uint8Array | undefined {
    const available = this.#chunk.length - this.#offset;
    if (this.#piece === undefined && available >= length) return this.#advance(length);
    this.#piece ??= new Uint8Array(length);
    const part = this.#advance(Math.min(available, length - this.#filled));
    this.#piece.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < length) {
      this.#chunk = noBytes;
      this.#offset = 0;
      return undefined;
    }
    const piece = this.#piece;
    this.#piece = undefined;
    this.#filled = 0;
    return piece;
  }

  #advance(length: number): Uint8Array {
    const start = this.#offset;
    this.#offset += length;
    return this.#chunk.subarray(start, this.#offset);
  }
}
