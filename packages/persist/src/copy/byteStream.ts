/** Takes as many bytes at a time as are asked for from parts of any length. */
export class ByteStream {
  readonly #parts: AsyncIterator<Uint8Array>;
  #waiting: Uint8Array[] = [];
  #length = 0;

  constructor(parts: AsyncIterable<Uint8Array>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, `undefined` when there are fewer. */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.#length < length) {
      const next = await this.#parts.next();
      if (next.done === true) return undefined;
      this.#waiting.push(next.value);
      this.#length += next.value.length;
    }
    const taken = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const part = this.#waiting[0] ?? new Uint8Array(0);
      const used = part.subarray(0, length - at);
      taken.set(used, at);
      at += used.length;
      if (used.length === part.length) this.#waiting.shift();
      else this.#waiting[0] = part.subarray(used.length);
    }
    this.#length -= length;
    return taken;
  }
}
