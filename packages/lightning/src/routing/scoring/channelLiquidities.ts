import type { ShortChannelId } from "../../util/ids.ts";
import { average, bucketCount, fade, filledBuckets, track, weightOf } from "./history.ts";
import type { ProbabilisticScoringDecayParameters } from "./parameters.ts";

/** Places of an entry's times, in seconds since 1970. */
export const liquidityTime = {
  count: 3,
  /** When a bound was last moved, by what was learned or by time. */
  bounds: 0,
  /** When the history was last added to, or faded. */
  history: 1,
  /** When something was last learned. */
  datapoint: 2,
} as const;

const bucketsOfEntry = 2 * bucketCount;
const firstCapacity = 64;

/**
 * What is known of the liquidity of channels, by short channel id. An entry is a number below `size`; numbers change
 * when entries go. Columns instead of objects: a search reads them tens of thousands of times.
 *
 * Of each channel there are two bounds, kept as distances from where they would be if nothing were known: the lower
 * one from zero, the upper one from the capacity. What node one can send at least (direction 0) is what node two can
 * receive at least; so the lower bound of one direction is the upper one of the other, seen from its end, and
 * `offsets[2 * entry + direction]` is the lower bound of `direction`, `offsets[2 * entry + 1 - direction]` the upper
 * one. Their histories stand likewise.
 *
 * @ldk lightning::routing::scoring::ChannelLiquidities
 */
export class ChannelLiquidities {
  #size = 0;
  /** The short channel ids, two words each, the greater half first. */
  ids = new Uint32Array(2 * firstCapacity);
  /** msat. */
  offsets = new Float64Array(2 * firstCapacity);
  times = new Float64Array(liquidityTime.count * firstCapacity);
  /** The histories: `bucketCount` buckets for each bound. */
  buckets = new Uint16Array(bucketsOfEntry * firstCapacity);
  /** Which buckets hold anything: a word for each bound. */
  filled = new Uint32Array(2 * firstCapacity);
  /** `weightOf` the histories. */
  weights = new Float64Array(firstCapacity);
  /** Entries by their ids: one more than the entry, at the first free place from the id's hash on; 0 is free. */
  #table = new Uint32Array(4 * firstCapacity);

  get size(): number {
    return this.#size;
  }

  /** The entry of a channel, by the words of its id; -1 when there is none. */
  find(high: number, low: number): number {
    if (this.#size === 0) return -1;
    const table = this.#table;
    const mask = table.length - 1;
    for (let at = hashOf(high, low) & mask; ; at = (at + 1) & mask) {
      const entry = (table[at] ?? 0) - 1;
      if (entry < 0) return -1;
      if (this.ids[2 * entry + 1] === low && this.ids[2 * entry] === high) return entry;
    }
  }

  shortChannelIdOf(entry: number): ShortChannelId {
    return ((BigInt(this.ids[2 * entry] ?? 0) << 32n) |
      BigInt(this.ids[2 * entry + 1] ?? 0)) as ShortChannelId;
  }

  /** The entry of a channel; when there is none, a new one that knows nothing, as of `now`. */
  findOrAdd(high: number, low: number, now: number): number {
    const known = this.find(high, low);
    if (known >= 0) return known;
    const entry = this.#size;
    if (entry === this.weights.length) this.#resize(2 * entry);
    this.#size++;
    this.ids[2 * entry] = high;
    this.ids[2 * entry + 1] = low;
    this.offsets.fill(0, 2 * entry, 2 * entry + 2);
    this.times.fill(now, liquidityTime.count * entry, liquidityTime.count * (entry + 1));
    this.buckets.fill(0, bucketsOfEntry * entry, bucketsOfEntry * (entry + 1));
    this.filled.fill(0, 2 * entry, 2 * entry + 2);
    this.weights[entry] = 0;
    this.#enter(entry);
    return entry;
  }

  time(entry: number, place: number): number {
    return this.times[liquidityTime.count * entry + place] ?? 0;
  }

  setTime(entry: number, place: number, time: number): void {
    this.times[liquidityTime.count * entry + place] = time;
  }

  /** The history of one bound; `bound` as in `offsets`. */
  historyOf(bound: number): Uint16Array {
    const start = bucketCount * bound;
    return this.buckets.subarray(start, start + bucketCount);
  }

  /** To be called when the history of an entry has changed. */
  historyChanged(entry: number): void {
    const first = this.historyOf(2 * entry);
    const second = this.historyOf(2 * entry + 1);
    this.filled[2 * entry] = filledBuckets(first);
    this.filled[2 * entry + 1] = filledBuckets(second);
    this.weights[entry] = weightOf(first, second);
  }

  /** Adds an observation of both bounds of a direction, as distances in msat, to the history. */
  track(bound: number, distances: { min: number; max: number; capacity: number }): void {
    track(this.historyOf(bound), distances.min, distances.capacity);
    track(this.historyOf(bound ^ 1), distances.max, distances.capacity);
    this.historyChanged(bound >>> 1);
  }

  /**
   * Bounds fade, and the history of channels of which nothing was learned for long; entries of which nothing is left
   * go.
   *
   * @ldk ChannelLiquidities::time_passed
   */
  timePassed(now: number, decay: ProbabilisticScoringDecayParameters): void {
    this.retain((entry) => {
      this.#fadeBounds(entry, now, decay.liquidityOffsetHalfLife);
      this.#fadeHistory(entry, now, decay.historicalNoUpdatesHalfLife);
      return !this.#isEmpty(entry);
    });
  }

  /** Drops the entries that `keep` does not want; it is asked once for each, and may change what it is asked about. */
  retain(keep: (entry: number) => boolean): void {
    let kept = 0;
    for (let entry = 0; entry < this.#size; entry++) {
      if (!keep(entry)) continue;
      if (kept !== entry) this.#move(entry, kept);
      kept++;
    }
    if (kept === this.#size) return;
    this.#size = kept;
    const needed = Math.max(firstCapacity, kept);
    if (needed < this.weights.length / 4) this.#resize(2 * needed);
    else this.#enterAll();
  }

  /** Drops those of which `mayGo`, but for the `kept` of which something was learned last. */
  dropOldest(kept: number, mayGo: (id: ShortChannelId) => boolean): void {
    const ages: number[] = [];
    const candidates = new Set<number>();
    for (let entry = 0; entry < this.#size; entry++) {
      if (!mayGo(this.shortChannelIdOf(entry))) continue;
      candidates.add(entry);
      ages.push(this.time(entry, liquidityTime.datapoint));
    }
    const oldestKept = ages.sort((a, b) => b - a)[kept] ?? -1;
    this.retain((entry) => !candidates.has(entry) || this.time(entry, liquidityTime.datapoint) > oldestKept);
  }

  copy(): ChannelLiquidities {
    const copy = new ChannelLiquidities();
    for (let entry = 0; entry < this.#size; entry++) copy.take(this, entry);
    return copy;
  }

  /** Takes over an entry of others, in place of its own of that channel. */
  take(others: ChannelLiquidities, from: number): void {
    const entry = this.findOrAdd(others.ids[2 * from] ?? 0, others.ids[2 * from + 1] ?? 0, 0);
    for (const bound of [0, 1]) {
      this.offsets[2 * entry + bound] = others.offsets[2 * from + bound] ?? 0;
      this.historyOf(2 * entry + bound).set(others.historyOf(2 * from + bound));
    }
    for (let place = 0; place < liquidityTime.count; place++)
      this.setTime(entry, place, others.time(from, place));
    this.historyChanged(entry);
  }

  /** Brings an entry half-way to what others know of that channel. @ldk ChannelLiquidity::merge */
  average(entry: number, others: ChannelLiquidities, from: number): void {
    for (const bound of [0, 1]) {
      const sum = (this.offsets[2 * entry + bound] ?? 0) + (others.offsets[2 * from + bound] ?? 0);
      this.offsets[2 * entry + bound] = Math.floor(sum / 2);
      average(this.historyOf(2 * entry + bound), others.historyOf(2 * from + bound));
    }
    this.historyChanged(entry);
  }

  #isEmpty(entry: number): boolean {
    const { offsets, filled } = this;
    const first = 2 * entry;
    return offsets[first] === 0 && offsets[first + 1] === 0 && filled[first] === 0 && filled[first + 1] === 0;
  }

  #fadeBounds(entry: number, now: number, halfLife: number): void {
    const elapsed = Math.max(0, now - this.time(entry, liquidityTime.bounds));
    const factor = halfLife === 0 ? 0 : 0.5 ** (elapsed / halfLife);
    for (const at of [2 * entry, 2 * entry + 1])
      this.offsets[at] = Math.floor((this.offsets[at] ?? 0) * factor);
    this.setTime(entry, liquidityTime.bounds, now);
  }

  #fadeHistory(entry: number, now: number, halfLife: number): void {
    const elapsed = Math.max(0, now - this.time(entry, liquidityTime.history));
    if (elapsed <= halfLife || halfLife === 0) return;
    fade(this.historyOf(2 * entry), elapsed / halfLife);
    fade(this.historyOf(2 * entry + 1), elapsed / halfLife);
    this.historyChanged(entry);
    this.setTime(entry, liquidityTime.history, now);
  }

  #move(from: number, to: number): void {
    this.ids.copyWithin(2 * to, 2 * from, 2 * from + 2);
    this.offsets.copyWithin(2 * to, 2 * from, 2 * from + 2);
    const { count } = liquidityTime;
    this.times.copyWithin(count * to, count * from, count * (from + 1));
    this.buckets.copyWithin(bucketsOfEntry * to, bucketsOfEntry * from, bucketsOfEntry * (from + 1));
    this.filled.copyWithin(2 * to, 2 * from, 2 * from + 2);
    this.weights[to] = this.weights[from] ?? 0;
  }

  #resize(capacity: number): void {
    this.ids = resized(this.ids, new Uint32Array(2 * capacity));
    this.offsets = resized(this.offsets, new Float64Array(2 * capacity));
    this.times = resized(this.times, new Float64Array(liquidityTime.count * capacity));
    this.buckets = resized(this.buckets, new Uint16Array(bucketsOfEntry * capacity));
    this.filled = resized(this.filled, new Uint32Array(2 * capacity));
    this.weights = resized(this.weights, new Float64Array(capacity));
    this.#table = new Uint32Array(4 * capacity);
    this.#enterAll();
  }

  #enterAll(): void {
    this.#table.fill(0);
    for (let entry = 0; entry < this.#size; entry++) this.#enter(entry);
  }

  #enter(entry: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let at = hashOf(this.ids[2 * entry] ?? 0, this.ids[2 * entry + 1] ?? 0) & mask;
    while (table[at] !== 0) at = (at + 1) & mask;
    table[at] = entry + 1;
  }
}

function hashOf(high: number, low: number): number {
  const mixed = Math.imul(high ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

function resized<T extends Uint16Array | Uint32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old.subarray(0, larger.length));
  return larger;
}
