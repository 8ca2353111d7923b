import { crypto } from "@fulmen/bitcoin/crypto";
import { equalBytes } from "../../util/bytes.ts";
import type { NodeId, ShortChannelId } from "../../util/ids.ts";
import { invariant } from "../../util/invariant.ts";
import type { Result } from "../../util/result.ts";
import type { ChannelAnnouncement } from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import { maxMessageLength } from "../graph/acceptance.ts";
import type { GraphMessage, PreparedGossip, SignatureVerdicts } from "../preparedGossip.ts";
import { speakerOf } from "./gossipRates.ts";

/** One signature to be verified: `CryptoProvider.ecdsaVerify` with these arguments. Plain data. */
export interface GossipSignature {
  /** 64 bytes, compact. */
  readonly signature: Uint8Array;
  /** 32 bytes: the double SHA-256 of what was signed. */
  readonly hash: Uint8Array;
  /** 33 bytes, not yet known to be a point. */
  readonly key: Uint8Array;
}

/** Signatures whose verdicts are to come back together, under this number, in any order with others. */
export interface SignatureBatch {
  readonly batchId: number;
  readonly signatures: readonly GossipSignature[];
}

/** A message on its way into the graph, and the connection that it came by. */
export interface QueuedGossip {
  readonly message: GraphMessage;
  readonly source: NodeId;
  readonly epoch: number;
}

/** Who takes what leaves the queue. */
export interface QueueOwner {
  /** All checks but those of signatures. */
  prepare(queued: QueuedGossip): Result<PreparedGossip, GossipRefusal>;
  /** The end of a message that `prepare` let pass; `busy` when it can only be taken in later. */
  apply(queued: QueuedGossip, prepared: PreparedGossip, verdicts: SignatureVerdicts): "done" | "busy";
  /** The end of a message that `prepare` refused. */
  refuse(queued: QueuedGossip, refusal: GossipRefusal): void;
}

/** Verifies here and now, with the crypto provider that is installed: what a batch's verdicts are, in order. */
export function verifySignatures(signatures: readonly GossipSignature[]): readonly boolean[] {
  return signatures.map(({ signature, hash, key }) => crypto().ecdsaVerify(signature, hash, key));
}

/** Messages of one peer that wait, from which on no more should be read from it. */
const pauseAt = 500;
/** Messages of all peers that wait, from which on no more should be read from any that has one among them. */
const pauseAllAt = 4_000;
/** Above, messages are dropped: the excess of what was read before reading paused. */
const maxOfPeer = 1_500;
const maxOfAll = 8_000;

interface Entry {
  readonly queued: QueuedGossip;
  prepared?: PreparedGossip;
  verdicts?: SignatureVerdicts;
  /** Whether others find it by its channel, node or word. */
  isRegistered?: true;
  /** Of an announcement: what came after it and needs its channel. */
  readonly dependents: Entry[];
}

/** Counts of one peer. */
interface Share {
  taken: number;
  done: number;
}

/**
 * Messages of gossip that are read but not verified. Hands out their signatures in batches and takes the verdicts back,
 * so that they may be verified elsewhere; then they are applied. What needs a channel whose announcement is in the
 * queue waits for that one; apart from that, messages overtake each other. The same bytes from several peers are
 * verified once. Bounded for each peer and in total.
 */
export class VerificationQueue {
  readonly #owner: QueueOwner;
  readonly #shares = new Map<NodeId, Share>();
  #count = 0;
  /** Prepared and not handed out, oldest first; those before `#next` are gone. */
  #ready: Entry[] = [];
  #next = 0;
  readonly #batches = new Map<number, readonly Entry[]>();
  #lastBatch = 0;
  /** What could not be taken in yet, oldest first; prepared and verified or not. */
  #parked: Entry[] = [];
  /** Announcements in the queue, by channel and by node. */
  readonly #byChannel = new Map<ShortChannelId, Entry[]>();
  readonly #byNode = new Map<NodeId, Entry[]>();
  /** Updates and nodes' announcements that are ready or being verified. */
  readonly #byWord = new Map<string, Entry[]>();

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  /** Messages that wait, for whatever. */
  get count(): number {
    return this.#count;
  }

  /** Whether so much of this peer waits that no more should be read from it. */
  holdsUp(source: NodeId): boolean {
    const waiting = this.#waitingOf(source);
    return waiting >= pauseAt || (waiting > 0 && this.#count >= pauseAllAt);
  }

  /** How many messages of this peer were ever taken, while some of them wait; 0 when none does. */
  mark(source: NodeId): number {
    return this.#shares.get(source)?.taken ?? 0;
  }

  /** Whether as many messages of this peer have left the queue as had entered it at `mark`. */
  hasPassed(source: NodeId, mark: number): boolean {
    const share = this.#shares.get(source);
    return share === undefined || share.done >= mark;
  }

  /** Takes a message; refuses it at once when it is not worth verifying. */
  add(queued: QueuedGossip): void {
    const { source } = queued;
    if (this.#count >= maxOfAll || this.#waitingOf(source) >= maxOfPeer) {
      this.#owner.refuse(queued, { kind: "full", text: "too much waits to be verified" });
      return;
    }
    const share = this.#shares.get(source) ?? { taken: 0, done: 0 };
    this.#shares.set(source, share);
    share.taken++;
    this.#count++;
    this.#enter({ queued, dependents: [] });
  }

  /** The next signatures, about `max` of them: the last message's are all among them. Nothing when none waits. */
  takeBatch(max: number): SignatureBatch | undefined {
    const entries: Entry[] = [];
    const signatures: GossipSignature[] = [];
    while (signatures.length < max && this.#next < this.#ready.length) {
      const entry = this.#ready[this.#next];
      this.#next++;
      if (entry?.prepared === undefined) continue;
      const { signed, checks } = entry.prepared;
      const hash = crypto().hash256(signed);
      for (const { signature, key } of checks) signatures.push({ signature, hash, key });
      entries.push(entry);
    }
    if (this.#next === this.#ready.length) {
      this.#ready = [];
      this.#next = 0;
    }
    if (entries.length === 0) return undefined;
    this.#lastBatch++;
    this.#batches.set(this.#lastBatch, entries);
    return { batchId: this.#lastBatch, signatures };
  }

  /**
   * Verdicts on the signatures of a batch, in their order. A batch that is not out is none of ours: nothing happens.
   */
  checked(batchId: number, verdicts: readonly boolean[]): void {
    const entries = this.#batches.get(batchId);
    if (entries === undefined) return;
    this.#batches.delete(batchId);
    let next = 0;
    for (const entry of entries) {
      const count = entry.prepared?.checks.length ?? 0;
      entry.verdicts = verdicts.slice(next, next + count);
      next += count;
    }
    invariant(next === verdicts.length, `${verdicts.length} verdicts on ${next} signatures`);
    for (const entry of entries) this.#apply(entry);
  }

  /** Takes in what could not be taken in before, as far as that is possible now. */
  retry(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const [i, entry] of parked.entries()) {
      if (entry.verdicts === undefined) this.#enter(entry);
      else this.#apply(entry);
      if (this.#parked.length === 0) continue;
      // Still too early, and so it is for those behind.
      for (const other of parked.slice(i + 1)) this.#parked.push(other);
      return;
    }
  }

  #waitingOf(source: NodeId): number {
    const share = this.#shares.get(source);
    return share === undefined ? 0 : share.taken - share.done;
  }

  #enter(entry: Entry): void {
    const { queued } = entry;
    const prepared = this.#owner.prepare(queued);
    if (prepared.ok) {
      entry.prepared = prepared.value;
      if (this.#isQueued(entry, prepared.value)) {
        this.#done(entry);
        return;
      }
      this.#ready.push(entry);
      this.#register(entry);
      return;
    }
    const { kind } = prepared.error;
    if (kind === "busy") {
      this.#parked.push(entry);
      this.#register(entry);
      return;
    }
    const announcement =
      kind === "unknown-channel" || kind === "unknown-node" ? this.#neededBy(queued) : undefined;
    if (announcement !== undefined) {
      announcement.dependents.push(entry);
      return;
    }
    this.#done(entry);
    this.#owner.refuse(queued, prepared.error);
  }

  /** The announcement in the queue that this message needs, if it is not too long to be kept for that. */
  #neededBy({ message }: QueuedGossip): Entry | undefined {
    if (message.type === "channel_update") return this.#byChannel.get(message.shortChannelId)?.at(-1);
    if (message.type !== "node_announcement") return undefined;
    const { addresses, features, unknownFields } = message;
    if (addresses.length + features.length + unknownFields.length > maxMessageLength) return undefined;
    return this.#byNode.get(message.nodeId)?.at(-1);
  }

  #apply(entry: Entry): void {
    const { queued, prepared, verdicts } = entry;
    if (prepared === undefined || verdicts === undefined) return;
    if (this.#owner.apply(queued, prepared, verdicts) === "busy") {
      this.#parked.push(entry);
      return;
    }
    this.#done(entry);
  }

  /** A message is at its end, and what waited for it goes on. */
  #done(entry: Entry): void {
    const { source } = entry.queued;
    this.#count--;
    const share = this.#shares.get(source);
    if (share !== undefined) {
      share.done++;
      if (share.done === share.taken) this.#shares.delete(source);
    }
    this.#unregister(entry);
    for (const dependent of entry.dependents) this.#enter(dependent);
  }

  #register(entry: Entry): void {
    if (entry.isRegistered) return;
    entry.isRegistered = true;
    const { message } = entry.queued;
    if (message.type !== "channel_announcement") {
      addTo(this.#byWord, speakerOf(message), entry);
      return;
    }
    addTo(this.#byChannel, message.shortChannelId, entry);
    for (const nodeId of nodesOf(message)) addTo(this.#byNode, nodeId, entry);
  }

  #unregister(entry: Entry): void {
    if (!entry.isRegistered) return;
    const { message } = entry.queued;
    if (message.type !== "channel_announcement") {
      removeFrom(this.#byWord, speakerOf(message), entry);
      return;
    }
    removeFrom(this.#byChannel, message.shortChannelId, entry);
    for (const nodeId of nodesOf(message)) removeFrom(this.#byNode, nodeId, entry);
  }

  /** Whether the very same message is being verified already. */
  #isQueued(entry: Entry, prepared: PreparedGossip): boolean {
    const { message } = entry.queued;
    const others =
      message.type === "channel_announcement"
        ? this.#byChannel.get(message.shortChannelId)
        : this.#byWord.get(speakerOf(message));
    return others?.some((other) => other !== entry && isSame(other.prepared, prepared)) === true;
  }
}

function isSame(a: PreparedGossip | undefined, b: PreparedGossip): boolean {
  if (a === undefined || a.checks.length !== b.checks.length || !equalBytes(a.signed, b.signed)) return false;
  return a.checks.every(({ signature, key }, i) => {
    const other = b.checks[i];
    return other !== undefined && equalBytes(signature, other.signature) && equalBytes(key, other.key);
  });
}

function nodesOf({ nodeId1, nodeId2 }: ChannelAnnouncement): readonly NodeId[] {
  return [nodeId1, nodeId2];
}

function addTo<K>(map: Map<K, Entry[]>, key: K, entry: Entry): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
}

function removeFrom<K>(map: Map<K, Entry[]>, key: K, entry: Entry): void {
  const list = map.get(key);
  if (list === undefined) return;
  const at = list.indexOf(entry);
  if (at >= 0) list.splice(at, 1);
  if (list.length === 0) map.delete(key);
}
