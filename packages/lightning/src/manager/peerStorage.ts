import type { KvEntry, KvWrite } from "../chain/kvStore.ts";
import type { ChannelMessage, ChannelMessageHandler, PeerConnection } from "../handlers/messageHandler.ts";
import type { MessageSendEvent } from "../handlers/messageSendEvent.ts";
import type { StorageError } from "../storage/storageError.ts";
import { peerBlobWrite, readPeerBlob } from "../storage/v1/peerBlob.ts";
import {
  type BackupOwner,
  openOwnBackup,
  peerStorageLength,
  type StaticBackup,
} from "../storage/v1/staticBackup.ts";
import type { ChannelId, NodeId } from "../util/ids.ts";
import { err, ok, type Result } from "../util/result.ts";
import { Features, featuresOfInit, type LightningMessage } from "../wire/index.ts";

/** Seconds between two updates of one peer, theirs that we store and ours that we send. */
const shortestInterval = 60;
/** Blocks for which a blob is kept when no channel with its owner is left. */
const keptBlocks = 2_016;
/** Bytes of all blobs together; a peer that comes later is refused. */
const mostBytes = 32 * 2 ** 20;
/** Copies of our backup that are made at once: each takes some milliseconds. */
const mostCopies = 16;

export interface PeerStorageOptions extends BackupOwner {
  /** The manager, to which everything else goes. */
  readonly inner: ChannelMessageHandler;
  /** `KeysManager.peerStorageKey`: opens our own backups. */
  readonly key: Uint8Array;
}

export interface PeerStorageStart {
  /** All below `peerStoragePrefix`. */
  readonly stored: readonly KvEntry[];
  readonly height: number;
  /** Seconds since 1970. */
  readonly now: number;
}

/** What a peer is given to keep. */
export interface PeerCopy {
  readonly bytes: Uint8Array;
  /** Those that it has. */
  readonly channels: readonly ChannelId[];
}

/** What we keep for a peer. */
interface KeptBlob {
  blob: Uint8Array;
  /** Not stored as it is now. */
  isNew: boolean;
  storedAt: number;
  /** Height at which there was a channel with it. */
  lastChannel: number;
}

/** A peer that is there. */
interface StoringPeer {
  readonly epoch: number;
  readonly keepsOurs: boolean;
  /** It gave something back on this connection already. */
  hasReturned: boolean;
  /** Of which backup it was sent its copy. */
  sent: CopyFor | undefined;
  sentAt: number;
  channels: readonly ChannelId[];
}

type CopyFor = (peer: NodeId) => PeerCopy;

/**
 * Peer storage in both directions (BOLT 1): keeps a blob for each peer with which there is a channel, and gives it back
 * first thing on each connection; has such peers keep our static backup, and finds the newest among what they give
 * back. It stands between the `PeerManager` and the manager, whose messages pass through.
 *
 * A peer's blob is stored once a minute at most; of what comes in between, the last counts. Blobs are kept in memory,
 * 32 MiB at most together. A peer may return anything: only what our own key opens counts, once for each connection.
 */
export class PeerStorage implements ChannelMessageHandler {
  readonly #inner: ChannelMessageHandler;
  readonly #owner: Omit<PeerStorageOptions, "inner">;
  readonly #kept: Map<NodeId, KeptBlob>;
  readonly #peers = new Map<NodeId, StoringPeer>();
  #bytes = 0;
  #deleted: NodeId[] = [];
  #events: MessageSendEvent[] = [];
  #copyFor: CopyFor | undefined;
  #recovered: StaticBackup | undefined;
  #height: number;
  #now: number;

  /** With what was stored; an error when that is damaged. */
  static restore(options: PeerStorageOptions, start: PeerStorageStart): Result<PeerStorage, StorageError> {
    const kept = new Map<NodeId, KeptBlob>();
    for (const entry of start.stored) {
      const read = readPeerBlob(entry);
      if (!read.ok) return err(read.error);
      const { peer, blob } = read.value;
      kept.set(peer, { blob, isNew: false, storedAt: 0, lastChannel: start.height });
    }
    return ok(new PeerStorage(options, start, kept));
  }

  private constructor(
    { inner, ...owner }: PeerStorageOptions,
    { height, now }: PeerStorageStart,
    kept: Map<NodeId, KeptBlob>,
  ) {
    this.#inner = inner;
    this.#owner = owner;
    this.#kept = kept;
    this.#height = height;
    this.#now = now;
    for (const { blob } of kept.values()) this.#bytes += blob.length;
  }

  /** The newest backup of ours that peers gave back since the start: what to restore from when all else is lost. */
  get recovered(): StaticBackup | undefined {
    return this.#recovered;
  }

  /**
   * How many connected peers have been sent a copy of the backup to keep, and the channels that are in one of these.
   */
  get keptByPeers(): { readonly peers: number; readonly channels: ReadonlySet<ChannelId> } {
    const sent = [...this.#peers.values()].filter((peer) => peer.sent !== undefined);
    return { peers: sent.length, channels: new Set(sent.flatMap(({ channels }) => channels)) };
  }

  /** There is a new backup: peers are to keep of it what `copyFor` gives for each, 65,531 bytes at the most. */
  setBackup(copyFor: CopyFor): void {
    this.#copyFor = copyFor;
    this.#sendBackups();
  }

  /** Time has passed, or blocks have come: call it every few seconds. */
  tick(now: number, height: number): void {
    this.#now = Math.max(this.#now, now);
    this.#height = height;
    this.#sendBackups();
    for (const [nodeId, kept] of this.#kept) {
      if (this.#inner.hasChannelWith(nodeId)) kept.lastChannel = height;
      if (height - kept.lastChannel < keptBlocks) continue;
      this.#kept.delete(nodeId);
      this.#bytes -= kept.blob.length;
      this.#deleted.push(nodeId);
    }
  }

  /** What is to be stored since the last call. Nothing rests on it: it goes with any batch. */
  takeWrites(): readonly KvWrite[] {
    const writes = this.#deleted.map((nodeId) => peerBlobWrite(nodeId, undefined));
    this.#deleted = [];
    for (const [nodeId, kept] of this.#kept) {
      if (!kept.isNew || this.#now - kept.storedAt < shortestInterval) continue;
      kept.isNew = false;
      kept.storedAt = this.#now;
      writes.push(peerBlobWrite(nodeId, kept.blob));
    }
    return writes;
  }

  providedInitFeatures(): Uint8Array {
    const features = Features.fromBytes(this.#inner.providedInitFeatures());
    return features.set("option_provide_storage", "optional").toBytes();
  }

  peerConnected(nodeId: NodeId, connection: PeerConnection): "accept" | "refuse" {
    // Before the manager says a word: who has lost everything must hear of it before `channel_reestablish`.
    const kept = this.#kept.get(nodeId);
    const { epoch } = connection;
    const before = this.#events.length;
    if (kept !== undefined) this.#send(nodeId, epoch, { type: "peer_storage_retrieval", blob: kept.blob });
    const answer = this.#inner.peerConnected(nodeId, connection);
    if (answer === "refuse") {
      this.#events.length = before;
      return answer;
    }
    const keepsOurs = featuresOfInit(connection.init).has("option_provide_storage");
    this.#peers.set(nodeId, {
      epoch,
      keepsOurs,
      hasReturned: false,
      sent: undefined,
      sentAt: 0,
      channels: [],
    });
    this.#sendBackup(nodeId);
    return answer;
  }

  peerDisconnected(nodeId: NodeId): void {
    this.#peers.delete(nodeId);
    this.#inner.peerDisconnected(nodeId);
  }

  handleMessage(nodeId: NodeId, message: ChannelMessage): void {
    switch (message.type) {
      case "peer_storage":
        this.#keep(nodeId, message.blob);
        return;
      case "peer_storage_retrieval":
        this.#returned(nodeId, message.blob);
        return;
      case "channel_ready":
        this.#inner.handleMessage(nodeId, message);
        this.#sendAgain(nodeId);
        return;
      default:
        this.#inner.handleMessage(nodeId, message);
    }
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    const events = this.#events;
    this.#events = [];
    return [...events, ...this.#inner.takeMessageSendEvents()];
  }

  wantsToPause(nodeId: NodeId): boolean {
    return this.#inner.wantsToPause(nodeId);
  }

  hasChannelWith(nodeId: NodeId): boolean {
    return this.#inner.hasChannelWith(nodeId);
  }

  #keep(nodeId: NodeId, blob: Uint8Array): void {
    if (blob.length > peerStorageLength || !this.#inner.hasChannelWith(nodeId)) return;
    const kept = this.#kept.get(nodeId);
    const bytes = this.#bytes - (kept?.blob.length ?? 0) + blob.length;
    if (bytes > mostBytes) return;
    this.#bytes = bytes;
    this.#kept.set(nodeId, {
      blob: blob.slice(),
      isNew: true,
      storedAt: kept?.storedAt ?? 0,
      lastChannel: this.#height,
    });
  }

  #returned(nodeId: NodeId, blob: Uint8Array): void {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined || peer.hasReturned) return;
    peer.hasReturned = true;
    const opened = openOwnBackup(blob, this.#owner);
    if (!opened.ok) return;
    if (opened.value.counter > (this.#recovered?.counter ?? -1)) this.#recovered = opened.value;
  }

  /** The rest of them with the next tick. */
  #sendBackups(): void {
    let sent = 0;
    for (const nodeId of this.#peers.keys()) {
      if (sent < mostCopies && this.#sendBackup(nodeId)) sent++;
    }
  }

  /** Sends our backup to a peer that has not got it on this connection, and keeps such things. Says whether it did. */
  #sendBackup(nodeId: NodeId): boolean {
    const peer = this.#peers.get(nodeId);
    const copyFor = this.#copyFor;
    if (peer === undefined || copyFor === undefined || peer.sent === copyFor) return false;
    if (!peer.keepsOurs || !this.#inner.hasChannelWith(nodeId)) return false;
    if (peer.sent !== undefined && this.#now - peer.sentAt < shortestInterval) return false;
    const { bytes, channels } = copyFor(nodeId);
    peer.sent = copyFor;
    peer.sentAt = this.#now;
    peer.channels = channels;
    this.#send(nodeId, peer.epoch, { type: "peer_storage", blob: bytes });
    return true;
  }

  /** A peer need not keep anything before it has seen the funding: what came earlier it may have let go. */
  #sendAgain(nodeId: NodeId): void {
    const peer = this.#peers.get(nodeId);
    if (peer !== undefined) peer.sent = undefined;
    this.#sendBackup(nodeId);
  }

  #send(nodeId: NodeId, epoch: number, message: LightningMessage): void {
    this.#events.push({ kind: "send-message", nodeId, epoch, message });
  }
}
