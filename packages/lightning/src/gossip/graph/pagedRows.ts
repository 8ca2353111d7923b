/** Rows of bytes, all of one length, on pages that come to be when first written to: a column that may stay empty. */
export class PagedRows {
  readonly #width: number;
  readonly #pages: (Uint8Array | undefined)[] = [];

  /** `width`: bytes of a row. */
  constructor(width: number) {
    this.#width = width;
  }

  /** The row's own bytes, for writing: zeros, or what was written there before. */
  row(index: number): Uint8Array {
    const page = index >>> pageBits;
    while (this.#pages.length <= page) this.#pages.push(undefined);
    const bytes = this.#pages[page] ?? new Uint8Array(this.#width << pageBits);
    this.#pages[page] = bytes;
    const start = (index & (rowsPerPage - 1)) * this.#width;
    return bytes.subarray(start, start + this.#width);
  }
}

const pageBits = 8;
const rowsPerPage = 1 << pageBits;
