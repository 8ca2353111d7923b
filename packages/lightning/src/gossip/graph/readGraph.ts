import { DecodeError, Reader } from "../../codec/index.ts";
import { compareBytes, equalBytes, noBytes, toHex } from "../../util/bytes.ts";
import {
  type BlockHash,
  type BlockHeight,
  nodeIdOf,
  type ShortChannelId,
  type UnixSeconds,
} from "../../util/ids.ts";
import { Features } from "../../wire/index.ts";
import { maxMessageLength } from "./acceptance.ts";
import { channelState } from "./channelTable.ts";
import { largestAmount, ownEdgeFlag } from "./edgeColumns.ts";
import {
  type GraphSections,
  graphRecord,
  rowLength,
  storedChannel,
  storedNode,
  storedTerms,
} from "./graphRecord.ts";
import { GraphTables, nodeFlagsOf, ownNodeFlag } from "./graphTables.ts";
import { RemovedEntries } from "./removedEntries.ts";
import { edgeWord } from "./routingGraph.ts";
import type { GraphContents } from "./writeGraph.ts";

/**
 * The graph that `writeGraph` wrote. Takes no more memory than a few times the bytes, and refuses whatever `writeGraph`
 * would not have written, as far as it bears on the graph's consistency; signatures are not verified again. Throws
 * `DecodeError`.
 */
export function readGraph(
  bytes: Uint8Array,
  { chainHash, seed }: { readonly chainHash: BlockHash; readonly seed: number },
): GraphContents {
  const reader = new Reader(bytes);
  const sections = graphRecord.read(reader);
  reader.expectEnd();
  if (sections.chainHash !== chainHash)
    throw reader.error(`graph of chain ${sections.chainHash}`, "chainHash");
  const nodes = rows(sections, "nodes");
  const channels = rows(sections, "channels");
  const tables = new GraphTables(seed, { nodes: nodes.count, channels: channels.count });
  readNodes(tables, nodes);
  readTerms(tables, readChannels(tables, channels, sections), sections);
  connectAll(tables);
  readNodeDetails(tables, sections);
  const { lastRapidGossipSync } = sections;
  return {
    tables,
    removed: readRemoved(sections),
    ...(lastRapidGossipSync !== undefined && { lastRapidGossipSync: lastRapidGossipSync as UnixSeconds }),
  };
}

/** A section of rows. */
interface Rows {
  readonly section: keyof typeof rowLength;
  readonly reader: Reader;
  readonly count: number;
}

function rows(sections: GraphSections, section: keyof typeof rowLength): Rows {
  const bytes = sections[section] ?? noBytes;
  const reader = new Reader(bytes);
  if (bytes.length % rowLength[section] !== 0) throw reader.error("not whole rows", section);
  return { section, reader, count: bytes.length / rowLength[section] };
}

function readNodes({ nodes }: GraphTables, { reader, count, section }: Rows): void {
  let last: Uint8Array | undefined;
  for (let place = 0; place < count; place++) {
    const key = reader.bytes(33);
    if (key[0] !== 2 && key[0] !== 3) throw reader.error("not a compressed point", section);
    if (last !== undefined && compareBytes(last, key) >= 0) throw reader.error("not in order", section);
    nodes.add(key);
    last = key;
  }
}

/** Gives which rows of terms there are, by edge. */
function readChannels(
  tables: GraphTables,
  { reader, count, section }: Rows,
  sections: GraphSections,
): Uint8Array {
  const { channels, nodes } = tables;
  const announcements = rows(sections, "announcements");
  const hasTerms = new Uint8Array(2 * count);
  const ids = { high: -1, low: 0 };
  for (let slot = 0; slot < count; slot++) {
    const high = reader.u32();
    const low = reader.u32();
    const isNext = high > ids.high || (high === ids.high && low > ids.low);
    if (!isNext) throw reader.error("not in order", section);
    ids.high = high;
    ids.low = low;
    const one = reader.u32();
    const two = reader.u32();
    if (one >= two || two >= nodes.count) throw reader.error("no such nodes", section);
    const capacity = readCapacity(reader);
    channels.add({ high, low }, { one, two }, reader.u32() as UnixSeconds);
    channels.edges.setCapacity(slot, capacity);
    const state = readBits(reader, storedChannel.all);
    hasTerms[2 * slot] = state & storedChannel.oneToTwo;
    hasTerms[2 * slot + 1] = state & storedChannel.twoToOne;
    if ((state & storedChannel.fundingVerified) !== 0) channels.set(slot, channelState.fundingVerified);
    if ((state & storedChannel.hasMessage) === 0) continue;
    channels.announcements.row(slot).set(announcements.reader.bytes(rowLength.announcements));
    channels.set(slot, channelState.hasMessage);
  }
  announcements.reader.expectEnd();
  readEntries(sections.announcementFields, count, (slot, bytes, entries) => {
    if (!channels.is(slot, channelState.hasMessage)) throw entries.error("fields of no announcement");
    channels.announcements.keepUnknownFields(slot, bytes);
  });
  readEntries(sections.channelFeatures, count, (slot, bytes) => tables.setChannelFeatures(slot, bytes));
  return hasTerms;
}

/** Makes the edges known to their nodes, each of which must have one. */
function connectAll(tables: GraphTables): void {
  const { channels, nodes, adjacency } = tables;
  const degrees = new Uint32Array(nodes.count);
  for (let edge = 0; edge < 2 * channels.count; edge++) {
    const target = channels.edges.word(edge, edgeWord.target);
    degrees[target] = (degrees[target] ?? 0) + 1;
  }
  if (degrees.includes(0)) throw new DecodeError("a node without channels", 0, "nodes");
  adjacency.reserve(degrees);
  for (let slot = 0; slot < channels.count; slot++) {
    tables.connect(slot, {
      one: channels.edges.word(2 * slot, edgeWord.source),
      two: channels.edges.word(2 * slot, edgeWord.target),
    });
  }
}

function readTerms({ channels }: GraphTables, hasTerms: Uint8Array, sections: GraphSections): void {
  const { reader, count } = rows(sections, "terms");
  const updates = rows(sections, "updates");
  const edges = new Uint32Array(count);
  let places = 0;
  for (let edge = 0; edge < hasTerms.length; edge++) {
    if (hasTerms[edge] === 0) continue;
    edges[places++] = edge;
    const terms = {
      minimum: readAmount(reader),
      maximum: readAmount(reader),
      feeBaseMsat: reader.u32(),
      feeProportionalMillionths: reader.u32(),
      cltvExpiryDelta: reader.u16(),
      lastUpdate: reader.u32(),
      enabled: true,
    };
    const state = readBits(reader, storedTerms.all);
    terms.enabled = (state & storedTerms.disabled) === 0;
    const message = (state & storedTerms.hasMessage) === 0 ? undefined : readUpdate(updates.reader);
    if (message !== undefined) channels.updates.row(edge).set(message.signature);
    channels.edges.setNumbers(edge, terms, message);
  }
  reader.expectEnd();
  updates.reader.expectEnd();
  readEntries(sections.updateFields, count, (place, bytes, entries) => {
    const edge = edges[place] ?? 0;
    if (!channels.edges.hasFlag(edge, ownEdgeFlag.hasMessage)) throw entries.error("fields of no update");
    channels.updates.keepUnknownFields(edge, bytes);
  });
}

function readUpdate(reader: Reader) {
  return { signature: reader.bytes(64), messageFlags: reader.u8(), channelFlags: reader.u8() };
}

function readNodeDetails(tables: GraphTables, { nodeDetails }: GraphSections): void {
  const { nodes, details } = tables;
  /** Few nodes have features of their own. */
  const flagsOf = new Map<string, number>();
  const reader = new Reader(nodeDetails);
  let next = 0;
  while (reader.remaining > 0) {
    const counter = reader.u32();
    if (counter < next || counter >= nodes.count) throw reader.error("no such node", "nodeDetails");
    next = counter + 1;
    const isSigned = readBits(reader, storedNode.all) === storedNode.isSigned;
    const length = reader.u16();
    if (length > maxMessageLength) throw reader.error(`${length} bytes about a node`, "nodeDetails");
    const bytes = reader.bytes(length);
    const fields = new Reader(bytes);
    if (isSigned) fields.bytes(64);
    const features = fields.bytes(fields.u16());
    const lastUpdate = fields.u32();
    if (!equalBytes(fields.bytes(33), nodes.keyOf(counter)))
      throw fields.error("of another node", "nodeDetails");
    fields.bytes(3 + 32);
    fields.bytes(fields.u16());
    const name = toHex(features);
    const flags = flagsOf.get(name) ?? nodeFlagsOf(Features.fromBytes(features));
    flagsOf.set(name, flags);
    details.keep(counter, lastUpdate, bytes);
    nodes.flags[counter] = flags | (isSigned ? ownNodeFlag.hasMessage : 0);
  }
}

function readRemoved(sections: GraphSections): RemovedEntries {
  const removed = new RemovedEntries();
  const closed = rows(sections, "closedChannels");
  for (let i = 0; i < closed.count; i++) {
    const id = closed.reader.u64() as ShortChannelId;
    if (removed.channels.has(id)) throw closed.reader.error("closed twice", "closedChannels");
    removed.addChannel(id, closed.reader.u32() as UnixSeconds);
  }
  const failed = rows(sections, "failedNodes");
  for (let i = 0; i < failed.count; i++) {
    const id = nodeIdOf(failed.reader.bytes(33));
    if (removed.nodes.has(id)) throw failed.reader.error("failed twice", "failedNodes");
    removed.addNode(id, failed.reader.u32() as UnixSeconds);
  }
  const spent = rows(sections, "spentChannels");
  for (let i = 0; i < spent.count; i++) {
    const id = spent.reader.u64() as ShortChannelId;
    if (removed.spent.has(id)) throw spent.reader.error("spent twice", "spentChannels");
    removed.spent.set(id, spent.reader.u32() as BlockHeight);
  }
  return removed;
}

/** Entries of varying length, by ascending places below `limit`. */
function readEntries(
  section: Uint8Array,
  limit: number,
  take: (place: number, bytes: Uint8Array, reader: Reader) => void,
): void {
  const reader = new Reader(section);
  let next = 0;
  while (reader.remaining > 0) {
    const place = reader.u32();
    if (place < next || place >= limit) throw reader.error("no such place");
    next = place + 1;
    const length = reader.u16();
    if (length === 0 || length > maxMessageLength) throw reader.error(`an entry of ${length} bytes`);
    take(place, reader.bytes(length), reader);
  }
}

function readAmount(reader: Reader): number {
  const high = reader.u32();
  const amount = high * 2 ** 32 + reader.u32();
  if (amount > largestAmount) throw reader.error("amount of 2^53 msat or more");
  return amount;
}

/** -1 for one that is unknown. */
function readCapacity(reader: Reader): number {
  const high = reader.u32();
  const low = reader.u32();
  if (high === 0xffff_ffff && low === 0xffff_ffff) return -1;
  const capacity = high * 2 ** 32 + low;
  if (capacity > largestAmount) throw reader.error("capacity of 2^53 msat or more");
  return capacity;
}

function readBits(reader: Reader, known: number): number {
  const bits = reader.u8();
  if ((bits & ~known) !== 0) throw reader.error("unknown bits");
  return bits;
}
