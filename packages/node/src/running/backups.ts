import { rename } from "node:fs/promises";
import { type BackupPlace, StaticBackups, systemClock } from "@fulmen/background";
import { messageOf, type NodeId } from "@fulmen/lightning/util";
import { replaceFile } from "@fulmen/persist/exportFile";
import type { NodeStatusView, NodeWarning, PeerBackupState } from "../api/nodeApi.ts";
import { backupKey } from "../journal/index.ts";
import type { NodeParts } from "../parts/index.ts";
import { backupInFile } from "../start/index.ts";

const peersPlace = "the peers";
/** A funding waits no longer for places that do not answer. */
const patience = 10_000;

export interface BackupsStart {
  /** Of the newest backup that was made of this store; 0 before the first. */
  readonly lastCounter: number;
  /** Height below which no block has anything of the wallet, where it is known. */
  readonly birthday: number | undefined;
  /** Channels that a restore did not find. */
  readonly leftOut: number | undefined;
  /** `host:port` where a peer was found last. */
  readonly addresses: (nodeId: NodeId) => readonly string[];
}

/** Keeps the static channel backup in the places that the options name, and with the peers. */
export class Backups {
  readonly #parts: NodeParts;
  readonly #lastCounter: number;
  readonly #leftOut: number | undefined;
  readonly #backups: StaticBackups;
  /** Why each place that is behind did not take the newest. */
  readonly #reasons = new Map<BackupPlace, string>();
  #firstCounter: number | undefined;
  #storedCounter: number;
  #madeAt: number | undefined;
  #takenAt: number | undefined;

  constructor(parts: NodeParts, { lastCounter, birthday, leftOut, addresses }: BackupsStart) {
    const { options, keys, network, entropy, chainMonitor, logger } = parts;
    const { backupFiles = [], backupPlaces = [], backupAtPeers = true } = options;
    this.#parts = parts;
    this.#lastCounter = lastCounter;
    this.#leftOut = leftOut;
    this.#storedCounter = lastCounter;
    const durable = [...backupFiles.map((path) => this.#file(path)), ...backupPlaces];
    const places = [
      ...durable.map((place) => this.#counted(place)),
      ...(backupAtPeers ? [this.#peers()] : []),
    ];
    this.#backups = new StaticBackups({
      nodeId: keys.nodeId,
      key: keys.peerStorageKey(),
      clock: systemClock,
      setups: () => [...chainMonitor.monitors()].map(({ setup }) => setup),
      failed: (place, error, delay) => {
        const why = messageOf(error);
        this.#reasons.set(place, why);
        const text = `${place.name} did not take the static channel backup, again in ${delay / 1_000} s: ${why}`;
        logger.log({ level: "error", module: "backup", text });
      },
      network,
      entropy,
      addresses,
      places,
      lastCounter,
      ...(birthday !== undefined && { birthday }),
      ...(leftOut !== undefined && { leftOut }),
    });
  }

  /** The newest backup, encrypted; absent before the first `check`. */
  get current(): Uint8Array | undefined {
    return this.#backups.current;
  }

  /** How old the newest backup is, and whether it is where it belongs; absent before the first `check`. */
  get state(): NodeStatusView["backup"] {
    const [madeAt, takenAt] = [this.#madeAt, this.#takenAt];
    if (madeAt === undefined) return undefined;
    const isTaken = takenAt !== undefined && this.#backups.behind.length === 0;
    const { backupAtPeers = true } = this.#parts.options;
    return { madeAt, ...(isTaken && { takenAt }), ...(backupAtPeers && { atPeers: this.#atPeers() }) };
  }

  #atPeers(): PeerBackupState {
    const { chainMonitor, peerStorage } = this.#parts;
    const { peers, channels } = peerStorage.keptByPeers;
    const all = [...chainMonitor.monitors()].map(({ setup }) => setup.channelId);
    return { peers, channels: all.filter((id) => channels.has(id)).length, of: all.length };
  }

  /** Looks whether a channel came or went. */
  check(): void {
    const { counter } = this.#backups;
    this.#backups.check();
    if (this.#backups.counter !== counter) this.#madeAt = this.#parts.now();
    this.#firstCounter ??= this.#backups.counter;
  }

  /** Resolves when each place was given a backup with all channels and has answered; or does not answer. */
  async taken(): Promise<void> {
    this.check();
    await this.#backups.attempted(patience);
  }

  stop(): Promise<void> {
    return this.#backups.stop();
  }

  warnings(): readonly NodeWarning[] {
    const { options, manager, peerStorage } = this.#parts;
    const warnings: NodeWarning[] = [];
    for (const place of this.#backups.behind) {
      const why = this.#reasons.get(place);
      if (why === undefined) continue;
      warnings.push({
        code: "backup",
        text: `the static channel backup is not up to date in ${place.name}: ${why}`,
        remedy: "see that it is there, has space and may be written; the node tries again by itself",
      });
    }
    const { backupFiles = [], backupPlaces = [], storage } = options;
    const hasPlace = backupFiles.length + backupPlaces.length > 0;
    if (!hasPlace && storage !== "memory" && manager.listChannels().length > 0) {
      warnings.push({
        code: "no-backup",
        text: "the static channel backup is kept with the peers at most",
        remedy: "name a file on another disk in `backupFiles`: without it, a lost store may be lost channels",
      });
    }
    if (this.#leftOut !== undefined) {
      warnings.push({
        code: "restored-partly",
        text: `${this.#leftOut} channels were in none of the copies that peers gave back when this store was restored`,
        remedy:
          "restore into an empty store again, naming the peers of those channels or a file: docs/backup.md",
      });
    }
    const { recovered } = peerStorage;
    const { counter = 0 } = recovered ?? {};
    // What was made since the start may come back, too: that is as it should be.
    if (counter > this.#lastCounter && counter < (this.#firstCounter ?? 0)) {
      warnings.push({
        code: "store-stale",
        text: `a peer gave back a backup of ${recovered?.channels.length} channels that is newer than this store`,
        remedy: "stop the node, set its store aside, and restore into an empty one: docs/backup.md",
      });
    }
    return warnings;
  }

  /**
   * The store knows of a backup before any place has it: one that is newer than the store proves that the store is old.
   */
  #counted(place: BackupPlace): BackupPlace {
    const write = async (backup: Uint8Array): Promise<void> => {
      await this.#count();
      await place.write(backup);
      for (const one of this.#reasons.keys()) if (one.name === place.name) this.#reasons.delete(one);
      this.#takenAt = this.#parts.now();
    };
    return { name: place.name, write };
  }

  async #count(): Promise<void> {
    const { counter } = this.#backups;
    if (counter <= this.#storedCounter) return;
    await this.#parts.journal.run(async (journal) => {
      const row = await journal.get<object>(backupKey);
      journal.put(backupKey, { ...row, counter });
    });
    this.#storedCounter = Math.max(this.#storedCounter, counter);
  }

  /** What is in the file at first, and is no backup of this store, is set aside: it may be a node's only backup. */
  #file(path: string): BackupPlace {
    let isOurs = false;
    const write = async (backup: Uint8Array): Promise<void> => {
      const found = isOurs ? { kind: "none" as const } : await backupInFile(path, this.#parts);
      const isNewer = found.kind === "found" && found.backup.counter > this.#lastCounter;
      if (isNewer || found.kind === "unusable") {
        const aside = `${path}.set-aside-${Date.now()}`;
        await rename(path, aside);
        const text = `${path} held something else than a backup of this store: it is in ${aside} now`;
        this.#parts.logger.log({ level: "error", module: "backup", text });
      }
      await replaceFile(path, backup);
      isOurs = true;
    };
    return { name: path, write };
  }

  #peers(): BackupPlace {
    const { peerStorage, background } = this.#parts;
    const write = async (): Promise<void> => {
      await this.#count();
      peerStorage.setBackup((peer) => this.#backups.copyFor(peer));
      background.wake();
    };
    return { name: peersPlace, write };
  }
}
