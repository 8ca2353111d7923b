import { Reader } from "../../codec/index.ts";
import type { NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import type { Sat } from "../../util/units.ts";
import { satToMsat } from "../../util/units.ts";
import { encodeMessage, Features, type NodeAnnouncement, nodeAnnouncement } from "../../wire/index.ts";
import { Adjacency } from "./adjacency.ts";
import { ChannelTable, channelState } from "./channelTable.ts";
import { amountOf, type EdgeTerms, largestAmount } from "./edgeColumns.ts";
import { type AnnouncementRemainder, keepUnlessEmpty, type UpdateRemainder } from "./keptMessages.ts";
import { NodeDetails } from "./nodeDetails.ts";
import { NodeTable } from "./nodeTable.ts";
import { edgeAmount, edgeFlag, edgeWord, nodeFlag } from "./routingGraph.ts";

/** Bits of a node's flags that are the graph's own business, beside `nodeFlag`. */
export const ownNodeFlag = {
  /** What is kept of the node was signed. */
  hasMessage: 4,
} as const;

/** A channel as it enters the tables. */
export interface NewChannel {
  readonly shortChannelId: ShortChannelId;
  /** The lesser of the two ids. */
  readonly nodeOne: NodeId;
  readonly nodeTwo: NodeId;
  readonly receivedAt: UnixSeconds;
}

/** How many nodes and channels there will be, where that is known beforehand. */
export interface ExpectedSize {
  readonly channels: number;
  readonly nodes: number;
}

/** What an update's message has beside its terms. */
export interface KeptUpdate extends UpdateRemainder {
  readonly messageFlags: number;
  readonly channelFlags: number;
}

/**
 * The columns of the graph, and what keeps them consistent: a node is there as long as it has a channel, and the edges
 * into each node are those of the channels that are there. What may enter is decided elsewhere.
 */
export class GraphTables {
  readonly nodes: NodeTable;
  readonly channels: ChannelTable;
  readonly adjacency: Adjacency = new Adjacency();
  readonly details: NodeDetails = new NodeDetails();

  /** `seed`: 32 bits that nobody else knows, so that nobody can choose ids that make look-ups slow. */
  constructor(seed: number, expected?: ExpectedSize) {
    this.nodes = new NodeTable(seed, expected?.nodes);
    this.channels = new ChannelTable(seed, expected?.channels);
  }

  /** Adds a channel that is not there, and its nodes where they are not. */
  addChannel({ shortChannelId, nodeOne, nodeTwo, receivedAt }: NewChannel): number {
    const ends = { one: this.nodes.counterOrNew(nodeOne), two: this.nodes.counterOrNew(nodeTwo) };
    return this.connect(this.channels.add(this.channels.wordsOf(shortChannelId), ends, receivedAt), ends);
  }

  /** Makes a channel's edges known to its nodes. */
  connect(slot: number, { one, two }: { readonly one: number; readonly two: number }): number {
    const { edges } = this.channels;
    this.adjacency.add(two, 2 * slot, { source: one, isUsable: edges.isUsable(2 * slot) });
    this.adjacency.add(one, 2 * slot + 1, { source: two, isUsable: edges.isUsable(2 * slot + 1) });
    return slot;
  }

  /** After what may have made an edge usable, or not. */
  #arrange(edge: number, wasUsable: boolean): void {
    const { edges } = this.channels;
    const isUsable = edges.isUsable(edge);
    if (isUsable !== wasUsable) this.adjacency.setUsable(edges.word(edge, edgeWord.target), edge, isUsable);
  }

  /** Removes a channel, and its nodes if it was their last one. */
  removeChannel(slot: number): void {
    const { nodes, channels, adjacency } = this;
    for (const edge of [2 * slot + 1, 2 * slot]) {
      const counter = channels.edges.word(edge, edgeWord.target);
      adjacency.remove(counter, edge);
      if (adjacency.counts[counter] !== 0) continue;
      this.details.drop(counter);
      nodes.remove(counter);
    }
    channels.remove(slot);
  }

  /** Capacity in sat; more than 90,071 bitcoin count as so many. */
  setCapacity(slot: number, capacity: Sat): void {
    this.channels.edges.setCapacity(slot, amountOf(satToMsat(capacity)));
  }

  /** In msat; undefined when unknown. */
  capacityOf(slot: number): number | undefined {
    const capacity = this.channels.edges.amount(2 * slot, edgeAmount.capacity);
    return capacity < 0 ? undefined : capacity;
  }

  setChannelFeatures(slot: number, features: Uint8Array): void {
    keepUnlessEmpty(this.channels.features, slot, features);
    const required = features.length > 0 && Features.fromBytes(features).unknownRequiredBits().length > 0;
    const { edges } = this.channels;
    for (let edge = 2 * slot; edge <= 2 * slot + 1; edge++) {
      const wasUsable = edges.isUsable(edge);
      edges.setUnknownFeaturesRequired(edge, required);
      this.#arrange(edge, wasUsable);
    }
  }

  /** Keeps what makes an announcement, together with the columns. */
  keepAnnouncement(slot: number, message: AnnouncementRemainder): void {
    this.channels.announcements.keep(slot, message);
    this.channels.set(slot, channelState.hasMessage);
  }

  /** New terms in place of those before, with their message unless it says what the columns cannot. */
  setTerms(edge: number, terms: EdgeTerms, message?: KeptUpdate): void {
    const { edges, updates } = this.channels;
    const isExact = terms.htlcMinimum <= largestAmount && terms.htlcMaximum <= largestAmount;
    const kept = isExact ? message : undefined;
    const wasUsable = edges.isUsable(edge);
    edges.setTerms(edge, terms, kept);
    this.#arrange(edge, wasUsable);
    if (kept === undefined) updates.drop(edge);
    else updates.keep(edge, kept);
  }

  clearTerms(edge: number): void {
    const wasUsable = this.channels.edges.isUsable(edge);
    this.channels.edges.clearTerms(edge);
    this.#arrange(edge, wasUsable);
    this.channels.updates.drop(edge);
  }

  hasTerms(edge: number): boolean {
    return this.channels.edges.hasFlag(edge, edgeFlag.hasTerms);
  }

  /** What a node says of itself, in place of what it said before; `isSigned` if its signature was verified. */
  setNodeDetails(counter: number, message: NodeAnnouncement, isSigned: boolean): void {
    const encoded = encodeMessage(message);
    this.details.keep(counter, message.timestamp, encoded.subarray(isSigned ? typeLength : unsignedStart));
    this.nodes.flags[counter] =
      nodeFlagsOf(Features.fromBytes(message.features)) | (isSigned ? ownNodeFlag.hasMessage : 0);
  }

  /** What a node says of itself; with an empty signature if none was verified. */
  nodeDetails(counter: number): NodeAnnouncement | undefined {
    if (this.details.lastUpdate(counter) === undefined) return undefined;
    const kept = this.details.bytesOf(counter);
    const isSigned = this.nodes.hasFlag(counter, ownNodeFlag.hasMessage);
    const start = isSigned ? 0 : unsignedStart - typeLength;
    const bytes = new Uint8Array(start + kept.length);
    bytes.set(kept, start);
    return nodeAnnouncement.read(new Reader(bytes));
  }
}

// A `node_announcement` is kept without its type, and without its signature unless that was verified.
const typeLength = 2;
const unsignedStart = typeLength + 64;

/** The `nodeFlag`s of a node with these features. */
export function nodeFlagsOf(features: Features): number {
  return (
    (features.unknownRequiredBits().length > 0 ? nodeFlag.unknownFeaturesRequired : 0) |
    (features.has("basic_mpp") ? nodeFlag.basicMpp : 0)
  );
}
