import {
  type ChannelInfo,
  edgeAmount,
  edgeFlag,
  edgeWord,
  type NodeInfo,
  nodeFlag,
  type RoutingGraph,
} from "@fulmen/lightning/gossip";
import type { NodeId, ShortChannelId } from "@fulmen/lightning/util";

/** A graph as given, in columns: for whoever searches one. */
export class PlainColumns implements RoutingGraph {
  readonly nodeLimit: number;
  readonly channelLimit: number;
  readonly edgeWords: Uint32Array;
  readonly edgeAmounts: Float64Array;
  readonly edgesIntoStart: Uint32Array;
  readonly edgesIntoCount: Uint32Array;
  readonly edgesIntoUsable: Uint32Array;
  readonly edgesInto: Uint32Array;
  readonly edgesIntoSource: Uint32Array;
  readonly nodeFlags: Uint8Array;
  readonly #ids: readonly NodeId[];
  readonly #counters: ReadonlyMap<NodeId, number>;
  readonly #slots: ReadonlyMap<ShortChannelId, number>;
  readonly #channels: readonly ChannelInfo[];

  constructor(channels: readonly ChannelInfo[], nodes: readonly NodeInfo[]) {
    this.nodeLimit = nodes.length;
    this.channelLimit = channels.length;
    this.#channels = channels;
    this.#ids = nodes.map(({ nodeId }) => nodeId);
    this.#counters = new Map(this.#ids.map((id, counter) => [id, counter]));
    this.#slots = new Map(channels.map(({ shortChannelId }, slot) => [shortChannelId, slot]));
    const buffer = new ArrayBuffer(2 * channels.length * edgeAmount.count * 8);
    this.edgeWords = new Uint32Array(buffer);
    this.edgeAmounts = new Float64Array(buffer);
    const into: number[][] = nodes.map(() => []);
    for (const [slot, channel] of channels.entries()) this.#addChannel(slot, channel, into);
    const { usable, unknownFeaturesRequired } = edgeFlag;
    const isUsable = (edge: number) =>
      ((this.edgeWords[edge * edgeWord.count + edgeWord.flags] ?? 0) & (usable | unknownFeaturesRequired)) ===
      usable;
    for (const edges of into) edges.sort((a, b) => Number(isUsable(b)) - Number(isUsable(a)));
    this.edgesIntoUsable = Uint32Array.from(into, (edges) => edges.filter(isUsable).length);
    this.edgesInto = Uint32Array.from(into.flat());
    this.edgesIntoSource = this.edgesInto.map(
      (edge) => this.edgeWords[edge * edgeWord.count + edgeWord.source] ?? 0,
    );
    this.edgesIntoCount = Uint32Array.from(into, (edges) => edges.length);
    let start = 0;
    this.edgesIntoStart = Uint32Array.from(into, (edges) => {
      start += edges.length;
      return start - edges.length;
    });
    this.nodeFlags = Uint8Array.from(nodes, ({ announcement }) =>
      announcement === undefined
        ? 0
        : (announcement.unknownFeaturesRequired ? nodeFlag.unknownFeaturesRequired : 0) |
          (announcement.features.has("basic_mpp") ? nodeFlag.basicMpp : 0),
    );
  }

  nodeCounter(id: NodeId): number | undefined {
    return this.#counters.get(id);
  }

  nodeIdOf(counter: number): NodeId {
    return this.#ids[counter] as NodeId;
  }

  channelSlot(id: ShortChannelId): number | undefined {
    return this.#slots.get(id);
  }

  shortChannelIdOf(slot: number): ShortChannelId {
    return this.#channels[slot]?.shortChannelId as ShortChannelId;
  }

  #addChannel(slot: number, channel: ChannelInfo, into: readonly number[][]): void {
    for (const direction of [0, 1]) {
      const edge = 2 * slot + direction;
      const [from, to] =
        direction === 0 ? [channel.nodeOne, channel.nodeTwo] : [channel.nodeTwo, channel.nodeOne];
      const terms = direction === 0 ? channel.oneToTwo : channel.twoToOne;
      const target = this.#counters.get(to) ?? 0;
      into[target]?.push(edge);
      const words = edge * edgeWord.count;
      const amounts = edge * edgeAmount.count;
      const capacity = channel.capacity === undefined ? -1 : Number(channel.capacity) * 1000;
      const maximum = Math.min(Number(terms?.htlcMaximum ?? 0n), Number.MAX_SAFE_INTEGER);
      this.edgeAmounts[amounts + edgeAmount.htlcMinimum] = Number(terms?.htlcMinimum ?? 0n);
      this.edgeAmounts[amounts + edgeAmount.htlcMaximum] =
        capacity < 0 ? maximum : Math.min(maximum, capacity);
      this.edgeAmounts[amounts + edgeAmount.capacity] = capacity;
      this.edgeWords[words + edgeWord.source] = this.#counters.get(from) ?? 0;
      this.edgeWords[words + edgeWord.target] = target;
      this.edgeWords[words + edgeWord.feeBaseMsat] = terms?.feeBaseMsat ?? 0;
      this.edgeWords[words + edgeWord.feeProportionalMillionths] = terms?.feeProportionalMillionths ?? 0;
      this.edgeWords[words + edgeWord.cltvExpiryDelta] = terms?.cltvExpiryDelta ?? 0;
      this.edgeWords[words + edgeWord.lastUpdate] = terms?.lastUpdate ?? 0;
      this.edgeWords[words + edgeWord.shortChannelIdHigh] = Number(channel.shortChannelId >> 32n);
      this.edgeWords[words + edgeWord.shortChannelIdLow] = Number(channel.shortChannelId & 0xffff_ffffn);
      this.edgeWords[words + edgeWord.flags] =
        (terms === undefined ? 0 : edgeFlag.hasTerms) |
        (terms?.enabled === true ? edgeFlag.usable : 0) |
        (channel.unknownFeaturesRequired ? edgeFlag.unknownFeaturesRequired : 0);
    }
  }
}
