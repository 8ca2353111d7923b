import { Writer } from "../../codec/index.ts";
import { fromHex } from "../../util/bytes.ts";
import type { BlockHash, UnixSeconds } from "../../util/ids.ts";
import { maxU64 } from "../../util/units.ts";
import { channelState } from "./channelTable.ts";
import { type EdgeColumns, ownEdgeFlag } from "./edgeColumns.ts";
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
  const order = tables.nodes.sorted();
  const places = new Uint32Array(tables.nodes.limit);
  for (const [place, counter] of order.entries()) places[counter] = place;
  const nodes = new Writer(order.length * rowLength.nodes);
  for (const counter of order) nodes.bytes(tables.nodes.keyOf(counter));
  const sections = {
    nodes: nodes.finish(),
    channels: channelRows(tables, slots, places),
    ...messageRows(tables, slots),
    ...termRows(tables, slots),
    nodeDetails: nodeEntries(tables, order),
    ...removedRows(removed),
  };
  const length = Object.values(sections).reduce((sum, section) => sum + section.length, 0);
  const writer = new Writer(length + 256);
  graphRecord.write(writer, {
    chainHash,
    ...(lastRapidGossipSync !== undefined && { lastRapidGossipSync }),
    ...sections,
  });
  return writer.finish();
}

function channelRows(tables: GraphTables, slots: Uint32Array, places: Uint32Array): Uint8Array {
  const { channels } = tables;
  const { edges } = channels;
  const view = new DataView(new ArrayBuffer(slots.length * rowLength.channels));
  let at = 0;
  for (const slot of slots) {
    const edge = 2 * slot;
    const capacity = edges.amount(edge, edgeAmount.capacity);
    view.setUint32(at, edges.word(edge, edgeWord.shortChannelIdHigh));
    view.setUint32(at + 4, edges.word(edge, edgeWord.shortChannelIdLow));
    view.setUint32(at + 8, places[edges.word(edge, edgeWord.source)] ?? 0);
    view.setUint32(at + 12, places[edges.word(edge, edgeWord.target)] ?? 0);
    if (capacity < 0) view.setBigUint64(at + 16, maxU64);
    else setAmount(view, at + 16, capacity);
    view.setUint32(at + 24, channels.receivedAt(slot));
    view.setUint8(
      at + 28,
      (channels.is(slot, channelState.fundingVerified) ? storedChannel.fundingVerified : 0) |
        (channels.is(slot, channelState.hasMessage) ? storedChannel.hasMessage : 0) |
        (tables.hasTerms(edge) ? storedChannel.oneToTwo : 0) |
        (tables.hasTerms(edge + 1) ? storedChannel.twoToOne : 0),
    );
    at += rowLength.channels;
  }
  return new Uint8Array(view.buffer);
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
  const view = new DataView(new ArrayBuffer(slots.length * 2 * rowLength.terms));
  const updates = new Writer();
  const fields = new Writer();
  let place = 0;
  for (const slot of slots) {
    for (let edge = 2 * slot; edge <= 2 * slot + 1; edge++) {
      if (!edges.hasFlag(edge, edgeFlag.hasTerms)) continue;
      setTerms(view, place * rowLength.terms, { edges, edge });
      if (edges.hasFlag(edge, ownEdgeFlag.hasMessage)) {
        const { messageFlags, channelFlags } = edges.messageFlags(edge);
        updates.bytes(channels.updates.row(edge)).u8(messageFlags).u8(channelFlags);
        writeEntry(fields, place, channels.updates.unknownFields(edge));
      }
      place++;
    }
  }
  return {
    terms: new Uint8Array(view.buffer, 0, place * rowLength.terms),
    updates: updates.finish(),
    updateFields: fields.finish(),
  };
}

function setTerms(
  view: DataView,
  at: number,
  { edges, edge }: { readonly edges: EdgeColumns; readonly edge: number },
): void {
  setAmount(view, at, edges.amount(edge, edgeAmount.htlcMinimum));
  setAmount(view, at + 8, edges.amount(edge, edgeAmount.htlcMaximum));
  view.setUint32(at + 16, edges.word(edge, edgeWord.feeBaseMsat));
  view.setUint32(at + 20, edges.word(edge, edgeWord.feeProportionalMillionths));
  view.setUint16(at + 24, edges.word(edge, edgeWord.cltvExpiryDelta));
  view.setUint32(at + 26, edges.word(edge, edgeWord.lastUpdate));
  view.setUint8(
    at + 30,
    (edges.hasFlag(edge, ownEdgeFlag.disabled) ? storedTerms.disabled : 0) |
      (edges.hasFlag(edge, ownEdgeFlag.hasMessage) ? storedTerms.hasMessage : 0),
  );
}

function nodeEntries({ nodes, details }: GraphTables, order: Uint32Array): Uint8Array {
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

function removedRows({ channels, nodes, spent }: RemovedEntries) {
  const closedChannels = new Writer();
  const failedNodes = new Writer();
  const spentChannels = new Writer();
  for (const [id, at] of channels) closedChannels.u64(id).u32(at);
  for (const [id, at] of nodes) failedNodes.bytes(fromHex(id)).u32(at);
  for (const [id, at] of spent) spentChannels.u64(id).u32(at);
  return {
    closedChannels: closedChannels.finish(),
    failedNodes: failedNodes.finish(),
    ...(spent.size > 0 && { spentChannels: spentChannels.finish() }),
  };
}

function writeEntry(writer: Writer, place: number, bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) writer.u32(place).u16(bytes.length).bytes(bytes);
}

function setAmount(view: DataView, at: number, amount: number): void {
  view.setUint32(at, Math.floor(amount / 2 ** 32));
  view.setUint32(at + 4, amount);
}
