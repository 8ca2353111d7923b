import type { BlockHash, NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import type { Msat, Sat } from "../../util/units.ts";
import type { Features, SocketAddress } from "../../wire/index.ts";

/*
 * What a snapshot of rapid gossip sync says, apart from its bytes. The format is LDK's, and has no specification but
 * the crate `lightning-rapid-gossip-sync` and its server; docs/gossip.md describes it.
 *
 *     "LDK" version chain_hash latest_seen
 *     [2: count, node features: those that many nodes have]
 *     count, nodes           33 bytes each [2: flags in the first of them, then addresses, features]
 *     count, channels        features, difference of the id to the one before, indices of its nodes [2: capacity]
 *     count, default terms   unless the count is 0
 *     updates                difference of the id, flags, what differs from the defaults, or from what was said before
 */

/** 1: channels and their terms. 2: what nodes say of themselves and the channels' capacities, too. */
export type RapidVersion = 1 | 2;

/** All that a snapshot says. */
export interface RapidSnapshot {
  readonly version: RapidVersion;
  readonly chainHash: BlockHash;
  /** When the server's graph was as the snapshot tells; a client asks next for what changed since. */
  readonly latestSeen: UnixSeconds;
  /** Nodes of which version 2 says something; those that channels name besides need not be among them. */
  readonly nodes: readonly RapidNode[];
  /** New to the client; ascending. */
  readonly channels: readonly RapidChannel[];
  /** Ascending by channel. */
  readonly updates: readonly RapidChannelUpdate[];
}

/** What has changed about a node; with neither, it is a reminder that nothing has. */
export interface RapidNode {
  readonly nodeId: NodeId;
  readonly addresses?: readonly SocketAddress[];
  readonly features?: Features;
}

/** A channel, without its proof. */
export interface RapidChannel {
  readonly shortChannelId: ShortChannelId;
  /** The lesser of the two ids. */
  readonly nodeOne: NodeId;
  readonly nodeTwo: NodeId;
  readonly features: Features;
  /** Version 2 only. */
  readonly capacity?: Sat;
}

/** What a forwarding node asks. */
export interface RapidTerms {
  readonly cltvExpiryDelta: number;
  readonly htlcMinimum: Msat;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly htlcMaximum: Msat;
}

/** The terms of one direction of a channel, or what has changed of them: with nothing, it is a reminder. */
export type RapidChannelUpdate = {
  readonly shortChannelId: ShortChannelId;
  readonly isFromNodeOne: boolean;
  readonly enabled: boolean;
} & (
  | { readonly kind: "full"; readonly terms: RapidTerms }
  | { readonly kind: "incremental"; readonly changes: Partial<RapidTerms> }
);

/** The first three bytes of a snapshot: `LDK`. */
export const rapidPrefix: readonly number[] = [0x4c, 0x44, 0x4b];

/** Bits of an update's flags; the lower two are those of `channel_update` (BOLT 7). */
export const updateFlag = {
  fromNodeTwo: 1,
  disabled: 1 << 1,
  htlcMaximum: 1 << 2,
  feeProportionalMillionths: 1 << 3,
  feeBaseMsat: 1 << 4,
  htlcMinimum: 1 << 5,
  cltvExpiryDelta: 1 << 6,
  incremental: 1 << 7,
} as const;

/** Bits that version 2 has in the first byte of a node's id. */
export const nodeDetailFlag = {
  /** What is left of the id. */
  parity: 0b11,
  addresses: 1 << 2,
  /** Three bits from here on: 0 for no features, 7 for those that follow, or which of the defaults, counted from 1. */
  featuresShift: 3,
  reminder: 1 << 6,
  /** Something follows that we do not know, behind its length. */
  more: 1 << 7,
} as const;

/** Stands for features that follow, where 1 to 6 stand for a default. */
export const ownFeatures = 7;

/** In version 2, this bit of the second node's index says that the capacity follows. */
export const capacityFollows = 1n << 63n;
