import { equalBytes, fromHex } from "../../util/bytes.ts";
import type { BlockHash, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import type { Sat } from "../../util/units.ts";
import {
  type ChannelAnnouncement,
  type ChannelUpdate,
  encodeMessage,
  type NodeAnnouncement,
} from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import {
  type GossipOrigin,
  type GraphMessage,
  type PreparedGossip,
  type SignatureCheck,
  type SignatureVerdicts,
  verifyPrepared,
} from "../preparedGossip.ts";
import { signedPart, signedPartOfChannel } from "../signatures.ts";
import { fundsChannel, type UtxoAnswer, type UtxoLookup } from "../utxoLookup.ts";
import {
  channelName,
  maxAhead,
  maxMessageLength,
  refusalOfAge,
  refusalOfAnnouncement,
  refusalOfTerms,
  refusalOfUpdate,
  refuse,
  updateFlag,
} from "./acceptance.ts";
import { channelState } from "./channelTable.ts";
import type { EdgeTerms } from "./edgeColumns.ts";
import type { GraphTables } from "./graphTables.ts";
import { readAddresses } from "./nodeAddresses.ts";
import { type PendingAnnouncement, PendingChecks, type SourcedGossip } from "./pendingChecks.ts";
import type { RemovedEntries } from "./removedEntries.ts";
import { edgeAmount, edgeWord } from "./routingGraph.ts";
import {
  checksOfAnnouncement,
  directionOf,
  hasKey,
  refusalOfSigner,
  signerOf,
  type VerifiedGossip,
} from "./signerChecks.ts";

/** What became of a message that was not refused. */
export type TakenIn = "added" | "updated" | "pending";

/** What is known of a channel's funding output. */
interface FundingFacts {
  readonly now: UnixSeconds;
  readonly fundingVerified: boolean;
  readonly capacity?: Sat;
}

/** Which signatures an update or a node's announcement needs, and where it goes. */
type Destination =
  /** An edge, or the counter of a node. */
  | { readonly kind: "known"; readonly place: number; readonly key: Uint8Array }
  /** Announcements that wait for the chain's word. */
  | { readonly kind: "held"; readonly candidates: readonly PendingAnnouncement[] };

/**
 * Decides which messages enter the tables. Each passes twice: `prepare` makes all checks that cost little and names the
 * signatures; `apply`, once they are verified, makes the checks again, since the graph may have changed meanwhile.
 */
export class GossipIntake {
  readonly pending: PendingChecks = new PendingChecks();
  readonly #tables: GraphTables;
  readonly #removed: RemovedEntries;
  readonly #chainHash: BlockHash;
  readonly #maxChannels: number;

  constructor(
    tables: GraphTables,
    removed: RemovedEntries,
    { chainHash, maxChannels }: { readonly chainHash: BlockHash; readonly maxChannels: number },
  ) {
    this.#tables = tables;
    this.#removed = removed;
    this.#chainHash = chainHash;
    this.#maxChannels = maxChannels;
  }

  prepare<M extends GraphMessage>(
    message: M,
    origin: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<PreparedGossip<M>, GossipRefusal> {
    const checks = this.#checksOf(message, origin, utxoLookup);
    if (!checks.ok) return checks;
    const encoded = encodeMessage(message);
    if (encoded.length > maxMessageLength && message.type !== "channel_update") {
      return refuse("too-long", `${encoded.length} bytes of ${message.type}`);
    }
    const signed =
      message.type === "channel_announcement" ? signedPartOfChannel(encoded) : signedPart(encoded);
    return ok({ message, signed, checks: checks.value });
  }

  apply(
    prepared: PreparedGossip,
    verdicts: SignatureVerdicts,
    origin: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<TakenIn, GossipRefusal> {
    const { message } = prepared;
    const keys = prepared.checks.filter((_, index) => verdicts[index] === true).map(({ key }) => key);
    switch (message.type) {
      case "channel_announcement":
        if (keys.length < 4) return refuse("bad-signature", channelName(message.shortChannelId));
        return this.#applyAnnouncement(message, origin, utxoLookup);
      case "channel_update":
        return this.#applyUpdate(message, { prepared, keys, origin });
      case "node_announcement":
        return this.#applyNode(message, { prepared, keys, origin });
    }
  }

  /** `prepare`, `apply`, and between them the signatures. */
  takeIn(
    message: GraphMessage,
    origin: GossipOrigin,
    utxoLookup?: UtxoLookup,
  ): Result<TakenIn, GossipRefusal> {
    const prepared = this.prepare(message, origin, utxoLookup);
    if (!prepared.ok) return prepared;
    return this.apply(prepared.value, verifyPrepared(prepared.value), origin, utxoLookup);
  }

  /** A channel of ours: its signatures are verified, its funding output is known to exist. */
  addOwn(message: ChannelAnnouncement, about: { readonly now: UnixSeconds; readonly capacity?: Sat }) {
    const known = this.#tables.channels.slotOf(message.shortChannelId);
    if (known !== undefined && this.#tables.channels.is(known, channelState.fundingVerified)) {
      return refuse("duplicate", `${channelName(message.shortChannelId)} is known`);
    }
    const refusal = refusalOfAnnouncement(message, this.#chainHash);
    if (refusal !== undefined) return err(refusal);
    const encoded = encodeMessage(message);
    if (encoded.length > maxMessageLength) return refuse("too-long", `${encoded.length} bytes of ours`);
    const checks = checksOfAnnouncement(message);
    const verdicts = verifyPrepared({ message, signed: signedPartOfChannel(encoded), checks });
    if (verdicts.includes(false)) return refuse("bad-signature", channelName(message.shortChannelId));
    this.#insert(message, { ...about, fundingVerified: true });
    return ok("added" as const);
  }

  /** The chain's answer about a channel that is being looked up: what entered for it, in an order to relay it in. */
  utxoResolved(id: ShortChannelId, answer: UtxoAnswer, now: UnixSeconds): readonly SourcedGossip[] {
    const taken: SourcedGossip[] = [];
    for (const { announcement, updates, nodes } of this.pending.take(id)) {
      const added = this.#addVerified(announcement.message, answer, now);
      if (added.ok) taken.push(announcement);
      else if (added.error.kind !== "duplicate") continue;
      for (const held of [...updates, ...nodes]) {
        if (held !== undefined && this.takeIn(held.message, { now }).ok) taken.push(held);
      }
    }
    return taken;
  }

  /** The signatures that a message needs, if nothing else speaks against it. */
  #checksOf(
    message: GraphMessage,
    { now }: GossipOrigin,
    utxoLookup: UtxoLookup | undefined,
  ): Result<readonly SignatureCheck[], GossipRefusal> {
    if (message.type === "channel_announcement") {
      const refusal =
        this.#refusalOfChannel(message, utxoLookup) ?? refusalOfAnnouncement(message, this.#chainHash);
      return refusal === undefined ? ok(checksOfAnnouncement(message)) : err(refusal);
    }
    const { signature } = message;
    const found =
      message.type === "channel_update"
        ? this.#destinationOfUpdate(message, now)
        : this.#destinationOfNode(message, now);
    if (!found.ok) return found;
    if (found.value.kind === "known") return ok([{ signature, key: found.value.key }]);
    const signers = new Set(
      message.type === "channel_update"
        ? found.value.candidates.map((candidate) => signerOf(message, candidate))
        : [message.nodeId],
    );
    return ok([...signers].map((signer) => ({ signature, key: fromHex(signer) })));
  }

  /** Why a channel cannot enter now, whatever its announcement says of itself. */
  #refusalOfChannel(
    message: ChannelAnnouncement,
    utxoLookup: UtxoLookup | undefined,
  ): GossipRefusal | undefined {
    const { shortChannelId: id, nodeId1, nodeId2 } = message;
    const known = this.#tables.channels.slotOf(id);
    if (known !== undefined && !this.#mayReplace(known, message, utxoLookup)) {
      return { kind: "duplicate", text: `${channelName(id)} is known` };
    }
    if (this.#removed.channels.has(id))
      return { kind: "channel-closed", text: `${channelName(id)} is closed` };
    for (const nodeId of [nodeId1, nodeId2]) {
      if (this.#removed.nodes.has(nodeId)) return { kind: "node-failed", text: `node ${nodeId} has failed` };
    }
    if (this.pending.candidates(id).some(({ announcement }) => sameKeys(announcement.message, message))) {
      return { kind: "duplicate", text: `${channelName(id)} is being looked up` };
    }
    const { count } = this.#tables.channels;
    if (known === undefined && count >= this.#maxChannels) return { kind: "full", text: `${count} channels` };
    if (utxoLookup !== undefined && !this.pending.hasRoomFor(id)) {
      const kind = this.pending.has(id) ? "full" : "busy";
      return { kind, text: "too many lookups" };
    }
    return undefined;
  }

  /** What the chain knew is never replaced; what came unsigned, by what the same two nodes signed. */
  #mayReplace(slot: number, message: ChannelAnnouncement, utxoLookup: UtxoLookup | undefined): boolean {
    const { channels } = this.#tables;
    if (channels.is(slot, channelState.fundingVerified)) return false;
    if (utxoLookup !== undefined) return true;
    return !channels.is(slot, channelState.hasMessage) && this.#isBetween(slot, message);
  }

  #applyAnnouncement(
    message: ChannelAnnouncement,
    { now, source }: GossipOrigin,
    utxoLookup: UtxoLookup | undefined,
  ): Result<TakenIn, GossipRefusal> {
    const refusal = this.#refusalOfChannel(message, utxoLookup);
    if (refusal !== undefined) return err(refusal);
    if (utxoLookup === undefined) {
      this.#insert(message, { now, fundingVerified: false });
      return ok("added");
    }
    const id = message.shortChannelId;
    if (!this.pending.has(id)) {
      const answer = utxoLookup.getUtxo(message.chainHash, id);
      if (answer.kind !== "pending") return this.#addVerified(message, answer, now);
    }
    this.pending.add({ message, ...(source && { source }) }, now);
    return ok("pending");
  }

  #addVerified(
    message: ChannelAnnouncement,
    answer: UtxoAnswer,
    now: UnixSeconds,
  ): Result<"added", GossipRefusal> {
    const id = message.shortChannelId;
    if (answer.kind === "not-found" || !fundsChannel(answer, message)) {
      return refuse("wrong-funding", channelName(id));
    }
    const known = this.#tables.channels.slotOf(id);
    if (known !== undefined && this.#tables.channels.is(known, channelState.fundingVerified)) {
      return refuse("duplicate", `${channelName(id)} is known`);
    }
    this.#insert(message, { now, fundingVerified: true, capacity: answer.value });
    return ok("added");
  }

  /** Adds a channel, or confirms one of the same nodes: its terms stay, but for those above the capacity. */
  #insert(message: ChannelAnnouncement, { now, fundingVerified, capacity }: FundingFacts): void {
    const tables = this.#tables;
    const id = message.shortChannelId;
    const known = tables.channels.slotOf(id);
    const isSame = known !== undefined && this.#isBetween(known, message);
    if (known !== undefined && !isSame) tables.removeChannel(known);
    const slot = isSame
      ? known
      : tables.addChannel({
          shortChannelId: id,
          nodeOne: message.nodeId1,
          nodeTwo: message.nodeId2,
          receivedAt: now,
        });
    this.#removed.channels.delete(id);
    tables.setChannelFeatures(slot, message.features);
    tables.keepAnnouncement(slot, message);
    if (fundingVerified) tables.channels.set(slot, channelState.fundingVerified);
    if (capacity === undefined) return;
    tables.setCapacity(slot, capacity);
    const maximum = tables.capacityOf(slot) ?? 0;
    for (const edge of [2 * slot, 2 * slot + 1]) {
      if (tables.channels.edges.amount(edge, edgeAmount.htlcMaximum) > maximum) tables.clearTerms(edge);
    }
  }

  #isBetween(slot: number, { nodeId1, nodeId2 }: ChannelAnnouncement): boolean {
    const { nodes, channels } = this.#tables;
    return (
      nodes.idOf(channels.edges.word(2 * slot, edgeWord.source)) === nodeId1 &&
      nodes.idOf(channels.edges.word(2 * slot, edgeWord.target)) === nodeId2
    );
  }

  #destinationOfUpdate(message: ChannelUpdate, now: UnixSeconds): Result<Destination, GossipRefusal> {
    const refusal = refusalOfUpdate(message, this.#chainHash, now);
    if (refusal !== undefined) return err(refusal);
    const { shortChannelId: id, timestamp } = message;
    const { nodes, channels } = this.#tables;
    const slot = channels.slotOf(id);
    if (slot === undefined) {
      const direction = directionOf(message);
      const candidates = this.pending
        .candidates(id)
        .filter(({ updates }) => isOlder(updates[direction]?.message, timestamp));
      if (candidates.length > 0) return ok({ kind: "held", candidates });
      return refuse("unknown-channel", `update of ${channelName(id)}`);
    }
    const edge = 2 * slot + directionOf(message);
    const unfit = refusalOfTerms(this.#tables, edge, {
      lastUpdate: timestamp,
      htlcMaximum: message.htlcMaximumMsat,
    });
    if (unfit !== undefined) return err(unfit);
    const key = nodes.keyOf(channels.edges.word(edge, edgeWord.source)).slice();
    return ok({ kind: "known", place: edge, key });
  }

  #applyUpdate(message: ChannelUpdate, verified: VerifiedGossip): Result<TakenIn, GossipRefusal> {
    const { now, source } = verified.origin;
    const found = this.#destinationOfUpdate(message, now);
    if (!found.ok) return found;
    if (found.value.kind === "known") {
      const { place, key } = found.value;
      const unsigned = refusalOfSigner(key, verified);
      if (unsigned !== undefined) return err(unsigned);
      this.#tables.setTerms(place, termsOf(message), message);
      return ok("updated");
    }
    const direction = directionOf(message);
    const theirs = found.value.candidates.filter((candidate) =>
      hasKey(verified.keys, fromHex(signerOf(message, candidate))),
    );
    for (const { updates } of theirs) updates[direction] = { message, ...(source && { source }) };
    if (theirs.length > 0) return ok("pending");
    return refuse("unknown-channel", `update of ${channelName(message.shortChannelId)}`);
  }

  #destinationOfNode(message: NodeAnnouncement, now: UnixSeconds): Result<Destination, GossipRefusal> {
    const { nodeId, timestamp } = message;
    if (timestamp > now + maxAhead) {
      return refuse("timestamp-out-of-range", `node ${nodeId} at ${timestamp}, it is ${now}`);
    }
    const addresses = readAddresses(message.addresses);
    if (!addresses.ok) return addresses;
    const counter = this.#tables.nodes.counterOf(nodeId);
    if (counter === undefined) {
      const candidates = this.pending.candidatesWithNode(nodeId);
      if (candidates.length > 0) return ok({ kind: "held", candidates });
      return refuse("unknown-node", `node ${nodeId} without channels`);
    }
    const stale = refusalOfAge(timestamp, this.#tables.details.lastUpdate(counter), () => `node ${nodeId}`);
    if (stale !== undefined) return err(stale);
    return ok({ kind: "known", place: counter, key: fromHex(nodeId) });
  }

  #applyNode(message: NodeAnnouncement, verified: VerifiedGossip): Result<TakenIn, GossipRefusal> {
    const { now, source } = verified.origin;
    const found = this.#destinationOfNode(message, now);
    if (!found.ok) return found;
    const unsigned = refusalOfSigner(fromHex(message.nodeId), verified);
    if (unsigned !== undefined) return err(unsigned);
    if (found.value.kind === "known") {
      this.#tables.setNodeDetails(found.value.place, message, true);
      return ok("updated");
    }
    for (const { announcement, nodes } of found.value.candidates) {
      const at = message.nodeId === announcement.message.nodeId1 ? 0 : 1;
      if (isOlder(nodes[at]?.message, message.timestamp)) nodes[at] = { message, ...(source && { source }) };
    }
    return ok("pending");
  }
}

function isOlder(held: { readonly timestamp: number } | undefined, timestamp: number): boolean {
  return held === undefined || held.timestamp < timestamp;
}

function termsOf(message: ChannelUpdate): EdgeTerms {
  return {
    enabled: (message.channelFlags & updateFlag.disabled) === 0,
    lastUpdate: message.timestamp,
    cltvExpiryDelta: message.cltvExpiryDelta,
    htlcMinimum: message.htlcMinimumMsat,
    htlcMaximum: message.htlcMaximumMsat,
    feeBaseMsat: Number(message.feeBaseMsat),
    feeProportionalMillionths: message.feeProportionalMillionths,
  };
}

function sameKeys(a: ChannelAnnouncement, b: ChannelAnnouncement): boolean {
  return (
    a.nodeId1 === b.nodeId1 &&
    a.nodeId2 === b.nodeId2 &&
    equalBytes(a.bitcoinKey1, b.bitcoinKey1) &&
    equalBytes(a.bitcoinKey2, b.bitcoinKey2)
  );
}
