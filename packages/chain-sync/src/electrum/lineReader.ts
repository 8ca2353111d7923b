import { ChainSourceError } from "../chainSourceError.ts";

const newline = 0x0a;
const firstRoom = 4_096;

/**
 * Puts lines together from pieces of a stream, and keeps no more than one line's bytes, however small the pieces are.
 * `onLine` may call `stop`.
 */
export class LineReader {
  readonly #maxLength: number;
  readonly #onLine: (line: string) => void;
  readonly #text = new TextDecoder("utf-8", { fatal: true });
  /** The beginning of a line whose end has not come yet: the first `#length` bytes. */
  #room = new Uint8Array(0);
  #length = 0;
  #isStopped = false;

  constructor(maxLength: number, onLine: (line: string) => void) {
    this.#maxLength = maxLength;
    this.#onLine = onLine;
  }

  /**
   * Gives the lines that end in `bytes`. Throws `ChainSourceError` (`invalid-answer`) when one is no text, or too long.
   */
  read(bytes: Uint8Array): void {
    for (let start = 0; !this.#isStopped; ) {
      const end = bytes.indexOf(newline, start);
      const piece = bytes.subarray(start, end < 0 ? bytes.length : end);
      if (this.#length + piece.length > this.#maxLength) throw tooLong(this.#maxLength);
      if (end < 0) {
        this.#keep(piece);
        return;
      }
      this.#onLine(this.#decoded(this.#finish(piece)));
      start = end + 1;
    }
  }

  /** No more lines are wanted. */
  stop(): void {
    this.#isStopped = true;
    this.#room = new Uint8Array(0);
    this.#length = 0;
  }

  #keep(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#room.length) {
      const room = new Uint8Array(Math.max(firstRoom, Math.min(2 * length, this.#maxLength)));
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    this.#room.set(piece, this.#length);
    this.#length = length;
  }

  #finish(piece: Uint8Array): Uint8Array {
    if (this.#length === 0) return piece;
    this.#keep(piece);
    const line = this.#room.subarray(0, this.#length);
    this.#length = 0;
    // One long line does not hold its room for ever.
    if (this.#room.length > 16 * firstRoom) this.#room = new Uint8Array(0);
    return line;
  }

  #decoded(line: Uint8Array): string {
    try {
      return this.#text.decode(line);
    } catch {
      throw new ChainSourceError(
        "invalid-answer",
        "the server sends bytes that are no text",
        "check that the address is that of an Electrum server, and that tcp: and ssl: are not mixed up",
      );
    }
  }
}

/** What ends a connection whose server sends a line of more bytes than we take. */
export function tooLong(maxLength: number): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `the server sends a line of more than ${maxLength} bytes`,
    "use another server",
  );
}
