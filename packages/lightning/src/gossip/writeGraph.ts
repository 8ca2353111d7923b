import { Writer } from "../codec/index.ts";
import { compareBytes, fromHex } from "../util/bytes.ts";
import type { BlockHash, UnixSeconds } from "../util/ids.ts";
import { channelState } from "./channelTable.ts";
import { ownEdgeFlag } from "./edgeColumns.ts";
import { graphRecord, rowLength, storedChannel, storedNode, storedTerms } from "./graphRecord.ts";
import { type GraphTables, ownNodeFlag } from "./graphTables.ts";
import type { RemovedEntries } from "./removedEntries.ts";
import { edgeAmount, edgeFlag, edgeWord } from "./routingGraph.ts";

/** What a graph consists of, beside its rules. */
export interface GraphContents {
  readonly tables: GraphTables;
  readonly removed: RemovedEntries;
  readonly lastRapidGossipSync?: UnixSeconds;
}

/** The graph as bytes: the same for equal graphs, however they came to be. */
export function writeGraph(
  { tables, removed, lastRapidGossipSync }: GraphContents,
  chainHash: BlockHash,
): Uint8Array {
  const slots = tables.channels.sorted();
  const order = nodesInOrder(tables);
  const places = new Uint32Array(tables.nodes.limit);
  for (const [place, counter] of order.entries()) places[counter] = place;
  const nodes = new Writer(order.length * rowLength.nodes);
  for (const counter of order) nodes.bytes(tables.nodes.keyOf(counter));
  const writer = new Writer(128 * (slots.length + order.length) + 256);
  graphRecord.write(writer, {
    chainHash,
    ...(lastRapidGossipSync !== undefined && { lastRapidGossipSync }),
    nodes: nodes.finish(),
    channels: channelRows(tables, slots, places),
    ...messageRows(tables, slots),
    ...termRows(tables, slots),
    nodeDetails: nodeEntries(tables, order),
    ...removedRows(removed),
  });
  return writer.finish();
}

/** The counters in use, by the nodes' keys. */
function nodesInOrder({ nodes, adjacency }: GraphTables): readonly number[] {
  const counters: number[] = [];
  for (let counter = 0; counter < nodes.limit; counter++) {
    if ((adjacency.counts[counter] ?? 0) > 0) counters.push(counter);
  }
  return counters.sort((a, b) => compareBytes(nodes.keyOf(a), nodes.keyOf(b)));
}

function channelRows(tables: GraphTables, slots: Uint32Array, places: Uint32Array): Uint8Array {
  const { channels } = tables;
  const { edges } = channels;
  const writer = new Writer(slots.length * rowLength.channels);
  for (const slot of slots) {
    writer
      .u32(edges.word(2 * slot, edgeWord.shortChannelIdHigh))
      .u32(edges.word(2 * slot, edgeWord.shortChannelIdLow))
      .u32(places[edges.word(2 * slot, edgeWord.source)] ?? 0)
      .u32(places[edges.word(2 * slot, edgeWord.target)] ?? 0);
    const capacity = tables.capacityOf(slot);
    if (capacity === undefined) writer.u32(0xffff_ffff).u32(0xffff_ffff);
    else writeAmount(writer, capacity);
    writer
      .u32(channels.receivedAt(slot))
      .u8(
        (channels.is(slot, channelState.fundingVerified) ? storedChannel.fundingVerified : 0) |
          (channels.is(slot, channelState.hasMessage) ? storedChannel.hasMessage : 0) |
          (tables.hasTerms(2 * slot) ? storedChannel.oneToTwo : 0) |
          (tables.hasTerms(2 * slot + 1) ? storedChannel.twoToOne : 0),
      );
  }
  return writer.finish();
}

function messageRows({ channels }: GraphTables, slots: Uint32Array) {
  const features = new Writer();
  const announcements = new Writer();
  const fields = new Writer();
  for (const [place, slot] of slots.entries()) {
    writeEntry(features, place, channels.features.get(slot));
    if (!channels.is(slot, channelState.hasMessage)) continue;
    announcements.bytes(channels.announcements.row(slot));
    writeEntry(fields, place, channels.announcements.unknownFields(slot));
  }
  return {
    channelFeatures: features.finish(),
    announcements: announcements.finish(),
    announcementFields: fields.finish(),
  };
}

function termRows({ channels }: GraphTables, slots: Uint32Array) {
  const { edges } = channels;
  const terms = new Writer(slots.length * 2 * rowLength.terms);
  const updates = new Writer();
  const fields = new Writer();
  let place = 0;
  for (const slot of slots) {
    for (let edge = 2 * slot; edge <= 2 * slot + 1; edge++) {
      if (!edges.hasFlag(edge, edgeFlag.hasTerms)) continue;
      const hasMessage = edges.hasFlag(edge, ownEdgeFlag.hasMessage);
      writeAmount(terms, edges.amount(edge, edgeAmount.htlcMinimum));
      writeAmount(terms, edges.amount(edge, edgeAmount.htlcMaximum));
      terms
        .u32(edges.word(edge, edgeWord.feeBaseMsat))
        .u32(edges.word(edge, edgeWord.feeProportionalMillionths))
        .u16(edges.word(edge, edgeWord.cltvExpiryDelta))
        .u32(edges.word(edge, edgeWord.lastUpdate))
        .u8(
          (edges.hasFlag(edge, ownEdgeFlag.disabled) ? storedTerms.disabled : 0) |
            (hasMessage ? storedTerms.hasMessage : 0),
        );
      if (hasMessage) {
        const { messageFlags, channelFlags } = edges.messageFlags(edge);
        updates.bytes(channels.updates.row(edge)).u8(messageFlags).u8(channelFlags);
        writeEntry(fields, place, channels.updates.unknownFields(edge));
      }
      place++;
    }
  }
  return { terms: terms.finish(), updates: updates.finish(), updateFields: fields.finish() };
}

function nodeEntries({ nodes, details }: GraphTables, order: readonly number[]): Uint8Array {
  const writer = new Writer(256);
  for (const [place, counter] of order.entries()) {
    if (details.lastUpdate(counter) === undefined) continue;
    const bytes = details.bytesOf(counter);
    const isSigned = nodes.hasFlag(counter, ownNodeFlag.hasMessage);
    writer
      .u32(place)
      .u8(isSigned ? storedNode.isSigned : 0)
      .u16(bytes.length)
      .bytes(bytes);
  }
  return writer.finish();
}

function removedRows({ channels, nodes }: RemovedEntries) {
  const closedChannels = new Writer();
  const failedNodes = new Writer();
  for (const [id, at] of channels) closedChannels.u64(id).u32(at);
  for (const [id, at] of nodes) failedNodes.bytes(fromHex(id)).u32(at);
  return { closedChannels: closedChannels.finish(), failedNodes: failedNodes.finish() };
}

function writeEntry(writer: Writer, place: number, bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) writer.u32(place).u16(bytes.length).bytes(bytes);
}

function writeAmount(writer: Writer, amount: number): void {
  writer.u32(Math.floor(amount / 2 ** 32)).u32(amount >>> 0);
}
