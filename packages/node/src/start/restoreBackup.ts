import { open } from "node:fs/promises";
import type { Network } from "@fulmen/bitcoin/network";
import type { ChainSource } from "@fulmen/chain-sync";
import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { Logger } from "@fulmen/lightning/handlers";
import type { KeysManager } from "@fulmen/lightning/sign";
import {
  chainPositionKey,
  encodeChainPosition,
  openOwnBackup,
  openStaticBackup,
  type RestoredStore,
  restoredStore,
  type StaticBackup,
} from "@fulmen/lightning/storage";
import { type BlockHeight, blockHeight } from "@fulmen/lightning/util";
import { NodeError } from "../api/nodeError.ts";
import type { NodeOptions } from "../api/options.ts";
import { encodeRow, peerPrefix } from "../journal/index.ts";
import { type BackupRow, backupRowWrite, readBackupRow } from "./backupRow.ts";
import { addressesIn, backupFromPeers, type PeerBackup } from "./peerBackup.ts";
import { orThrow } from "./restore.ts";

interface Owner {
  readonly keys: KeysManager;
  readonly network: Network;
}

/** Where a backup is restored into. */
interface RestoreTarget extends Owner {
  readonly store: KVStore;
  readonly source: ChainSource;
  /** Of the chain's tip. */
  readonly height: BlockHeight;
  readonly config: UserConfig;
  readonly logger: Logger;
  readonly storeIsEmpty: boolean;
}

/** A backup of all channels that a file may have. */
type FoundBackup =
  | { readonly kind: "none" }
  | { readonly kind: "found"; readonly backup: StaticBackup }
  /** Damaged, another node's, or something else. */
  | { readonly kind: "unusable" };

/** A reorganisation may have brought the oldest funding this much deeper than it was when it was made. */
const reorgDepth = 6;
/** Some tens of thousands of channels: what is longer is no backup. */
const longestBackup = 64 * 2 ** 20;

/** What a file holds. Rejects with the file system's error where there is one that cannot be read. */
export async function backupInFile(path: string, { keys, network }: Owner): Promise<FoundBackup> {
  const bytes = await bytesOf(path);
  if (bytes === undefined || bytes.length === 0) return { kind: "none" };
  const opened = openOwnBackup(bytes, { nodeId: keys.nodeId, network, key: keys.peerStorageKey() });
  return opened.ok ? { kind: "found", backup: opened.value } : { kind: "unusable" };
}

/**
 * Fills an empty store from the backup that the options name, or from the newest that peers give back: its channels
 * wait for their peers to close them. All of it is one batch, with the height from which the chain is to be read:
 * whenever the node dies, there is nothing in the store, or all, and the next start goes on. Says whether it wrote
 * anything.
 *
 * Throws `store-stale` where a backup in one of the node's files is newer than what is to be started, before anything
 * is written; `backup-unusable`, `backup-not-found`, `wrong-network` and `store-not-empty`.
 */
export async function restoreBackup(options: NodeOptions, target: RestoreTarget): Promise<boolean> {
  const { store, keys, storeIsEmpty } = target;
  const { restoreFrom, backupFiles = [] } = options;
  const row = await readBackupRow(store);
  const given = restoreFrom instanceof Uint8Array ? openedBackup(restoreFrom, keys) : restoreFrom;
  const isDone =
    given === undefined ||
    (row?.restoredFrom !== undefined && (!("counter" in given) || given.counter === row.restoredFrom));
  if (!isDone && !storeIsEmpty) {
    throw new NodeError("store-not-empty", "the store is in use, and was not restored from this backup", {
      remedy: "start it without the backup; or, if it lacks channels, set it aside and give an empty store",
    });
  }
  const found = isDone
    ? undefined
    : "counter" in given
      ? { backup: given, addresses: [] }
      : await backupFromPeers(given, target);
  await expectNoNewerBackup(backupFiles, target, Math.max(row?.counter ?? 0, found?.backup.counter ?? 0));
  if (found === undefined) return false;
  const birthday = options.birthday ?? found.backup.birthday;
  await store.commit(await restoredWrites(found, { ...target, ...(birthday !== undefined && { birthday }) }));
  return true;
}

/** Throws `backup-unusable`. */
export function openedBackup(bytes: Uint8Array, keys: KeysManager): StaticBackup {
  return orThrow(openStaticBackup(bytes, keys.peerStorageKey()), "backup-unusable");
}

/** What the core makes of a backup. Throws `backup-unusable`, `wrong-network` and `wrong-seed`. */
export function restoredRecords(
  backup: StaticBackup,
  { keys, network, config }: Owner & Pick<RestoreTarget, "config">,
): RestoredStore {
  const { channelConfig } = config;
  const restored = restoredStore(backup, {
    nodeId: keys.nodeId,
    network,
    signerProvider: keys,
    channelConfig,
  });
  const isOther = !restored.ok && restored.error.kind.startsWith("wrong");
  return orThrow(restored, isOther ? undefined : "backup-unusable");
}

async function restoredWrites(
  { backup, addresses }: PeerBackup,
  target: RestoreTarget & Pick<BackupRow, "birthday">,
): Promise<readonly KvWrite[]> {
  const { source, height, birthday } = target;
  const { writes, oldestHeight } = restoredRecords(backup, target);
  const start = Math.min(Math.max((oldestHeight ?? height) - reorgDepth, 0), height);
  const position = await source.locate(blockHeight(start));
  const { counter, leftOut } = backup;
  const row = {
    counter,
    restoredFrom: counter,
    ...(birthday !== undefined && { birthday }),
    ...(leftOut !== undefined && { leftOut }),
  };
  const peers = new Set(backup.peers.map(({ nodeId }) => nodeId));
  const named = addresses.filter(({ nodeId }) => peers.has(nodeId));
  // Where the user found a peer just now counts more than where the node found it once.
  const known = new Map([...addressesIn(backup), ...named].map((address) => [address.nodeId, address]));
  return [
    ...writes,
    { key: chainPositionKey, value: encodeChainPosition(position) },
    backupRowWrite(row),
    ...[...known.values()].map((address) => ({
      key: `${peerPrefix}${address.nodeId}`,
      value: encodeRow(address),
    })),
  ];
}

/** A node that began anew in an empty store, or goes on in an old one, would write over the backup that can save it. */
async function expectNoNewerBackup(
  paths: readonly string[],
  { keys, network, storeIsEmpty }: RestoreTarget,
  counter: number,
): Promise<void> {
  for (const path of paths) {
    // One that cannot be read now is not written over later, either: the node warns of it.
    const found = await backupInFile(path, { keys, network }).catch(() => undefined);
    if (found?.kind !== "found" || found.backup.counter <= counter) continue;
    const { channels } = found.backup;
    if (storeIsEmpty && channels.length === 0) continue;
    const what = storeIsEmpty ? "the store is empty" : "the store is older than its backup";
    throw new NodeError(
      "store-stale",
      `${what}: ${path} has ${channels.length} channel${channels.length === 1 ? "" : "s"} of this node`,
      {
        remedy: storeIsEmpty
          ? "restore from this file; or move it away, if its channels are closed and paid out"
          : "start the newest store; if it is lost, set this one aside, and restore from the file into an empty one",
        details: { path, channels: channels.length },
      },
    );
  }
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      // Too long to be ours: the beginning shows that, too.
      const bytes = new Uint8Array(Math.min(size, longestBackup));
      await file.read(bytes, 0, bytes.length, 0);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
