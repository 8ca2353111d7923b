import type { Network } from "@fulmen/bitcoin/network";
import { array16, many } from "../../codec/array.ts";
import { decode, encode } from "../../codec/codec.ts";
import { chainHash, nodeId } from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import {
  xchacha20NonceLength,
  xchacha20Poly1305Decrypt,
  xchacha20Poly1305Encrypt,
} from "../../crypto/xchacha20Poly1305.ts";
import type { ChannelMonitorUpdateStep } from "../../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import { concatBytes, equalBytes, type Signature } from "../../util/bytes.ts";
import type { BlockHash, NodeId } from "../../util/ids.ts";
import { invariant } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, reading, type StorageError } from "../storageError.ts";
import { layout, needed, possible, record, sized } from "./layouts.ts";
import { monitorSetupLayout } from "./monitor.ts";
import { count, text } from "./values.ts";

/** Where a peer is found, so that it can be asked to close. */
export interface BackedUpPeer {
  readonly nodeId: NodeId;
  /** As people write them: `host:port`. */
  readonly addresses: readonly string[];
}

/**
 * All that is needed, beside the seed, to get back what is ours in channels whose state is lost: with it a node asks
 * its peers to close, and takes what their commitments pay it. It names no balances of today, and there is nothing in
 * it that could be broadcast: it may be old, as long as it has all channels.
 */
export interface StaticBackup {
  readonly nodeId: NodeId;
  /** The genesis hash of the chain. */
  readonly chain: BlockHash;
  /** Rises with each backup of a node: of several copies, the one with the highest is the newest. */
  readonly counter: number;
  /** Of channels, as they were when they opened: see `backedUpSetup`. */
  readonly channels: readonly MonitorSetup[];
  readonly peers: readonly BackedUpPeer[];
  /** Height below which no block has anything of the wallet; absent where it is not known. */
  readonly birthday?: number;
  /**
   * How many channels are not in it: for want of room (`backupForPeer`), or as they were not in what it was restored
   * from.
   */
  readonly leftOut?: number;
}

const staticBackup = record(
  layout<StaticBackup>("static_backup", {
    nodeId: needed(0, nodeId),
    chain: needed(2, chainHash),
    counter: needed(4, count),
    channels: needed(6, many(sized(monitorSetupLayout))),
    peers: needed(8, many(struct("backed_up_peer", { nodeId, addresses: array16(sized(text)) }))),
    birthday: possible(9, count),
    leftOut: possible(11, count),
  }),
);

/** What peers keep at the most, and of what length such a thing should always be (BOLT 1, "Peer storage"). */
export const peerStorageLength = 65_531;
/** "FULMEN", and "B" for a backup; the version of the envelope is behind it. */
const magic = Uint8Array.of(0x46, 0x55, 0x4c, 0x4d, 0x45, 0x4e, 0x42);
/** From 2 on what is encrypted ends with 0x80 and zeros (ISO/IEC 7816-4), which belong to no record. */
const version = 2;
const tagLength = 16;
const overhead = magic.length + 1 + xchacha20NonceLength + tagLength;
/** How errors name what is no record of a store. */
const name = "static-backup";

/** No signature has such an R: whatever is made of it is invalid. */
const noSignature = new Uint8Array(64) as Signature;

/**
 * What a backup has of a channel. Our first commitment, which was revoked long ago and would cost the whole channel,
 * can never be broadcast from it: the peer's signature is left out.
 */
function backedUpSetup(setup: MonitorSetup): MonitorSetup {
  const steps = setup.initial.steps.map((step): ChannelMonitorUpdateStep => {
    if (step.kind !== "holder-commitment") return step;
    const commitments = step.commitments.map((one) => ({
      ...one,
      signature: noSignature,
      htlcSignatures: [],
    }));
    return { ...step, commitments };
  });
  return { ...setup, initial: { ...setup.initial, steps } };
}

/**
 * A backup as bytes that may be kept anywhere: XChaCha20-Poly1305 under `key` (`KeysManager.peerStorageKey`). `nonce`:
 * 24 random bytes, never used before. Filled up to `peerStorageLength`, or a multiple of it: who finds it does not
 * learn from its length how many channels there are.
 */
export function sealStaticBackup(backup: StaticBackup, key: Uint8Array, nonce: Uint8Array): Uint8Array {
  invariant(nonce.length === xchacha20NonceLength, `a nonce of ${nonce.length} bytes`);
  const channels = backup.channels.map(backedUpSetup);
  const body = encode(staticBackup, { ...backup, channels });
  const head = concatBytes(magic, Uint8Array.of(version));
  const parts = Math.ceil((overhead + body.length + 1) / peerStorageLength);
  const padded = new Uint8Array(parts * peerStorageLength - overhead);
  padded.set(body);
  padded[body.length] = 0x80;
  return concatBytes(head, nonce, xchacha20Poly1305Encrypt(key, nonce, head, padded));
}

/** Bytes of a peer's copy that may say where other peers are: some 250 of them. */
const roomForPeers = peerStorageLength / 4;

/**
 * What of a backup a peer is given to keep: all of it when there is room, which is so for some 50 channels. Of more,
 * the channels with the peer itself, without whose help they do not come back anyway, then those with the greatest
 * capacity; and where the peers of all others are.
 */
export function backupForPeer(backup: StaticBackup, peer: NodeId): StaticBackup {
  const empty = { ...backup, channels: [], peers: [] };
  const size = (part: Partial<StaticBackup>): number => encode(staticBackup, { ...empty, ...part }).length;
  const isOwn = (setup: MonitorSetup): number => Number(setup.counterparty === peer);
  const sorted = backup.channels
    .map(backedUpSetup)
    .sort((a, b) => isOwn(b) - isOwn(a) || Number(b.funding.capacity - a.funding.capacity));
  const order = new Map(
    [...new Set(sorted.map(({ counterparty }) => counterparty))].map((id, at) => [id, at]),
  );
  const at = ({ nodeId: id }: BackedUpPeer): number => order.get(id) ?? order.size;
  const peers = fitting(
    backup.peers.toSorted((a, b) => at(a) - at(b)),
    roomForPeers,
    (one) => size({ peers: [one] }) - size({}),
  );
  // What is counted with each is more than what all need together: the end of the padding, and lengths, fit in.
  const room = peerStorageLength - overhead - size({ peers }) - 32;
  const channels = fitting(sorted, room, (one) => size({ channels: [one] }) - size({}));
  const leftOut = (backup.leftOut ?? 0) + sorted.length - channels.length;
  return { ...backup, channels, peers, ...(leftOut > 0 && { leftOut }) };
}

/** The first ones, as far as there is room. */
function fitting<T>(all: readonly T[], room: number, size: (one: T) => number): readonly T[] {
  let left = room;
  const end = all.findIndex((one) => {
    left -= size(one);
    return left < 0;
  });
  return end === -1 ? all : all.slice(0, end);
}

/**
 * What several copies have together: the newest, and where that left channels out, those of the others. A channel that
 * closed since one of them was made is found closed on the chain.
 */
export function mergedBackups(backups: readonly StaticBackup[]): StaticBackup | undefined {
  const [newest, ...others] = backups.toSorted((a, b) => b.counter - a.counter);
  if (newest?.leftOut === undefined) return newest;
  const channels = new Map(newest.channels.map((one) => [one.channelId, one]));
  const peers = new Map(newest.peers.map((one) => [one.nodeId, one]));
  for (const other of others) {
    for (const one of other.channels) if (!channels.has(one.channelId)) channels.set(one.channelId, one);
    for (const one of other.peers) if (!peers.has(one.nodeId)) peers.set(one.nodeId, one);
  }
  const { leftOut: _, ...rest } = newest;
  const leftOut = newest.channels.length + newest.leftOut - channels.size;
  return {
    ...rest,
    channels: [...channels.values()],
    peers: [...peers.values()],
    ...(leftOut > 0 && { leftOut }),
  };
}

/** Reads what `sealStaticBackup` has made, of this version or one before; whatever is amiss is named. */
export function openStaticBackup(bytes: Uint8Array, key: Uint8Array): Result<StaticBackup, StorageError> {
  const at = magic.length + 1;
  const [head, found] = [bytes.subarray(0, at), bytes[at - 1]];
  if (!equalBytes(head.subarray(0, -1), magic) || found === undefined) {
    return err({
      kind: "corrupt",
      key: name,
      text: "this is no static channel backup: look for another file",
    });
  }
  if (found > version) {
    const text = `the backup has format ${found}, this program knows format ${version}: use the newer program`;
    return err({ kind: "from-the-future", key: name, text });
  }
  const nonce = bytes.subarray(at, at + xchacha20NonceLength);
  const sealed = bytes.subarray(at + xchacha20NonceLength);
  const isWhole = sealed.length >= tagLength;
  const opened = isWhole ? xchacha20Poly1305Decrypt(key, nonce, head, sealed) : undefined;
  const body = opened !== undefined && found > 1 ? withoutPadding(opened) : opened;
  if (body === undefined) {
    const text =
      "the backup was damaged, or belongs to another seed: check the seed, and try other copies of the backup";
    return err({ kind: "corrupt", key: name, text });
  }
  const read = reading(name, () => decode(staticBackup, body));
  if (read.ok && read.value.channels.some((setup) => setup.initial.steps.length === 0)) {
    return err(corruptRecord(name, "a channel has no commitments"));
  }
  return read;
}

/** Whose backup it has to be. */
export interface BackupOwner {
  readonly nodeId: NodeId;
  readonly network: Network;
}

/** `openStaticBackup`, for the backup of one node: the same seed may have others, on other networks. */
export function openOwnBackup(
  bytes: Uint8Array,
  { key, ...owner }: BackupOwner & { readonly key: Uint8Array },
): Result<StaticBackup, StorageError> {
  const opened = openStaticBackup(bytes, key);
  return opened.ok ? ownBackup(opened.value, owner) : opened;
}

/** `backup` when it is this node's. */
export function ownBackup(
  backup: StaticBackup,
  { nodeId, network }: BackupOwner,
): Result<StaticBackup, StorageError> {
  if (backup.chain !== network.genesisHash) {
    const text = `the backup belongs to a node of the chain ${backup.chain}, not of ${network.name}: choose that network`;
    return err({ kind: "wrong-network", key: name, text });
  }
  if (backup.nodeId !== nodeId) {
    const text = `the backup belongs to node ${backup.nodeId}, this is node ${nodeId}: give the node its own seed`;
    return err({ kind: "wrong-node", key: name, text });
  }
  return ok(backup);
}

/** What stands before the padding; `undefined` where there is none. */
function withoutPadding(padded: Uint8Array): Uint8Array | undefined {
  let end = padded.length - 1;
  while (padded[end] === 0) end--;
  return padded[end] === 0x80 ? padded.subarray(0, end) : undefined;
}
