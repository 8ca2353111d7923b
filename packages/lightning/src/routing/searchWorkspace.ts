import { MinHeap } from "./minHeap.ts";

/**
 * The memory of a search, kept for the next one: allocated once. A search clears `keys`, which say what of the rest is
 * its own. One search at a time.
 */
export class SearchWorkspace {
  readonly queue: MinHeap = new MinHeap();
  /**
   * By node: what its best way on costs by the millisatoshi that reaches the payee. `Infinity` before there is one,
   * which makes the labels void; `-Infinity` once it has left the queue.
   */
  keys: Float64Array = new Float64Array(0);
  /** By node: what it costs at the least to come to it from the payer, likewise. */
  ahead: Float64Array = new Float64Array(0);
  /** The words of the nodes, `labelWord.count` for each: `labelWords[node * labelWord.count + labelWord.edge]`. */
  labelWords: Uint32Array = new Uint32Array(0);
  /** The same memory as doubles, `labelNumber.count` for each. */
  labelNumbers: Float64Array = new Float64Array(0);
  /** By edge: 1 where something is to be known beside what the graph says of it. */
  marks: Uint8Array = new Uint8Array(0);
  #stamp = 0;

  /** Makes room. What was there before is void. */
  reserve(nodeLimit: number, edgeLimit: number): void {
    if (this.labelNumbers.length < nodeLimit * labelNumber.count) {
      const buffer = new ArrayBuffer(Math.ceil(nodeLimit * spare) * labelNumber.count * 8);
      this.labelWords = new Uint32Array(buffer);
      this.labelNumbers = new Float64Array(buffer);
      this.keys = new Float64Array(Math.ceil(nodeLimit * spare));
      this.ahead = new Float64Array(Math.ceil(nodeLimit * spare));
    }
    if (this.marks.length < edgeLimit) this.marks = new Uint8Array(Math.ceil(edgeLimit * spare));
  }

  /** A stamp that no node bears. */
  nextStamp(): number {
    if (this.#stamp === 0xffff_ffff) {
      this.labelWords.fill(0);
      this.#stamp = 0;
    }
    this.#stamp++;
    return this.#stamp;
  }
}

/** Graphs grow: what is allocated is a little more than is needed. */
const spare = 1.125;

/**
 * Places of a node's numbers: the best way on that a search knows from there. A node is 64 bytes, a line of the cache.
 */
export const labelNumber = {
  count: 8,
  /** What the search makes least, for `value`. */
  cost: 0,
  /** What reaches the payee. */
  value: 1,
  /** What all nodes from this one on keep. */
  fee: 2,
  /** No less may reach this node, or a channel further on would carry less than its minimum. */
  least: 3,
} as const;

/** Places of a node's words, behind its numbers. */
export const labelWord = {
  count: 16,
  /** The last edge of the cheapest way to this node, if it is near the payer (`PayerVicinity`). */
  nearEdge: 10,
  /** The first edge of the way on. */
  edge: 11,
  /** Blocks from the expiry of what reaches this node to that of what reaches the payee. */
  cltvExpiryDelta: 12,
  /** Channels from here to the payee, or to where the blinded part of the path begins. */
  length: 13,
  /** The first edge into this node that is not in the graph, if `localStamp` is the request's. */
  local: 14,
  localStamp: 15,
} as const;
