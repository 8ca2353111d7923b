import { chainHash, restInPlace, type TypeOf, tlvs, u32, versionedRecord } from "../../codec/index.ts";

/*
 * A graph as bytes. All rows have one length and stand one behind another, so that counts need not be told, and cannot
 * be wrong. Channels are in the order of their ids, nodes in that of their keys; a channel is named by its place.
 */

/** Bytes of a row, by section. */
export const rowLength = {
  /** The key. */
  nodes: 33,
  /** Id, places of both nodes, capacity in msat (all ones when unknown), when its announcement came, state. */
  channels: 8 + 4 + 4 + 8 + 4 + 1,
  /** Least and greatest HTLC in msat, base fee, proportional fee, CLTV delta, time, `storedEdge` bits. */
  terms: 8 + 8 + 4 + 4 + 2 + 4 + 1,
  /** Four signatures and two keys. */
  announcements: 4 * 64 + 2 * 33,
  /** Signature, `message_flags`, `channel_flags`. */
  updates: 64 + 1 + 1,
  /** Id, and when it was removed. */
  closedChannels: 8 + 4,
  failedNodes: 33 + 4,
  /** Id, and height of the block that spends its output. */
  spentChannels: 8 + 4,
} as const;

/** Bits of a channel's state. */
export const storedChannel = {
  fundingVerified: 1,
  /** It has a row among the announcements. */
  hasMessage: 2,
  /** There is a row of terms for node one. */
  oneToTwo: 4,
  /** There is one for node two. */
  twoToOne: 8,
  all: 15,
} as const;

/** Bits of terms. */
export const storedTerms = {
  disabled: 1,
  /** There is a row among the updates. */
  hasMessage: 2,
  all: 3,
} as const;

/** Bits of what a node says. */
export const storedNode = {
  /** It begins with a signature. */
  isSigned: 1,
  all: 1,
} as const;

/**
 * The sections. Those named below `chainHash` and `lastRapidGossipSync` are rows as above, or entries of varying
 * length: a place (u32), for nodes a byte of bits, a length (u16), and so many bytes.
 */
export const graphRecord = versionedRecord(
  { version: 1, oldestReader: 1 },
  tlvs("network_graph", {
    chainHash: { type: 0, codec: chainHash, required: true },
    lastRapidGossipSync: { type: 1, codec: u32 },
    nodes: { type: 2, codec: restInPlace, required: true },
    closedChannels: { type: 3, codec: restInPlace, required: true },
    channels: { type: 4, codec: restInPlace, required: true },
    failedNodes: { type: 5, codec: restInPlace, required: true },
    terms: { type: 6, codec: restInPlace, required: true },
    /** Absent when there are none. */
    spentChannels: { type: 7, codec: restInPlace },
    /** Features of channels that have any. */
    channelFeatures: { type: 8, codec: restInPlace, required: true },
    announcements: { type: 10, codec: restInPlace, required: true },
    /** Fields of `channel_announcement`s that we do not know. */
    announcementFields: { type: 12, codec: restInPlace, required: true },
    updates: { type: 14, codec: restInPlace, required: true },
    /** Fields of `channel_update`s that we do not know, by the place of the terms. */
    updateFields: { type: 16, codec: restInPlace, required: true },
    /** What nodes say of themselves: `node_announcement`s without their type. */
    nodeDetails: { type: 18, codec: restInPlace, required: true },
  }),
);

export type GraphSections = TypeOf<typeof graphRecord>;
