/**
 * Finds small numbers (places in columns) by what the columns hold: an open table of one word for each. The keys stay
 * in the columns; who asks brings the hash and knows its key when he sees it.
 */
export class HashIndex {
  readonly #hashOf: (place: number) => number;
  /** Places plus one; 0 where there is none. Its length is a power of two, and at least half of it is free. */
  #table: Uint32Array;
  #count = 0;

  /** `hashOf` gives the hash, 32 bits, of a place that is in the index. */
  constructor(hashOf: (place: number) => number, expected = 8) {
    this.#hashOf = hashOf;
    this.#table = new Uint32Array(tableLength(expected));
  }

  /** The place with this hash that `isIt`. */
  find(hash: number, isIt: (place: number) => boolean): number | undefined {
    const mask = this.#table.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const entry = this.#table[at] ?? 0;
      if (entry === 0) return undefined;
      if (isIt(entry - 1)) return entry - 1;
    }
  }

  /** Adds a place that is not in the index. */
  add(hash: number, place: number): void {
    this.#count++;
    if (this.#count * 2 > this.#table.length) this.#grow();
    put(this.#table, hash, place);
  }

  /** Removes a place that is in the index; what the columns hold of it must still be there. */
  remove(place: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = this.#hashOf(place) & mask;
    while (table[hole] !== place + 1) hole = (hole + 1) & mask;
    this.#count--;
    // What follows moves up, unless it would then stand before its hash: a search stops at the first free entry.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const entry = table[at] ?? 0;
      if (entry === 0) break;
      const distance = (at - this.#hashOf(entry - 1)) & mask;
      if (distance < ((at - hole) & mask)) continue;
      table[hole] = entry;
      hole = at;
    }
    table[hole] = 0;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#table.length * 2);
    for (const entry of this.#table) if (entry !== 0) put(larger, this.#hashOf(entry - 1), entry - 1);
    this.#table = larger;
  }
}

function put(table: Uint32Array, hash: number, place: number): void {
  const mask = table.length - 1;
  let at = hash & mask;
  while (table[at] !== 0) at = (at + 1) & mask;
  table[at] = place + 1;
}

function tableLength(expected: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(8, expected) * 2));
}

/**
 * A hash, 32 bits, of a key of two words. Whoever does not know `seed` cannot choose keys that meet in the table.
 */
export function hashOfWords(seed: number, high: number, low: number): number {
  return mixed(mixed(seed ^ high) + Math.imul(seed, 0x9e37_79b1) + low);
}

/** MurmurHash3's last step: each bit of the input changes about half of the result. */
function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
