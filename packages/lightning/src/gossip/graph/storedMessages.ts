import { type BlockHash, blockHashToInternal } from "../../util/ids.ts";
import { channelAnnouncement, channelUpdate, nodeAnnouncement } from "../../wire/index.ts";
import { channelState } from "./channelTable.ts";
import { ownEdgeFlag } from "./edgeColumns.ts";
import { type GraphTables, ownNodeFlag } from "./graphTables.ts";
import { edgeAmount, edgeWord } from "./routingGraph.ts";

/*
 * The messages, put together from the columns and what is kept beside them: some hundred thousand in a row
 * when a peer asks for everything, so bytes are copied as they are. The layout is that of `wire/gossip.ts`.
 */

const signatureLength = 64;

/** Puts messages together as they came, byte for byte. Slots and counters that are free have none. */
export class StoredMessages {
  readonly #tables: GraphTables;
  readonly #chainHash: Uint8Array;

  constructor(tables: GraphTables, chainHash: BlockHash) {
    this.#tables = tables;
    this.#chainHash = blockHashToInternal(chainHash);
  }

  /** The `channel_announcement`, its type first; undefined when none was signed. */
  announcement(slot: number): Uint8Array | undefined {
    const { nodes, channels } = this.#tables;
    if (!channels.is(slot, channelState.hasMessage)) return undefined;
    const { edges } = channels;
    const features = channels.features.get(slot);
    const unknown = channels.announcements.unknownFields(slot);
    const row = channels.announcements.row(slot);
    const length = 2 + row.length + 2 + (features?.length ?? 0) + 32 + 8 + 2 * 33 + (unknown?.length ?? 0);
    const message = new Builder(length);
    message.u16(channelAnnouncement.number);
    message.bytes(row.subarray(0, 4 * signatureLength));
    message.u16(features?.length ?? 0);
    if (features !== undefined) message.bytes(features);
    message.bytes(this.#chainHash);
    message.u32(edges.word(2 * slot, edgeWord.shortChannelIdHigh));
    message.u32(edges.word(2 * slot, edgeWord.shortChannelIdLow));
    message.bytes(nodes.keyOf(edges.word(2 * slot, edgeWord.source)));
    message.bytes(nodes.keyOf(edges.word(2 * slot, edgeWord.target)));
    message.bytes(row.subarray(4 * signatureLength));
    if (unknown !== undefined) message.bytes(unknown);
    return message.finished;
  }

  /** The `channel_update`, its type first; undefined when it is not kept. */
  update(edge: number): Uint8Array | undefined {
    const { edges, updates } = this.#tables.channels;
    if (!edges.hasFlag(edge, ownEdgeFlag.hasMessage)) return undefined;
    const unknown = updates.unknownFields(edge);
    const { messageFlags, channelFlags } = edges.messageFlags(edge);
    const message = new Builder(138 + (unknown?.length ?? 0));
    message.u16(channelUpdate.number);
    message.bytes(updates.row(edge));
    message.bytes(this.#chainHash);
    message.u32(edges.word(edge, edgeWord.shortChannelIdHigh));
    message.u32(edges.word(edge, edgeWord.shortChannelIdLow));
    message.u32(edges.word(edge, edgeWord.lastUpdate));
    message.u16(messageFlags * 256 + channelFlags);
    message.u16(edges.word(edge, edgeWord.cltvExpiryDelta));
    message.amount(edges.amount(edge, edgeAmount.htlcMinimum));
    message.u32(edges.word(edge, edgeWord.feeBaseMsat));
    message.u32(edges.word(edge, edgeWord.feeProportionalMillionths));
    message.amount(edges.amount(edge, edgeAmount.htlcMaximum));
    if (unknown !== undefined) message.bytes(unknown);
    return message.finished;
  }

  /** The `node_announcement`, its type first; undefined when none was signed. */
  node(counter: number): Uint8Array | undefined {
    const { nodes, details } = this.#tables;
    if (!nodes.hasFlag(counter, ownNodeFlag.hasMessage)) return undefined;
    const kept = details.bytesOf(counter);
    const message = new Builder(2 + kept.length);
    message.u16(nodeAnnouncement.number);
    message.bytes(kept);
    return message.finished;
  }
}

/** Fills bytes of a known length. */
class Builder {
  readonly finished: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.finished = new Uint8Array(length);
    this.#view = new DataView(this.finished.buffer);
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  /** A u64 that a column holds exactly. */
  amount(value: number): void {
    this.u32(Math.floor(value / 2 ** 32));
    this.u32(value);
  }

  bytes(value: Uint8Array): void {
    this.finished.set(value, this.#at);
    this.#at += value.length;
  }
}
