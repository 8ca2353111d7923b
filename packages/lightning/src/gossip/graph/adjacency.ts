import { InvariantError } from "../../util/invariant.ts";
import { Blocks, sizeClassFor, sizeOfClass } from "./blocks.ts";
import { grownBytes, grownLength, grownWords } from "./columnGrowth.ts";

/**
 * The edges that lead into each node: a block for each node in one array, with room behind them. In a block those that
 * can be taken come first, so that a search never looks at the others.
 */
export class Adjacency {
  /** By node counter: where its block starts in `edges`. */
  starts: Uint32Array = new Uint32Array(0);
  /** By node counter: how many edges there are. */
  counts: Uint32Array = new Uint32Array(0);
  /** By node counter: how many of them, the first ones, can be taken. */
  usableCounts: Uint32Array = new Uint32Array(0);
  edges: Uint32Array = new Uint32Array(0);
  /** By place in `edges`: the node that the edge comes from. */
  sources: Uint32Array = new Uint32Array(0);
  /** By node counter: one more than the class of its block; 0 without a block. */
  #blockClasses: Uint8Array = new Uint8Array(0);
  readonly #blocks = new Blocks();

  /** Adds an edge that comes from `source` to a node's block, which moves when it is full. */
  add(counter: number, edge: number, { source, isUsable }: { source: number; isUsable: boolean }): void {
    if (counter >= this.counts.length) this.#growNodes(counter + 1);
    const count = this.counts[counter] ?? 0;
    const blockClass = this.#blockClasses[counter] ?? 0;
    if (blockClass === 0 || count === sizeOfClass(blockClass - 1)) {
      this.#moveBlock(counter, count + (count >> 1) + 1);
    }
    const at = (this.starts[counter] ?? 0) + count;
    this.edges[at] = edge;
    this.sources[at] = source;
    this.counts[counter] = count + 1;
    if (isUsable) this.setUsable(counter, edge, true);
  }

  /** Whether an edge can be taken. */
  setUsable(counter: number, edge: number, isUsable: boolean): void {
    const at = this.#placeOf(counter, edge);
    const usable = this.usableCounts[counter] ?? 0;
    const isAmongThem = at < (this.starts[counter] ?? 0) + usable;
    if (isUsable === isAmongThem) return;
    const border = (this.starts[counter] ?? 0) + (isUsable ? usable : usable - 1);
    this.#swap(at, border);
    this.usableCounts[counter] = isUsable ? usable + 1 : usable - 1;
  }

  /** Removes an edge; the last one takes its place. The block of a node without edges is given back. */
  remove(counter: number, edge: number): void {
    this.setUsable(counter, edge, false);
    const start = this.starts[counter] ?? 0;
    const count = this.counts[counter] ?? 0;
    this.#swap(this.#placeOf(counter, edge), start + count - 1);
    this.counts[counter] = count - 1;
    if (count > 1) return;
    this.#blocks.giveBack(start, (this.#blockClasses[counter] ?? 0) - 1);
    this.#blockClasses[counter] = 0;
  }

  /** From the end on: terms mostly come soon after their channel. */
  #placeOf(counter: number, edge: number): number {
    const start = this.starts[counter] ?? 0;
    for (let at = start + (this.counts[counter] ?? 0) - 1; at >= start; at--) {
      if (this.edges[at] === edge) return at;
    }
    throw new InvariantError(`edge ${edge} does not lead into node ${counter}`);
  }

  #swap(one: number, other: number): void {
    const edge = this.edges[one] ?? 0;
    const source = this.sources[one] ?? 0;
    this.edges[one] = this.edges[other] ?? 0;
    this.sources[one] = this.sources[other] ?? 0;
    this.edges[other] = edge;
    this.sources[other] = source;
  }

  /** A copy of the edges that lead into a node. */
  edgesInto(counter: number): Uint32Array {
    const start = this.starts[counter] ?? 0;
    return this.edges.slice(start, start + (this.counts[counter] ?? 0));
  }

  /** Makes room for nodes that are to come, `counts` edges for each counter from 0 on; none of them is 0. */
  reserve(counts: Uint32Array): void {
    this.#growNodes(counts.length);
    let total = 0;
    for (const count of counts) total += sizeOfClass(sizeClassFor(count));
    this.#growEdges(this.#blocks.end + total);
    for (let counter = 0; counter < counts.length; counter++) {
      this.#moveBlock(counter, counts[counter] ?? 0);
    }
  }

  /** Gives a node a block for at least `needed` edges, in place of the one that it has. */
  #moveBlock(counter: number, needed: number): void {
    const sizeClass = sizeClassFor(needed);
    const from = this.starts[counter] ?? 0;
    const to = this.#blocks.take(sizeClass);
    if (this.#blocks.end > this.edges.length) {
      this.#growEdges(grownLength(this.edges.length, this.#blocks.end));
    }
    const blockClass = this.#blockClasses[counter] ?? 0;
    if (blockClass > 0) {
      for (let i = 0; i < (this.counts[counter] ?? 0); i++) {
        this.edges[to + i] = this.edges[from + i] ?? 0;
        this.sources[to + i] = this.sources[from + i] ?? 0;
      }
      this.#blocks.giveBack(from, blockClass - 1);
    }
    this.starts[counter] = to;
    this.#blockClasses[counter] = sizeClass + 1;
  }

  #growEdges(length: number): void {
    this.edges = grownWords(this.edges, length);
    this.sources = grownWords(this.sources, length);
  }

  #growNodes(needed: number): void {
    const length = grownLength(this.counts.length, needed);
    this.starts = grownWords(this.starts, length);
    this.counts = grownWords(this.counts, length);
    this.usableCounts = grownWords(this.usableCounts, length);
    this.#blockClasses = grownBytes(this.#blockClasses, length);
  }
}
