import type { NetworkUpdate } from "../handlers/index.ts";
import { equalBytes } from "../util/bytes.ts";
import type { BlockHash, NodeId, ShortChannelId, UnixSeconds } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { formatShortChannelId } from "../util/shortChannelId.ts";
import { type Msat, msat, type Sat, satToMsat } from "../util/units.ts";
import {
  type ChannelAnnouncement,
  type ChannelUpdate,
  encodeMessage,
  Features,
  type NodeAnnouncement,
  type SocketAddress,
} from "../wire/index.ts";
import type { GossipRefusal } from "./gossipRefusal.ts";
import type {
  ChannelInfo,
  ChannelUpdateInfo,
  NodeAnnouncementInfo,
  NodeInfo,
  ReadOnlyNetworkGraph,
} from "./graphEntries.ts";
import { readAddresses } from "./nodeAddresses.ts";
import { NodeCounters } from "./nodeCounters.ts";
import { PendingChecks, pendingLookupsToPause, type SourcedGossip } from "./pendingChecks.ts";
import { verifyBySigner, verifyChannelAnnouncement } from "./signatures.ts";
import { SortedChannelIds } from "./sortedChannelIds.ts";
import { fundsChannel, type UtxoAnswer, type UtxoLookup } from "./utxoLookup.ts";

export interface NetworkGraphOptions {
  /** Hash of the chain's first block: gossip of other chains is refused. */
  readonly chainHash: BlockHash;
  /** Channels beyond this number are not taken in. Default 200,000: four times what the network had in 2026. */
  readonly maxChannels?: number;
}

/** When and from whom a message came. */
export interface GossipOrigin {
  readonly now: UnixSeconds;
  /** The peer; absent for what we say ourselves. */
  readonly source?: NodeId;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Channel = Mutable<ChannelInfo>;
type Node = Mutable<Omit<NodeInfo, "channels">> & { readonly channels: Channel[] };

/** Seconds after which what was not said anew is old (BOLT 7, "Recommendation on Pruning Stale Entries"). */
export const staleAfter = 14 * 24 * 3600;
/** Seconds by which clocks may differ. */
const maxAhead = 24 * 3600;
/** Seconds for which a closed channel cannot come back. @ldk REMOVED_ENTRIES_TRACKING_AGE_LIMIT_SECS */
const closedTracking = 7 * 24 * 3600;
/** Announcements are 430 to 700 bytes long today; BOLT 7 leaves it to us to keep and relay longer ones. */
const maxMessageLength = 2048;
/** All the bitcoin that will ever be. */
const maxMoney: Msat = msat(21_000_000n * 100_000_000n * 1000n);

/**
 * What is known of the network: verified announcements, with the messages themselves for relay. Sans-IO: time and the
 * chain's answers come in as arguments. All that is taken in was signed by whom it concerns; the channels behind it
 * exist if a `UtxoLookup` says so, or are merely claimed where there is none. Memory is bounded by `maxChannels`.
 *
 * @ldk lightning::routing::gossip::NetworkGraph
 */
export class NetworkGraph implements ReadOnlyNetworkGraph {
  readonly chainHash: BlockHash;
  readonly #maxChannels: number;
  readonly #channels = new Map<ShortChannelId, Channel>();
  readonly #nodes = new Map<NodeId, Node>();
  readonly #ids = new SortedChannelIds();
  readonly #counters = new NodeCounters();
  readonly #closed = new Map<ShortChannelId, UnixSeconds>();
  readonly #pending = new PendingChecks();

  constructor({ chainHash, maxChannels = 200_000 }: NetworkGraphOptions) {
    this.chainHash = chainHash;
    this.#maxChannels = maxChannels;
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get nodeCounterLimit(): number {
    return this.#counters.limit;
  }

  channel(id: ShortChannelId): ChannelInfo | undefined {
    return this.#channels.get(id);
  }

  node(id: NodeId): NodeInfo | undefined {
    return this.#nodes.get(id);
  }

  channels(): Iterable<ChannelInfo> {
    return this.#channels.values();
  }

  nodes(): Iterable<NodeInfo> {
    return this.#nodes.values();
  }

  channelFrom(from: bigint): ChannelInfo | undefined {
    const id = this.#ids.firstFrom(from);
    return id === undefined ? undefined : this.#channels.get(id);
  }

  /**
   * A channel that a peer tells of. With `utxoLookup` it is added once the chain has confirmed it, and `pending` until
   * `utxoResolved` brings the answer. One of which the chain knew is never replaced.
   */
  updateChannelFromAnnouncement(
    message: ChannelAnnouncement,
    { now, source }: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<"added" | "pending", GossipRefusal> {
    const known = this.#channels.get(message.shortChannelId);
    if (known !== undefined && (known.fundingVerified || utxoLookup === undefined)) {
      return refuse("duplicate", `channel ${formatShortChannelId(known.shortChannelId)} is known`);
    }
    const id = message.shortChannelId;
    if (this.#closed.has(id))
      return refuse("channel-closed", `channel ${formatShortChannelId(id)} is closed`);
    if (this.#pending.candidates(id).some(({ announcement }) => sameKeys(announcement.message, message))) {
      return refuse("duplicate", `channel ${formatShortChannelId(id)} is being looked up`);
    }
    if (known === undefined && this.#channels.size >= this.#maxChannels) {
      return refuse("full", `${this.#channels.size} channels`);
    }
    if (utxoLookup !== undefined && !this.#pending.hasRoomFor(id)) return refuse("full", "too many lookups");
    const encoded = this.#checkedAnnouncement(message);
    if (!encoded.ok) return encoded;
    if (utxoLookup === undefined) {
      this.#insert(message, encoded.value, { now, fundingVerified: false });
      return ok("added");
    }
    const waiting = this.#pending.has(id);
    if (!waiting) {
      const answer = utxoLookup.getUtxo(message.chainHash, id);
      if (answer.kind !== "pending") return this.#addVerified(message, answer, now);
    }
    this.#pending.add({ message, ...(source && { source }) }, now);
    return ok("pending");
  }

  /** A channel of ours: its signatures are verified, its funding output is known to exist. */
  addOwnChannel(
    message: ChannelAnnouncement,
    { now, capacity }: { readonly now: UnixSeconds; readonly capacity?: Sat },
  ): Result<"added", GossipRefusal> {
    if (this.#channels.get(message.shortChannelId)?.fundingVerified) {
      return refuse("duplicate", `channel ${formatShortChannelId(message.shortChannelId)} is known`);
    }
    const encoded = this.#checkedAnnouncement(message);
    if (!encoded.ok) return encoded;
    this.#insert(message, encoded.value, {
      now,
      fundingVerified: true,
      ...(capacity !== undefined && { capacity }),
    });
    return ok("added");
  }

  /** Terms of a channel that is known, or being looked up: then they wait for the answer too (`pending`). */
  updateChannel(
    message: ChannelUpdate,
    { now, source }: GossipOrigin,
  ): Result<"updated" | "pending", GossipRefusal> {
    const refusal = this.#refusalOfUpdate(message, now);
    if (refusal !== undefined) return err(refusal);
    const channel = this.#channels.get(message.shortChannelId);
    if (channel === undefined) return this.#holdUpdate({ message, ...(source && { source }) });
    const isOne = isFromNodeOne(message);
    const last = isOne ? channel.oneToTwo : channel.twoToOne;
    const maximum = channel.capacity === undefined ? maxMoney : satToMsat(channel.capacity);
    const name = formatShortChannelId(message.shortChannelId);
    const { timestamp, htlcMaximumMsat } = message;
    if (last !== undefined && timestamp <= last.lastUpdate) {
      const kind = timestamp === last.lastUpdate ? "duplicate" : "stale";
      return refuse(kind, `update of channel ${name} at ${timestamp}, there is one at ${last.lastUpdate}`);
    }
    if (htlcMaximumMsat > maximum) {
      return refuse(
        "htlc-maximum-too-large",
        `${htlcMaximumMsat} msat through channel ${name} of ${maximum}`,
      );
    }
    const encoded = encodeMessage(message);
    if (!verifyBySigner(message, encoded, isOne ? channel.nodeOne : channel.nodeTwo)) {
      return refuse("bad-signature", `update of channel ${name}`);
    }
    const info = updateInfo(message, encoded);
    if (isOne) channel.oneToTwo = info;
    else channel.twoToOne = info;
    return ok("updated");
  }

  /** What a node says of itself, taken in if it has a channel; `pending` if its only channel is being looked up. */
  updateNodeFromAnnouncement(
    message: NodeAnnouncement,
    { now, source }: GossipOrigin,
  ): Result<"updated" | "pending", GossipRefusal> {
    const { nodeId, timestamp } = message;
    if (timestamp > now + maxAhead)
      return refuse("timestamp-out-of-range", `node ${nodeId} at ${timestamp}, it is ${now}`);
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return this.#holdNode({ message, ...(source && { source }) });
    const last = node.announcement?.lastUpdate;
    if (last !== undefined && timestamp <= last) {
      const kind = timestamp === last ? "duplicate" : "stale";
      return refuse(kind, `node ${nodeId} at ${timestamp}, there is an announcement at ${last}`);
    }
    const encoded = encodeMessage(message);
    if (encoded.length > maxMessageLength) return refuse("too-long", `${encoded.length} bytes about a node`);
    if (!verifyBySigner(message, encoded, nodeId)) return refuse("bad-signature", `node ${nodeId}`);
    const addresses = readAddresses(message.addresses);
    if (!addresses.ok) return addresses;
    node.announcement = nodeAnnouncementInfo(message, encoded, addresses.value);
    return ok("updated");
  }

  /**
   * The chain's answer about a channel that is being looked up. Gives what the graph took in for it, in an order in
   * which it can be relayed; nothing when no announcement waited or none fits the output.
   */
  utxoResolved(id: ShortChannelId, answer: UtxoAnswer, now: UnixSeconds): readonly SourcedGossip[] {
    const taken: SourcedGossip[] = [];
    for (const { announcement, updates, nodes } of this.#pending.take(id)) {
      const added = this.#addVerified(announcement.message, answer, now);
      if (added.ok) taken.push(announcement);
      else if (added.error.kind !== "duplicate") continue;
      for (const held of updates) {
        if (held !== undefined && this.updateChannel(held.message, { now }).ok) taken.push(held);
      }
      for (const held of nodes) {
        if (held !== undefined && this.updateNodeFromAnnouncement(held.message, { now }).ok) taken.push(held);
      }
    }
    return taken;
  }

  /** Whether so many lookups are under way that this peer, which waits for one, should not be read from. */
  lookupsHoldUp(source: NodeId): boolean {
    return this.#pending.count >= pendingLookupsToPause && this.#pending.hasFrom(source);
  }

  /**
   * The funding output is spent: the channel goes, and cannot come back for a week. BOLT 7 recommends to wait 72
   * blocks, in which a splice may be announced; so does whoever watches the chain.
   */
  channelClosed(id: ShortChannelId, now: UnixSeconds): void {
    if (!this.#remove(id)) return;
    this.#closed.set(id, now);
  }

  /**
   * What a failed payment says of the network: a channel, or all channels of a node, that are gone for good go, as if
   * they were closed. What may pass is for a scorer to know.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::handle_network_update
   */
  handleNetworkUpdate(update: NetworkUpdate, now: UnixSeconds): void {
    if (!update.isPermanent) return;
    if (update.kind === "channel-failure") {
      this.channelClosed(update.shortChannelId, now);
      return;
    }
    for (const { shortChannelId } of [...(this.#nodes.get(update.nodeId)?.channels ?? [])]) {
      this.channelClosed(shortChannelId, now);
    }
  }

  /**
   * Forgets terms that were not said anew for two weeks, channels without terms from both sides in that time, and
   * closed channels after a week.
   *
   * @ldk lightning::routing::gossip::NetworkGraph::remove_stale_channels_and_tracking_with_time
   */
  removeStaleChannelsAndTracking(now: UnixSeconds): void {
    const oldest = now - staleAfter;
    for (const channel of this.#channels.values()) {
      if (channel.oneToTwo !== undefined && channel.oneToTwo.lastUpdate < oldest) delete channel.oneToTwo;
      if (channel.twoToOne !== undefined && channel.twoToOne.lastUpdate < oldest) delete channel.twoToOne;
      const isOneSided = channel.oneToTwo === undefined || channel.twoToOne === undefined;
      if (isOneSided && channel.announcementReceivedAt < oldest) this.#remove(channel.shortChannelId);
    }
    for (const [id, closedAt] of this.#closed) if (now - closedAt >= closedTracking) this.#closed.delete(id);
  }

  /** Drops lookups that were not answered within a minute, so that they hold nobody up. */
  expireLookups(now: UnixSeconds): void {
    this.#pending.expire(now);
  }

  /** What an announcement must fulfil whoever sent it; gives its encoding. */
  #checkedAnnouncement(message: ChannelAnnouncement): Result<Uint8Array, GossipRefusal> {
    const { chainHash, nodeId1, nodeId2, shortChannelId } = message;
    if (chainHash !== this.chainHash) return refuse("wrong-chain", `channel on chain ${chainHash}`);
    if (nodeId1 >= nodeId2) return refuse("bad-node-order", `channel of ${nodeId1} and ${nodeId2}`);
    const encoded = encodeMessage(message);
    if (encoded.length > maxMessageLength)
      return refuse("too-long", `${encoded.length} bytes about a channel`);
    return verifyChannelAnnouncement(message, encoded)
      ? ok(encoded)
      : refuse("bad-signature", `channel ${formatShortChannelId(shortChannelId)}`);
  }

  /** Adds a channel whose signatures are verified, if the chain has its output. */
  #addVerified(
    message: ChannelAnnouncement,
    answer: UtxoAnswer,
    now: UnixSeconds,
  ): Result<"added", GossipRefusal> {
    const name = formatShortChannelId(message.shortChannelId);
    if (answer.kind === "not-found") return refuse("wrong-funding", `no unspent output ${name}`);
    if (!fundsChannel(answer, message)) return refuse("wrong-funding", `output ${name} pays to other keys`);
    if (this.#channels.get(message.shortChannelId)?.fundingVerified) {
      return refuse("duplicate", `channel ${name} is known`);
    }
    const known = this.#channels.has(message.shortChannelId);
    if (!known && this.#channels.size >= this.#maxChannels) {
      return refuse("full", `${this.#channels.size} channels`);
    }
    this.#insert(message, encodeMessage(message), { now, fundingVerified: true, capacity: answer.value });
    return ok("added");
  }

  /** Adds a channel, or confirms one of the same nodes, whose updates stay. */
  #insert(
    message: ChannelAnnouncement,
    encoded: Uint8Array,
    about: FundingFacts & { now: UnixSeconds },
  ): void {
    const id = message.shortChannelId;
    const known = this.#channels.get(id);
    if (known?.nodeOne === message.nodeId1 && known.nodeTwo === message.nodeId2) {
      confirmFunding(known, encoded, about);
      return;
    }
    this.#remove(id);
    this.#closed.delete(id);
    const one = this.#nodeOrNew(message.nodeId1);
    const two = this.#nodeOrNew(message.nodeId2);
    const features = Features.fromBytes(message.features);
    const channel: Channel = {
      shortChannelId: id,
      nodeOne: one.nodeId,
      nodeTwo: two.nodeId,
      nodeOneCounter: one.counter,
      nodeTwoCounter: two.counter,
      features,
      unknownFeaturesRequired: features.unknownRequiredBits().length > 0,
      fundingVerified: about.fundingVerified,
      ...(about.capacity !== undefined && { capacity: about.capacity }),
      announcementReceivedAt: about.now,
      message: encoded,
    };
    this.#channels.set(id, channel);
    this.#ids.add(id);
    one.channels.push(channel);
    two.channels.push(channel);
  }

  /** Removes a channel, and its nodes if it was their last one. Says whether it was there. */
  #remove(id: ShortChannelId): boolean {
    const channel = this.#channels.get(id);
    if (channel === undefined) return false;
    this.#channels.delete(id);
    this.#ids.remove(id);
    for (const nodeId of [channel.nodeOne, channel.nodeTwo]) {
      const node = present(this.#nodes.get(nodeId), "the node of a channel");
      node.channels.splice(node.channels.indexOf(channel), 1);
      if (node.channels.length > 0) continue;
      this.#nodes.delete(nodeId);
      this.#counters.giveBack(node.counter);
    }
    return true;
  }

  #nodeOrNew(nodeId: NodeId): Node {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined) return known;
    const node: Node = { nodeId, counter: this.#counters.take(), channels: [] };
    this.#nodes.set(nodeId, node);
    return node;
  }

  #refusalOfUpdate(message: ChannelUpdate, now: UnixSeconds): GossipRefusal | undefined {
    const { chainHash, timestamp, messageFlags, shortChannelId, unknownFields } = message;
    const name = formatShortChannelId(shortChannelId);
    if (chainHash !== this.chainHash) return { kind: "wrong-chain", text: `update on chain ${chainHash}` };
    if ((messageFlags & doNotForward) !== 0)
      return { kind: "do-not-forward", text: `update of channel ${name}` };
    if (timestamp < now - staleAfter || timestamp > now + maxAhead) {
      const text = `update of channel ${name} at ${timestamp}, it is ${now}`;
      return { kind: "timestamp-out-of-range", text };
    }
    if (unknownFields.length > maxMessageLength) {
      return { kind: "too-long", text: `${unknownFields.length} unknown bytes in an update` };
    }
    return undefined;
  }

  #holdUpdate(held: SourcedGossip<ChannelUpdate>): Result<"pending", GossipRefusal> {
    const { message } = held;
    const direction = isFromNodeOne(message) ? 0 : 1;
    let encoded: Uint8Array | undefined;
    let isHeld = false;
    for (const { announcement, updates } of this.#pending.candidates(message.shortChannelId)) {
      const last = updates[direction];
      if (last !== undefined && last.message.timestamp >= message.timestamp) continue;
      const signer = direction === 0 ? announcement.message.nodeId1 : announcement.message.nodeId2;
      encoded ??= encodeMessage(message);
      if (!verifyBySigner(message, encoded, signer)) continue;
      updates[direction] = held;
      isHeld = true;
    }
    if (isHeld) return ok("pending");
    return refuse("unknown-channel", `update of channel ${formatShortChannelId(message.shortChannelId)}`);
  }

  #holdNode(held: SourcedGossip<NodeAnnouncement>): Result<"pending", GossipRefusal> {
    const { message } = held;
    const candidates = this.#pending.candidatesWithNode(message.nodeId);
    if (candidates.length === 0) return refuse("unknown-node", `node ${message.nodeId} without channels`);
    const encoded = encodeMessage(message);
    if (encoded.length > maxMessageLength) return refuse("too-long", `${encoded.length} bytes about a node`);
    if (!verifyBySigner(message, encoded, message.nodeId)) {
      return refuse("bad-signature", `node ${message.nodeId}`);
    }
    for (const { announcement, nodes } of candidates) {
      const at = message.nodeId === announcement.message.nodeId1 ? 0 : 1;
      const last = nodes[at];
      if (last === undefined || last.message.timestamp < message.timestamp) nodes[at] = held;
    }
    return ok("pending");
  }
}

// Bits of `channel_update` (BOLT 7, "The channel_update Message").
const directionBit = 1;
const disabledBit = 2;
const doNotForward = 2;

/** Whether the update is node one's; otherwise it is node two's. */
function isFromNodeOne({ channelFlags }: ChannelUpdate): boolean {
  return (channelFlags & directionBit) === 0;
}

/** What is known of a channel's funding output. */
interface FundingFacts {
  readonly fundingVerified: boolean;
  readonly capacity?: Sat;
}

/** The output behind a channel that was merely claimed so far. Terms that it cannot keep go. */
function confirmFunding(
  channel: Channel,
  encoded: Uint8Array,
  { fundingVerified, capacity }: FundingFacts,
): void {
  channel.fundingVerified = fundingVerified;
  channel.message = encoded;
  if (capacity === undefined) return;
  channel.capacity = capacity;
  const maximum = satToMsat(capacity);
  if (channel.oneToTwo !== undefined && channel.oneToTwo.htlcMaximum > maximum) delete channel.oneToTwo;
  if (channel.twoToOne !== undefined && channel.twoToOne.htlcMaximum > maximum) delete channel.twoToOne;
}

function sameKeys(a: ChannelAnnouncement, b: ChannelAnnouncement): boolean {
  return (
    a.nodeId1 === b.nodeId1 &&
    a.nodeId2 === b.nodeId2 &&
    equalBytes(a.bitcoinKey1, b.bitcoinKey1) &&
    equalBytes(a.bitcoinKey2, b.bitcoinKey2)
  );
}

function updateInfo(message: ChannelUpdate, encoded: Uint8Array): ChannelUpdateInfo {
  return {
    enabled: (message.channelFlags & disabledBit) === 0,
    lastUpdate: message.timestamp,
    cltvExpiryDelta: message.cltvExpiryDelta,
    htlcMinimum: message.htlcMinimumMsat,
    htlcMaximum: message.htlcMaximumMsat,
    feeBaseMsat: Number(message.feeBaseMsat),
    feeProportionalMillionths: message.feeProportionalMillionths,
    message: encoded,
  };
}

function nodeAnnouncementInfo(
  message: NodeAnnouncement,
  encoded: Uint8Array,
  addresses: readonly SocketAddress[],
): NodeAnnouncementInfo {
  const features = Features.fromBytes(message.features);
  return {
    features,
    unknownFeaturesRequired: features.unknownRequiredBits().length > 0,
    lastUpdate: message.timestamp,
    rgbColor: message.rgbColor,
    alias: message.alias,
    addresses,
    message: encoded,
  };
}

function refuse(
  kind: GossipRefusal["kind"],
  text: string,
): { readonly ok: false; readonly error: GossipRefusal } {
  return err({ kind, text });
}
