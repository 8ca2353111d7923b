import type { NodeId, ShortChannelId, UnixSeconds } from "@fulmen/lightning/util";
import {
  type ChannelAnnouncement,
  type ChannelUpdate,
  encodeMessage,
  type Features,
  type NodeAnnouncement,
} from "@fulmen/lightning/wire";
import { chainHash } from "../signedGossip.ts";

const week = 7 * 24 * 3600;
const stale = 2 * week;
const day = 24 * 3600;

export interface NaiveTerms {
  readonly enabled: boolean;
  readonly lastUpdate: number;
  readonly cltvExpiryDelta: number;
  readonly htlcMinimum: bigint;
  readonly htlcMaximum: bigint;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly message?: Uint8Array;
}

export interface NaiveChannel {
  readonly shortChannelId: ShortChannelId;
  readonly nodes: readonly [NodeId, NodeId];
  features: Uint8Array;
  fundingVerified: boolean;
  /** In sat. */
  capacity?: bigint;
  readonly announcementReceivedAt: number;
  message?: Uint8Array;
  readonly terms: [NaiveTerms | undefined, NaiveTerms | undefined];
}

export interface NaiveNode {
  readonly lastUpdate: number;
  readonly features: Uint8Array;
  readonly alias: Uint8Array;
  readonly message?: Uint8Array;
}

/** What the graph should do, with maps and objects, from its description alone. Gives what a call should give. */
export class NaiveGraph {
  readonly channels = new Map<ShortChannelId, NaiveChannel>();
  readonly announcements = new Map<NodeId, NaiveNode>();
  readonly #closed = new Map<ShortChannelId, number>();
  readonly #failed = new Map<NodeId, number>();
  readonly #maxChannels: number;

  constructor(maxChannels: number) {
    this.#maxChannels = maxChannels;
  }

  channelsOf(id: NodeId): readonly NaiveChannel[] {
    return [...this.channels.values()].filter(({ nodes }) => nodes.includes(id));
  }

  nodeIds(): readonly NodeId[] {
    return [...new Set([...this.channels.values()].flatMap(({ nodes }) => nodes))].toSorted();
  }

  /** A signed announcement; `capacity` is what the chain knows, if it is asked. */
  announce(message: ChannelAnnouncement, now: UnixSeconds, capacity?: bigint): string {
    const { shortChannelId, nodeId1, nodeId2 } = message;
    const known = this.channels.get(shortChannelId);
    const isSame = known?.nodes[0] === nodeId1 && known.nodes[1] === nodeId2;
    const mayReplace = capacity !== undefined || (isSame && known.message === undefined);
    if (known !== undefined && (known.fundingVerified || !mayReplace)) return "duplicate";
    if (this.#closed.has(shortChannelId)) return "channel-closed";
    if (this.#failed.has(nodeId1) || this.#failed.has(nodeId2)) return "node-failed";
    if (known === undefined && this.channels.size >= this.#maxChannels) return "full";
    if (!isSame) {
      this.#remove(shortChannelId);
      this.#add(shortChannelId, [nodeId1, nodeId2], now);
    }
    const channel = this.channels.get(shortChannelId) as NaiveChannel;
    channel.message = encodeMessage(message);
    channel.features = message.features;
    if (capacity === undefined) return "added";
    channel.fundingVerified = true;
    channel.capacity = capacity;
    for (const side of [0, 1] as const) {
      if ((channel.terms[side]?.htlcMaximum ?? 0n) > capacity * 1000n) channel.terms[side] = undefined;
    }
    return "added";
  }

  announceUnsigned(
    channel: { shortChannelId: ShortChannelId; nodeOne: NodeId; nodeTwo: NodeId; features: Features },
    now: UnixSeconds,
    capacity?: bigint,
  ): string {
    const { shortChannelId, nodeOne, nodeTwo, features } = channel;
    if (this.channels.has(shortChannelId)) return "duplicate";
    if (this.#closed.has(shortChannelId)) return "channel-closed";
    if (this.#failed.has(nodeOne) || this.#failed.has(nodeTwo)) return "node-failed";
    if (this.channels.size >= this.#maxChannels) return "full";
    const added = this.#add(shortChannelId, [nodeOne, nodeTwo], now);
    added.features = features.toBytes();
    if (capacity !== undefined) added.capacity = capacity;
    return "added";
  }

  update(message: ChannelUpdate, now: UnixSeconds, isSigned: boolean): string {
    const { shortChannelId, timestamp } = message;
    const channel = this.channels.get(shortChannelId);
    if (!isSigned && channel === undefined) return "unknown-channel";
    if (timestamp < now - stale || timestamp > now + day) return "timestamp-out-of-range";
    if (channel === undefined) return "unknown-channel";
    const side = (message.channelFlags & 1) as 0 | 1;
    const last = channel.terms[side]?.lastUpdate;
    if (last === timestamp) return "duplicate";
    if (last !== undefined && timestamp < last) return "stale";
    const most = channel.capacity === undefined ? 21n * 10n ** 17n : channel.capacity * 1000n;
    if (message.htlcMaximumMsat > most) return "htlc-maximum-too-large";
    const largest = BigInt(Number.MAX_SAFE_INTEGER);
    const isExact = message.htlcMinimumMsat <= largest && message.htlcMaximumMsat <= largest;
    channel.terms[side] = {
      enabled: (message.channelFlags & 2) === 0,
      lastUpdate: timestamp,
      cltvExpiryDelta: message.cltvExpiryDelta,
      htlcMinimum: message.htlcMinimumMsat < largest ? message.htlcMinimumMsat : largest,
      htlcMaximum: message.htlcMaximumMsat < largest ? message.htlcMaximumMsat : largest,
      feeBaseMsat: Number(message.feeBaseMsat),
      feeProportionalMillionths: message.feeProportionalMillionths,
      ...(isSigned && isExact && { message: encodeMessage(message) }),
    };
    return "updated";
  }

  describe(message: NodeAnnouncement, now: UnixSeconds, isSigned: boolean): string {
    const { nodeId, timestamp, features, alias } = message;
    const isKnown = this.channelsOf(nodeId).length > 0;
    if (!isSigned && !isKnown) return "unknown-node";
    if (timestamp > now + day) return "timestamp-out-of-range";
    if (!isKnown) return "unknown-node";
    const last = this.announcements.get(nodeId)?.lastUpdate;
    if (last === timestamp) return "duplicate";
    if (last !== undefined && timestamp < last) return "stale";
    this.announcements.set(nodeId, {
      lastUpdate: timestamp,
      features,
      alias,
      ...(isSigned && { message: encodeMessage(message) }),
    });
    return "updated";
  }

  close(id: ShortChannelId, now: UnixSeconds): void {
    if (!this.channels.has(id)) return;
    this.#remove(id);
    this.#closed.set(id, now);
  }

  fail(nodeId: NodeId, now: UnixSeconds): void {
    const theirs = this.channelsOf(nodeId);
    for (const { shortChannelId } of theirs) this.close(shortChannelId, now);
    if (theirs.length > 0) this.#failed.set(nodeId, now);
  }

  prune(now: UnixSeconds): void {
    for (const channel of [...this.channels.values()]) {
      for (const side of [0, 1] as const) {
        if ((channel.terms[side]?.lastUpdate ?? now) < now - stale) channel.terms[side] = undefined;
      }
      const isOneSided = channel.terms.includes(undefined);
      if (isOneSided && channel.announcementReceivedAt < now - stale) this.#remove(channel.shortChannelId);
    }
    for (const map of [this.#closed, this.#failed] as Map<unknown, number>[]) {
      for (const [key, at] of map) if (now - at >= week) map.delete(key);
    }
  }

  #add(
    shortChannelId: ShortChannelId,
    nodes: readonly [NodeId, NodeId],
    announcementReceivedAt: UnixSeconds,
  ): NaiveChannel {
    const channel: NaiveChannel = {
      shortChannelId,
      nodes,
      features: new Uint8Array(0),
      fundingVerified: false,
      announcementReceivedAt,
      terms: [undefined, undefined],
    };
    this.channels.set(shortChannelId, channel);
    return channel;
  }

  #remove(id: ShortChannelId): void {
    const channel = this.channels.get(id);
    this.channels.delete(id);
    for (const nodeId of channel?.nodes ?? []) {
      if (this.channelsOf(nodeId).length === 0) this.announcements.delete(nodeId);
    }
  }
}

/** An announcement that nobody signed: for graphs that are told that the signatures are valid. */
export function unsignedChannel(
  shortChannelId: ShortChannelId,
  nodes: readonly [NodeId, NodeId],
  changes: Partial<ChannelAnnouncement> = {},
): ChannelAnnouncement {
  const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);
  const [nodeId1, nodeId2] = nodes;
  const about = Number(shortChannelId & 0x7fn);
  return {
    type: "channel_announcement",
    nodeSignature1: bytes(64, about) as ChannelAnnouncement["nodeSignature1"],
    nodeSignature2: bytes(64, about + 1) as ChannelAnnouncement["nodeSignature1"],
    bitcoinSignature1: bytes(64, about + 2) as ChannelAnnouncement["nodeSignature1"],
    bitcoinSignature2: bytes(64, about + 3) as ChannelAnnouncement["nodeSignature1"],
    features: new Uint8Array(0),
    chainHash,
    shortChannelId,
    nodeId1,
    nodeId2,
    bitcoinKey1: bytes(33, 2),
    bitcoinKey2: bytes(33, 3),
    unknownFields: new Uint8Array(0),
    ...changes,
  };
}
