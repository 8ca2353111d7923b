import type { Msat } from "../../util/units.ts";
import { grownLength } from "./columnGrowth.ts";
import type { ChannelUpdateInfo } from "./graphEntries.ts";
import { edgeAmount, edgeFlag, edgeWord } from "./routingGraph.ts";

/** What a `channel_update` says, without the message itself. */
export type EdgeTerms = Omit<ChannelUpdateInfo, "message">;

/** Terms with amounts as the columns hold them: whole, at most `largestAmount`. */
export interface TermNumbers extends Omit<EdgeTerms, "htlcMinimum" | "htlcMaximum"> {
  readonly minimum: number;
  readonly maximum: number;
}

/** Of a `channel_update`, a byte each. */
export interface MessageFlags {
  readonly messageFlags: number;
  readonly channelFlags: number;
}

/** Amounts are doubles: those above count as this, which is more than any channel will ever hold. */
export const largestAmount = Number.MAX_SAFE_INTEGER;

/** Bits of `edgeWord.flags` that are the graph's own business, beside `edgeFlag`. */
export const ownEdgeFlag = {
  /** The terms were signed, and their message is kept. */
  hasMessage: 8,
  disabled: 16,
} as const;
/** What stays of an edge's flags when its terms go. */
const channelFlags = edgeFlag.unknownFeaturesRequired;
/** A word beside those of `edgeWord`: `message_flags` times 256, and `channel_flags`, of the message that is kept. */
const messageFlagsWord = 13;

/**
 * The lines of memory that a search reads: one for each direction of each channel. `RoutingGraph` says what is where.
 */
export class EdgeColumns {
  words: Uint32Array;
  amounts: Float64Array;

  /** With room for so many channels. */
  constructor(channels: number) {
    this.amounts = new Float64Array(2 * channels * edgeAmount.count);
    this.words = new Uint32Array(this.amounts.buffer);
  }

  /** Channels for which there is room. */
  get length(): number {
    return this.words.length / (2 * edgeWord.count);
  }

  /** Makes room for the channel `slot`: the arrays are replaced when there is none. */
  reach(slot: number): void {
    if (slot < this.length) return;
    const amounts = new Float64Array(2 * grownLength(this.length, slot + 1) * edgeAmount.count);
    amounts.set(this.amounts);
    this.amounts = amounts;
    this.words = new Uint32Array(amounts.buffer);
  }

  word(edge: number, place: number): number {
    return this.words[edge * edgeWord.count + place] ?? 0;
  }

  amount(edge: number, place: number): number {
    return this.amounts[edge * edgeAmount.count + place] ?? 0;
  }

  hasFlag(edge: number, flag: number): boolean {
    return (this.word(edge, edgeWord.flags) & flag) !== 0;
  }

  /** Whether a search may take it. */
  isUsable(edge: number): boolean {
    const flags = this.word(edge, edgeWord.flags);
    return (flags & (edgeFlag.usable | edgeFlag.unknownFeaturesRequired)) === edgeFlag.usable;
  }

  /** Both edges of a new channel, without terms. */
  place(slot: number, ends: { readonly one: number; readonly two: number }, high: number, low: number): void {
    this.clear(slot);
    for (let edge = 2 * slot; edge <= 2 * slot + 1; edge++) {
      const at = edge * edgeWord.count;
      this.words[at + edgeWord.source] = (edge & 1) === 0 ? ends.one : ends.two;
      this.words[at + edgeWord.target] = (edge & 1) === 0 ? ends.two : ends.one;
      this.words[at + edgeWord.shortChannelIdHigh] = high;
      this.words[at + edgeWord.shortChannelIdLow] = low;
    }
    this.setCapacity(slot, -1);
  }

  /** Nothing is left of a channel that is gone. */
  clear(slot: number): void {
    const at = 2 * slot * edgeWord.count;
    this.words.fill(0, at, at + 2 * edgeWord.count);
  }

  /** In msat; -1 when unknown. */
  setCapacity(slot: number, capacity: number): void {
    for (let edge = 2 * slot; edge <= 2 * slot + 1; edge++) {
      this.amounts[edge * edgeAmount.count + edgeAmount.capacity] = capacity;
    }
  }

  setUnknownFeaturesRequired(edge: number, required: boolean): void {
    const at = edge * edgeWord.count + edgeWord.flags;
    const others = (this.words[at] ?? 0) & ~edgeFlag.unknownFeaturesRequired;
    this.words[at] = others | (required ? edgeFlag.unknownFeaturesRequired : 0);
  }

  /** `message` are the flags of the `channel_update`, when it is kept. */
  setTerms(edge: number, terms: EdgeTerms, message?: MessageFlags): void {
    const minimum = amountOf(terms.htlcMinimum);
    const maximum = amountOf(terms.htlcMaximum);
    this.setNumbers(edge, { ...terms, minimum, maximum }, message);
  }

  /** As `setTerms`, with amounts as the columns hold them. */
  setNumbers(edge: number, terms: TermNumbers, message?: MessageFlags): void {
    const at = edge * edgeWord.count;
    const { words, amounts } = this;
    amounts[edge * edgeAmount.count + edgeAmount.htlcMinimum] = terms.minimum;
    amounts[edge * edgeAmount.count + edgeAmount.htlcMaximum] = terms.maximum;
    words[at + edgeWord.feeBaseMsat] = terms.feeBaseMsat;
    words[at + edgeWord.feeProportionalMillionths] = terms.feeProportionalMillionths;
    words[at + edgeWord.cltvExpiryDelta] = terms.cltvExpiryDelta;
    words[at + edgeWord.lastUpdate] = terms.lastUpdate;
    // BOLT 7: a channel whose maximum is below its minimum is not to be considered for routes.
    const usable = terms.enabled && terms.minimum <= terms.maximum;
    words[at + edgeWord.flags] =
      ((words[at + edgeWord.flags] ?? 0) & channelFlags) |
      edgeFlag.hasTerms |
      (usable ? edgeFlag.usable : 0) |
      (terms.enabled ? 0 : ownEdgeFlag.disabled) |
      (message === undefined ? 0 : ownEdgeFlag.hasMessage);
    words[at + messageFlagsWord] =
      message === undefined ? 0 : message.messageFlags * 256 + message.channelFlags;
  }

  clearTerms(edge: number): void {
    const at = edge * edgeWord.count;
    const { words, amounts } = this;
    amounts[edge * edgeAmount.count + edgeAmount.htlcMinimum] = 0;
    amounts[edge * edgeAmount.count + edgeAmount.htlcMaximum] = 0;
    words[at + edgeWord.flags] = (words[at + edgeWord.flags] ?? 0) & channelFlags;
    words[at + messageFlagsWord] = 0;
    words.fill(0, at + edgeWord.feeBaseMsat, at + edgeWord.flags);
    words[at + edgeWord.lastUpdate] = 0;
  }

  terms(edge: number): EdgeTerms | undefined {
    if (!this.hasFlag(edge, edgeFlag.hasTerms)) return undefined;
    return {
      enabled: !this.hasFlag(edge, ownEdgeFlag.disabled),
      lastUpdate: this.word(edge, edgeWord.lastUpdate),
      cltvExpiryDelta: this.word(edge, edgeWord.cltvExpiryDelta),
      htlcMinimum: BigInt(this.amount(edge, edgeAmount.htlcMinimum)) as Msat,
      htlcMaximum: BigInt(this.amount(edge, edgeAmount.htlcMaximum)) as Msat,
      feeBaseMsat: this.word(edge, edgeWord.feeBaseMsat),
      feeProportionalMillionths: this.word(edge, edgeWord.feeProportionalMillionths),
    };
  }

  /** Of the message that is kept. */
  messageFlags(edge: number): MessageFlags {
    const word = this.word(edge, messageFlagsWord);
    return { messageFlags: word >>> 8, channelFlags: word & 0xff };
  }
}

/** The amount as a column holds it. */
export function amountOf(amount: bigint): number {
  return Math.min(Number(amount), largestAmount);
}
