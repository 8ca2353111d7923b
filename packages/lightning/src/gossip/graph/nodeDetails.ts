import { Blocks, sizeClassFor } from "./blocks.ts";
import { grownBytes, grownLength, grownWords } from "./columnGrowth.ts";

/** Bytes are handed out in so many at a time. */
const unit = 16;

/** What nodes say of themselves, by counter: the bytes of their announcements, one behind another. */
export class NodeDetails {
  /** In units. */
  #starts: Uint32Array = new Uint32Array(0);
  /** In bytes; 0 where there is nothing. */
  #lengths: Uint32Array = new Uint32Array(0);
  /** Seconds since 1970, as the node says. */
  #lastUpdates: Uint32Array = new Uint32Array(0);
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #blocks = new Blocks();

  /** Seconds since 1970, as the node says; undefined when it has said nothing. */
  lastUpdate(counter: number): number | undefined {
    return (this.#lengths[counter] ?? 0) === 0 ? undefined : this.#lastUpdates[counter];
  }

  /** The bytes that are kept; the table's own, valid until the next change. */
  bytesOf(counter: number): Uint8Array {
    const start = (this.#starts[counter] ?? 0) * unit;
    return this.#bytes.subarray(start, start + (this.#lengths[counter] ?? 0));
  }

  /** Keeps a copy of `bytes`, which are not none, in place of those before. */
  keep(counter: number, lastUpdate: number, bytes: Uint8Array): void {
    this.drop(counter);
    if (counter >= this.#lengths.length) this.#grow(counter + 1);
    const start = this.#blocks.take(sizeClassOf(bytes.length));
    if (this.#blocks.end * unit > this.#bytes.length) {
      this.#bytes = grownBytes(this.#bytes, grownLength(this.#bytes.length, this.#blocks.end * unit));
    }
    this.#bytes.set(bytes, start * unit);
    this.#starts[counter] = start;
    this.#lengths[counter] = bytes.length;
    this.#lastUpdates[counter] = lastUpdate;
  }

  /** Forgets what a node has said, if anything. */
  drop(counter: number): void {
    const length = this.#lengths[counter] ?? 0;
    if (length === 0) return;
    this.#blocks.giveBack(this.#starts[counter] ?? 0, sizeClassOf(length));
    this.#lengths[counter] = 0;
  }

  #grow(needed: number): void {
    const length = grownLength(this.#lengths.length, needed);
    this.#starts = grownWords(this.#starts, length);
    this.#lengths = grownWords(this.#lengths, length);
    this.#lastUpdates = grownWords(this.#lastUpdates, length);
  }
}

function sizeClassOf(length: number): number {
  return sizeClassFor(Math.ceil(length / unit));
}
