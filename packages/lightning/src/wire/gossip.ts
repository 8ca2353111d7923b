import {
  bigSize,
  bool,
  bytes,
  chainHash,
  channelId,
  compressedKey,
  many,
  msat32,
  msat64,
  nodeId,
  rest,
  shortChannelId,
  signature,
  struct,
  type TypeOf,
  tlvs,
  u8,
  u16,
  u32,
  varBytes,
} from "../codec/index.ts";
import { message } from "./message.ts";

/** Our halves of the signatures that `channel_announcement` needs. */
export const announcementSignatures = message(
  {
    type: "announcement_signatures",
    number: 259,
    section: 'BOLT 7, "The announcement_signatures Message"',
  },
  { channelId, shortChannelId, nodeSignature: signature, bitcoinSignature: signature },
);
/** @ldk lightning::ln::msgs::AnnouncementSignatures */
export interface AnnouncementSignatures extends TypeOf<typeof announcementSignatures> {}

// Announcements are signed as a whole, what we do not understand included: `unknownFields` holds all that follows the
// known fields, so that encoding a decoded announcement gives the very bytes that were signed.

/** Proves that a channel exists between two nodes. */
export const channelAnnouncement = message(
  { type: "channel_announcement", number: 256, section: 'BOLT 7, "The channel_announcement Message"' },
  {
    nodeSignature1: signature,
    nodeSignature2: signature,
    bitcoinSignature1: signature,
    bitcoinSignature2: signature,
    features: varBytes,
    chainHash,
    shortChannelId,
    nodeId1: nodeId,
    nodeId2: nodeId,
    bitcoinKey1: compressedKey,
    bitcoinKey2: compressedKey,
    unknownFields: rest,
  },
);
/** @ldk lightning::ln::msgs::ChannelAnnouncement */
export interface ChannelAnnouncement extends TypeOf<typeof channelAnnouncement> {}

/** What a node says of itself. */
export const nodeAnnouncement = message(
  { type: "node_announcement", number: 257, section: 'BOLT 7, "The node_announcement Message"' },
  {
    signature,
    features: varBytes,
    timestamp: u32,
    nodeId,
    /** Red, green, blue. */
    rgbColor: bytes(3),
    /** UTF-8, padded with zeros; chosen by the node, unverified. */
    alias: bytes(32),
    /** Address descriptors: see `decodeAddresses`. */
    addresses: varBytes,
    unknownFields: rest,
  },
);
/** @ldk lightning::ln::msgs::NodeAnnouncement */
export interface NodeAnnouncement extends TypeOf<typeof nodeAnnouncement> {}

/** The terms on which one side of a channel forwards. */
export const channelUpdate = message(
  { type: "channel_update", number: 258, section: 'BOLT 7, "The channel_update Message"' },
  {
    signature,
    chainHash,
    shortChannelId,
    timestamp: u32,
    /** Bit 1: do not forward. */
    messageFlags: u8,
    /** Bit 0: direction, 0 from `node_id_1`; bit 1: disabled. */
    channelFlags: u8,
    cltvExpiryDelta: u16,
    htlcMinimumMsat: msat64,
    feeBaseMsat: msat32,
    feeProportionalMillionths: u32,
    htlcMaximumMsat: msat64,
    unknownFields: rest,
  },
);
/** @ldk lightning::ln::msgs::ChannelUpdate */
export interface ChannelUpdate extends TypeOf<typeof channelUpdate> {}

/** Asks for announcements and updates of these channels. */
export const queryShortChannelIds = message(
  {
    type: "query_short_channel_ids",
    number: 261,
    section: 'BOLT 7, "The query_short_channel_ids/reply_short_channel_ids_end Messages"',
  },
  {
    chainHash,
    /** See `decodeShortChannelIds`. */
    encodedShortIds: varBytes,
    tlvs: tlvs("query_short_channel_ids_tlvs", {
      /** See `decodeQueryFlags`. */
      queryFlags: {
        type: 1,
        codec: struct("query_flags", { encodingType: u8, encodedQueryFlags: rest }),
      },
    }),
  },
);
/** @ldk lightning::ln::msgs::QueryShortChannelIds */
export interface QueryShortChannelIds extends TypeOf<typeof queryShortChannelIds> {}

/** Ends the answer to `query_short_channel_ids`; `fullInformation` says whether the sender keeps up with that chain. */
export const replyShortChannelIdsEnd = message(
  {
    type: "reply_short_channel_ids_end",
    number: 262,
    section: 'BOLT 7, "The query_short_channel_ids/reply_short_channel_ids_end Messages"',
  },
  { chainHash, fullInformation: bool },
);
/** @ldk lightning::ln::msgs::ReplyShortChannelIdsEnd */
export interface ReplyShortChannelIdsEnd extends TypeOf<typeof replyShortChannelIdsEnd> {}

/** Asks which channels the receiver knows in a range of blocks. */
export const queryChannelRange = message(
  {
    type: "query_channel_range",
    number: 263,
    section: 'BOLT 7, "The query_channel_range and reply_channel_range Messages"',
  },
  {
    chainHash,
    firstBlocknum: u32,
    numberOfBlocks: u32,
    tlvs: tlvs("query_channel_range_tlvs", {
      /** Bit 0: the sender wants timestamps; bit 1: checksums. */
      queryOption: { type: 1, codec: bigSize },
    }),
  },
);
/** @ldk lightning::ln::msgs::QueryChannelRange */
export interface QueryChannelRange extends TypeOf<typeof queryChannelRange> {}

/** A part of the answer to `query_channel_range`. */
export const replyChannelRange = message(
  {
    type: "reply_channel_range",
    number: 264,
    section: 'BOLT 7, "The query_channel_range and reply_channel_range Messages"',
  },
  {
    chainHash,
    firstBlocknum: u32,
    numberOfBlocks: u32,
    syncComplete: bool,
    /** See `decodeShortChannelIds`. */
    encodedShortIds: varBytes,
    tlvs: tlvs("reply_channel_range_tlvs", {
      /** See `decodeTimestamps`. */
      timestampsTlv: {
        type: 1,
        codec: struct("timestamps_tlv", { encodingType: u8, encodedTimestamps: rest }),
      },
      checksumsTlv: {
        type: 3,
        codec: many(struct("channel_update_checksums", { checksumNodeId1: u32, checksumNodeId2: u32 })),
      },
    }),
  },
);
/** @ldk lightning::ln::msgs::ReplyChannelRange */
export interface ReplyChannelRange extends TypeOf<typeof replyChannelRange> {}

/** From now on send me gossip with timestamps in this range, seconds since 1970. */
export const gossipTimestampFilter = message(
  {
    type: "gossip_timestamp_filter",
    number: 265,
    section: 'BOLT 7, "The gossip_timestamp_filter Message"',
  },
  { chainHash, firstTimestamp: u32, timestampRange: u32 },
);
/** @ldk lightning::ln::msgs::GossipTimestampFilter */
export interface GossipTimestampFilter extends TypeOf<typeof gossipTimestampFilter> {}
