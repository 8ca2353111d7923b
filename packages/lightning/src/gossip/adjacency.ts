import { InvariantError } from "../util/invariant.ts";
import { Blocks, sizeClassFor, sizeOfClass } from "./blocks.ts";
import { grownBytes, grownLength, grownWords } from "./columnGrowth.ts";

/** The edges that lead into each node: a block for each node in one array, with room behind them. */
export class Adjacency {
  /** By node counter: where its block starts in `edges`. */
  starts: Uint32Array = new Uint32Array(0);
  /** By node counter: how many edges there are; 0 without a block. */
  counts: Uint32Array = new Uint32Array(0);
  edges: Uint32Array = new Uint32Array(0);
  #sizeClasses: Uint8Array = new Uint8Array(0);
  readonly #blocks = new Blocks();

  /** Appends an edge to a node's block, which moves when it is full. */
  add(counter: number, edge: number): void {
    if (counter >= this.counts.length) this.#growNodes(counter + 1);
    const count = this.counts[counter] ?? 0;
    if (count === 0 || count === sizeOfClass(this.#sizeClasses[counter] ?? 0)) {
      this.#move(counter, count, sizeClassFor(count + 1));
    }
    this.edges[(this.starts[counter] ?? 0) + count] = edge;
    this.counts[counter] = count + 1;
  }

  /** Removes an edge; the last one takes its place. The block of a node without edges is given back. */
  remove(counter: number, edge: number): void {
    const start = this.starts[counter] ?? 0;
    const count = this.counts[counter] ?? 0;
    const at = this.edges.subarray(start, start + count).indexOf(edge);
    if (at < 0) throw new InvariantError(`edge ${edge} does not lead into node ${counter}`);
    this.edges[start + at] = this.edges[start + count - 1] ?? 0;
    this.counts[counter] = count - 1;
    if (count === 1) this.#blocks.giveBack(start, this.#sizeClasses[counter] ?? 0);
  }

  /** A copy of the edges that lead into a node. */
  edgesInto(counter: number): Uint32Array {
    const start = this.starts[counter] ?? 0;
    return this.edges.slice(start, start + (this.counts[counter] ?? 0));
  }

  /** Makes room before many edges come. */
  reserve(nodes: number, edges: number): void {
    if (nodes > this.counts.length) this.#growNodes(nodes);
    if (edges > this.edges.length) this.edges = grownWords(this.edges, edges);
  }

  /** Gives a node, before its first edge, a block for so many. */
  reserveBlock(counter: number, count: number): void {
    this.#sizeClasses[counter] = sizeClassFor(count);
  }

  #move(counter: number, count: number, sizeClass: number): void {
    const from = this.starts[counter] ?? 0;
    const to = this.#blocks.take(sizeClass);
    if (this.#blocks.end > this.edges.length) {
      this.edges = grownWords(this.edges, grownLength(this.edges.length, this.#blocks.end));
    }
    this.edges.copyWithin(to, from, from + count);
    if (count > 0) this.#blocks.giveBack(from, this.#sizeClasses[counter] ?? 0);
    this.starts[counter] = to;
    this.#sizeClasses[counter] = sizeClass;
  }

  #growNodes(needed: number): void {
    const length = grownLength(this.counts.length, needed);
    this.starts = grownWords(this.starts, length);
    this.counts = grownWords(this.counts, length);
    this.#sizeClasses = grownBytes(this.#sizeClasses, length);
  }
}
