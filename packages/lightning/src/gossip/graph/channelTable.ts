import type { ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { grownBytes, grownLength, grownWords } from "./columnGrowth.ts";
import { EdgeColumns } from "./edgeColumns.ts";
import { FreeNumbers } from "./freeNumbers.ts";
import { HashIndex, hashOfWords } from "./hashIndex.ts";
import { AnnouncementRemainders, UpdateRemainders } from "./keptMessages.ts";
import { edgeWord } from "./routingGraph.ts";
import { SortedSlots } from "./sortedSlots.ts";

/** Bits of a channel's state. */
export const channelState = {
  /** The slot is in use. */
  present: 1,
  fundingVerified: 2,
  /** The announcement was signed, and is kept. */
  hasMessage: 4,
} as const;

/** A short channel id as two words. */
export interface IdWords {
  readonly high: number;
  readonly low: number;
}

/** The channels by their slots: what a search reads apart from the rest, and ways from an id to its slot. */
export class ChannelTable {
  readonly edges: EdgeColumns;
  /** By slot; what is in neither is empty. */
  readonly features: Map<number, Uint8Array> = new Map();
  readonly announcements: AnnouncementRemainders = new AnnouncementRemainders();
  /** By edge. */
  readonly updates: UpdateRemainders = new UpdateRemainders();
  readonly #seed: number;
  readonly #slots = new FreeNumbers();
  readonly #index: HashIndex;
  readonly #sorted: SortedSlots;
  readonly #words = new DataView(new ArrayBuffer(8));
  #states: Uint8Array;
  /** Seconds since 1970. */
  #receivedAt: Uint32Array;

  constructor(seed: number, expected = 0) {
    this.#seed = seed;
    this.edges = new EdgeColumns(expected);
    this.#index = new HashIndex((slot) => hashOfWords(seed, this.#high(slot), this.#low(slot)), expected);
    this.#sorted = new SortedSlots((a, b) => this.#compareTo(a, this.#high(b), this.#low(b)), expected);
    this.#states = new Uint8Array(expected);
    this.#receivedAt = new Uint32Array(expected);
  }

  get count(): number {
    return this.#slots.count;
  }

  /** All slots are below. */
  get limit(): number {
    return this.#slots.limit;
  }

  slotOf(id: ShortChannelId): number | undefined {
    const { high, low } = this.wordsOf(id);
    return this.slotOfWords(high, low);
  }

  slotOfWords(high: number, low: number): number | undefined {
    return this.#index.find(
      hashOfWords(this.#seed, high, low),
      (slot) => this.#low(slot) === low && this.#high(slot) === high,
    );
  }

  wordsOf(id: bigint): IdWords {
    this.#words.setBigUint64(0, id);
    return { high: this.#words.getUint32(0), low: this.#words.getUint32(4) };
  }

  /** Of a slot that is in use. */
  idOf(slot: number): ShortChannelId {
    this.#words.setUint32(0, this.#high(slot));
    this.#words.setUint32(4, this.#low(slot));
    return this.#words.getBigUint64(0) as ShortChannelId;
  }

  /** The slot of the channel with the least id that is `from` or above. */
  slotFrom(from: bigint): number | undefined {
    if (from > 0xffff_ffff_ffff_ffffn) return undefined;
    const { high, low } = this.wordsOf(from);
    return this.#sorted.firstFrom((slot) => this.#compareTo(slot, high, low));
  }

  /** All slots in use by ascending id; valid until the next change. */
  sorted(): Uint32Array {
    return this.#sorted.all();
  }

  /** Adds a channel that is not there, between two nodes in order. */
  add(id: IdWords, ends: { readonly one: number; readonly two: number }, receivedAt: UnixSeconds): number {
    const slot = this.#slots.take();
    this.edges.reach(slot);
    if (slot >= this.#states.length) this.#grow(slot + 1);
    this.edges.place(slot, ends, id.high, id.low);
    this.#states[slot] = channelState.present;
    this.#receivedAt[slot] = receivedAt;
    this.#index.add(hashOfWords(this.#seed, id.high, id.low), slot);
    this.#sorted.add(slot);
    return slot;
  }

  /** Removes a channel that is there: nothing of it is left for the next one in its slot. */
  remove(slot: number): void {
    this.#sorted.remove(slot);
    this.#index.remove(slot);
    this.edges.clear(slot);
    this.#states[slot] = 0;
    this.#receivedAt[slot] = 0;
    this.features.delete(slot);
    this.announcements.drop(slot);
    this.updates.drop(2 * slot);
    this.updates.drop(2 * slot + 1);
    this.#slots.giveBack(slot);
  }

  is(slot: number, state: number): boolean {
    return ((this.#states[slot] ?? 0) & state) !== 0;
  }

  set(slot: number, state: number): void {
    this.#states[slot] = (this.#states[slot] ?? 0) | state;
  }

  receivedAt(slot: number): number {
    return this.#receivedAt[slot] ?? 0;
  }

  #high(slot: number): number {
    return this.edges.word(2 * slot, edgeWord.shortChannelIdHigh);
  }

  #low(slot: number): number {
    return this.edges.word(2 * slot, edgeWord.shortChannelIdLow);
  }

  #compareTo(slot: number, high: number, low: number): number {
    const difference = this.#high(slot) - high;
    return difference === 0 ? this.#low(slot) - low : difference;
  }

  #grow(needed: number): void {
    const length = grownLength(this.#states.length, needed);
    this.#states = grownBytes(this.#states, length);
    this.#receivedAt = grownWords(this.#receivedAt, length);
  }
}
