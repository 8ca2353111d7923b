import { edgeAmount, edgeFlag, edgeWord, type RoutingGraph } from "@fulmen/lightning/gossip";
import type { NodeId, ShortChannelId } from "@fulmen/lightning/util";

/** A channel as a test says it; edges are `2 * place` from `one` to `two`, and one more for the way back. */
export interface ArrayChannel {
  readonly id: number | bigint;
  readonly one: number;
  readonly two: number;
  /** msat; -1 when unknown. */
  readonly capacity: number;
  /** By direction; `undefined` for one without terms. */
  readonly htlcMaxima: readonly (number | undefined)[];
  readonly feeBaseMsat?: number;
  readonly feeProportionalMillionths?: number;
  readonly cltvExpiryDelta?: number;
  readonly htlcMinimum?: number;
  /** By direction; absent for both. */
  readonly enabled?: readonly boolean[];
}

/**
 * A graph for searches and scorers, of plain lists: the counter of a node is its place, the slot of a channel likewise.
 */
export function arrayGraph(nodes: readonly NodeId[], channels: readonly ArrayChannel[]): RoutingGraph {
  const edges = 2 * channels.length;
  const memory = new ArrayBuffer(4 * edgeWord.count * edges);
  const words = new Uint32Array(memory);
  const amounts = new Float64Array(memory);
  const into: number[][] = nodes.map(() => []);
  for (const [slot, channel] of channels.entries()) {
    for (const direction of [0, 1]) {
      const edge = 2 * slot + direction;
      fill(words.subarray(edgeWord.count * edge), channel, direction);
      amounts.set(amountsOf(channel, direction), edgeAmount.count * edge);
      into[direction === 0 ? channel.two : channel.one]?.push(edge);
    }
  }
  const isUsable = (edge: number) =>
    ((words[edge * edgeWord.count + edgeWord.flags] ?? 0) & edgeFlag.usable) !== 0;
  for (const edges of into) edges.sort((a, b) => Number(isUsable(b)) - Number(isUsable(a)));
  const edgesIntoCount = Uint32Array.from(into, (list) => list.length);
  const edgesIntoStart = new Uint32Array(nodes.length);
  for (let i = 1; i < nodes.length; i++) {
    edgesIntoStart[i] = (edgesIntoStart[i - 1] ?? 0) + (edgesIntoCount[i - 1] ?? 0);
  }
  const slots = new Map(channels.map(({ id }, slot) => [BigInt(id) as ShortChannelId, slot]));
  const counters = new Map(nodes.map((nodeId, counter) => [nodeId, counter]));
  return {
    nodeLimit: nodes.length,
    channelLimit: channels.length,
    edgeWords: words,
    edgeAmounts: amounts,
    edgesIntoStart,
    edgesIntoCount,
    edgesIntoUsable: Uint32Array.from(into, (edges) => edges.filter(isUsable).length),
    edgesInto: Uint32Array.from(into.flat()),
    edgesIntoSource: Uint32Array.from(
      into.flat().map((edge) => words[edge * edgeWord.count + edgeWord.source] ?? 0),
    ),
    nodeFlags: new Uint8Array(nodes.length),
    nodeCounter: (id) => counters.get(id),
    nodeIdOf: (counter) => nodes[counter] as NodeId,
    channelSlot: (id) => slots.get(id),
    shortChannelIdOf: (slot) => BigInt(channels[slot]?.id ?? 0) as ShortChannelId,
  };
}

function fill(words: Uint32Array, channel: ArrayChannel, direction: number): void {
  const hasTerms = channel.htlcMaxima[direction] !== undefined;
  const isEnabled = hasTerms && channel.enabled?.[direction] !== false;
  words[edgeWord.source] = direction === 0 ? channel.one : channel.two;
  words[edgeWord.target] = direction === 0 ? channel.two : channel.one;
  words[edgeWord.feeBaseMsat] = channel.feeBaseMsat ?? 0;
  words[edgeWord.feeProportionalMillionths] = channel.feeProportionalMillionths ?? 0;
  words[edgeWord.cltvExpiryDelta] = channel.cltvExpiryDelta ?? 40;
  words[edgeWord.flags] = (hasTerms ? edgeFlag.hasTerms : 0) | (isEnabled ? edgeFlag.usable : 0);
  words[edgeWord.shortChannelIdHigh] = Number(BigInt(channel.id) >> 32n);
  words[edgeWord.shortChannelIdLow] = Number(BigInt(channel.id) & 0xffff_ffffn);
}

function amountsOf(channel: ArrayChannel, direction: number): readonly number[] {
  const amounts = [0, 0, 0];
  amounts[edgeAmount.htlcMinimum] = channel.htlcMinimum ?? 0;
  amounts[edgeAmount.htlcMaximum] = channel.htlcMaxima[direction] ?? 0;
  amounts[edgeAmount.capacity] = channel.capacity;
  return amounts;
}
