import { compareBytes, hexInto, toHex } from "../../util/bytes.ts";
import type { NodeId } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import { grownBytes, grownLength } from "./columnGrowth.ts";
import { FreeNumbers } from "./freeNumbers.ts";
import { HashIndex, hashOfWords } from "./hashIndex.ts";
import { SortedSlots } from "./sortedSlots.ts";

/** Bytes of a node's id. */
const nodeKeyLength = 33;

/** The nodes by their counters: ids as bytes, and a way from an id to its counter. */
export class NodeTable {
  /** By counter: `nodeFlag`s, and `ownNodeFlag`s. */
  flags: Uint8Array;
  readonly #seed: number;
  readonly #counters = new FreeNumbers();
  readonly #index: HashIndex;
  readonly #sorted: SortedSlots;
  #keys: Uint8Array;
  /** The id that is looked for. */
  readonly #sought = new Uint8Array(nodeKeyLength);
  /** What was asked for once, so that equal ids are one string. */
  readonly #ids: (NodeId | undefined)[] = [];

  constructor(seed: number, expected = 0) {
    this.#seed = seed;
    this.#index = new HashIndex((counter) => this.#hash(this.#keys, counter * nodeKeyLength), expected);
    this.#sorted = new SortedSlots((a, b) => this.#compare(a, b), expected);
    this.#keys = new Uint8Array(expected * nodeKeyLength);
    this.flags = new Uint8Array(expected);
  }

  get count(): number {
    return this.#counters.count;
  }

  /** All counters are below. */
  get limit(): number {
    return this.#counters.limit;
  }

  counterOf(id: NodeId): number | undefined {
    return this.counterOfKey(hexInto(this.#sought, id));
  }

  counterOfKey(key: Uint8Array): number | undefined {
    return this.#index.find(this.#hash(key, 0), (counter) => this.#hasKey(counter, key));
  }

  /** Of a counter that is in use. */
  idOf(counter: number): NodeId {
    const known = this.#ids[counter];
    if (known !== undefined) return known;
    const id = toHex(this.keyOf(counter)) as NodeId;
    while (this.#ids.length <= counter) this.#ids.push(undefined);
    this.#ids[counter] = id;
    return id;
  }

  /** The 33 bytes of the id; the table's own, valid until the next change. */
  keyOf(counter: number): Uint8Array {
    return this.#keys.subarray(counter * nodeKeyLength, (counter + 1) * nodeKeyLength);
  }

  /** All counters in use by ascending id; valid until the next change. */
  sorted(): Uint32Array {
    return this.#sorted.all();
  }

  /** The counter of a node, which gets one if it has none. */
  counterOrNew(id: NodeId): number {
    return this.counterOf(id) ?? this.add(this.#sought);
  }

  /** Adds a node that is not there. */
  add(key: Uint8Array): number {
    const counter = this.#counters.take();
    if (counter >= this.flags.length) this.#grow(counter + 1);
    this.#keys.set(key, counter * nodeKeyLength);
    this.#index.add(this.#hash(key, 0), counter);
    this.#sorted.add(counter);
    return counter;
  }

  /** Removes a node that is there; its counter is used again. */
  remove(counter: number): void {
    this.#sorted.remove(counter);
    this.#index.remove(counter);
    this.keyOf(counter).fill(0);
    this.flags[counter] = 0;
    if (counter < this.#ids.length) this.#ids[counter] = undefined;
    this.#counters.giveBack(counter);
  }

  hasFlag(counter: number, flag: number): boolean {
    return (present(this.flags[counter], "flags of a node") & flag) !== 0;
  }

  #hasKey(counter: number, key: Uint8Array): boolean {
    const start = counter * nodeKeyLength;
    for (let i = nodeKeyLength - 1; i >= 0; i--) if (this.#keys[start + i] !== key[i]) return false;
    return true;
  }

  /** Almost all ids can be told apart by their first bytes. */
  #compare(a: number, b: number): number {
    const difference = this.#startOf(a) - this.#startOf(b);
    return difference === 0 ? compareBytes(this.keyOf(a), this.keyOf(b)) : difference;
  }

  #startOf(counter: number): number {
    return wordAt(this.#keys, counter * nodeKeyLength) >>> 0;
  }

  #hash(bytes: Uint8Array, start: number): number {
    return hashOfWords(this.#seed, wordAt(bytes, start + 1), wordAt(bytes, start + 5));
  }

  #grow(needed: number): void {
    const length = grownLength(this.flags.length, needed);
    this.flags = grownBytes(this.flags, length);
    this.#keys = grownBytes(this.#keys, length * nodeKeyLength);
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}
