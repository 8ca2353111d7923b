import type { Network } from "@fulmen/bitcoin/network";
import type { EntropySource } from "@fulmen/lightning/chain";
import { xchacha20NonceLength } from "@fulmen/lightning/crypto";
import type { PeerCopy } from "@fulmen/lightning/manager";
import type { MonitorSetup } from "@fulmen/lightning/onchain";
import { backupForPeer, type StaticBackup, sealStaticBackup } from "@fulmen/lightning/storage";
import { type NodeId, present } from "@fulmen/lightning/util";
import { backOff, type Clock } from "../clock.ts";

/** Somewhere a backup is kept: a file on another disk, a bucket, the peers. */
export interface BackupPlace {
  /** For people. */
  readonly name: string;
  /** Takes the place of what was written before; fulfilled when it is durable there. */
  write(backup: Uint8Array): Promise<void>;
}

export interface StaticBackupsOptions {
  readonly nodeId: NodeId;
  readonly network: Network;
  /** `KeysManager.peerStorageKey`. */
  readonly key: Uint8Array;
  readonly entropy: EntropySource;
  readonly clock: Clock;
  /** The setups of all monitors: of each channel that has money in it, or had and is not resolved. */
  readonly setups: () => Iterable<MonitorSetup>;
  /** Where a peer was found last, as `host:port`. */
  readonly addresses: (nodeId: NodeId) => readonly string[];
  readonly places: readonly BackupPlace[];
  /** Height below which no block has anything of the wallet. */
  readonly birthday?: number;
  /** Channels that there were and that the store lacks: those that no peer gave back when it was restored. */
  readonly leftOut?: number;
  /** Of the newest backup that is known to be somewhere. */
  readonly lastCounter?: number;
  /** A place did not take a backup; it is given the newest again in `delay` milliseconds. */
  readonly failed?: (place: BackupPlace, error: unknown, delay: number) => void;
}

const shortestRetry = 1_000;
const longestRetry = 600_000;
const longestStop = 10_000;

/**
 * Keeps static channel backups in all places as new as the set of channels is: writes one when a channel came or went,
 * or is found elsewhere. What a place does not take is tried again, always with the newest; one that is slow keeps none
 * of the others waiting, nor the node.
 */
export class StaticBackups {
  readonly #options: StaticBackupsOptions;
  readonly #writers: readonly PlaceWriter[];
  #counter: number;
  #contents: string | undefined;
  #newest: StaticBackup | undefined;
  #current: Uint8Array | undefined;

  constructor(options: StaticBackupsOptions) {
    this.#options = options;
    this.#counter = options.lastCounter ?? 0;
    this.#writers = options.places.map(
      (place) => new PlaceWriter(place, options.clock, options.failed ?? (() => {})),
    );
  }

  /** The newest backup, encrypted; absent before the first `check`. */
  get current(): Uint8Array | undefined {
    return this.#current;
  }

  /** What of the newest backup a peer is to keep (`PeerStorage`). Only after the first `check`. */
  copyFor(peer: NodeId): PeerCopy {
    const copy = backupForPeer(present(this.#newest, "a backup"), peer);
    return { bytes: this.#sealed(copy), channels: copy.channels.map(({ channelId }) => channelId) };
  }

  /** Of the newest backup; before the first `check`, of the newest that was known to be somewhere. */
  get counter(): number {
    return this.#counter;
  }

  /** Looks whether a backup is due. Call it at the start, and after each batch in which a channel opened or closed. */
  check(): void {
    const { addresses, birthday, clock, leftOut, network, nodeId } = this.#options;
    const channels = [...this.#options.setups()];
    const peerIds = new Set(channels.map(({ counterparty }) => counterparty));
    const peers = [...peerIds].map((id) => ({ nodeId: id, addresses: addresses(id) }));
    const contents = JSON.stringify([channels.map(({ channelId }) => channelId).sort(), peers]);
    if (contents === this.#contents) return;
    this.#contents = contents;
    // Rises over restarts, too, as long as the clock does not fall back by more than it was stopped.
    this.#counter = Math.max(this.#counter + 1, clock.now());
    this.#newest = {
      nodeId,
      chain: network.genesisHash,
      counter: this.#counter,
      channels,
      peers,
      ...(birthday !== undefined && { birthday }),
      ...(leftOut !== undefined && { leftOut }),
    };
    this.#current = this.#sealed(this.#newest);
    for (const writer of this.#writers) writer.write(this.#current);
  }

  #sealed(backup: StaticBackup): Uint8Array {
    const { entropy, key } = this.#options;
    return sealStaticBackup(backup, key, entropy.randomBytes(xchacha20NonceLength));
  }

  /** The places that do not have the newest backup yet. */
  get behind(): readonly BackupPlace[] {
    return this.#writers.filter(({ isBehind }) => isBehind).map(({ place }) => place);
  }

  /**
   * Fulfilled when each place has been given the newest backup and has answered, be it with an error; or after
   * `milliseconds`. What needs the backup, such as a funding that is about to be broadcast, waits for it.
   */
  async attempted(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.schedule(resolve, milliseconds);
      void Promise.all(this.#writers.map((writer) => writer.attempted)).then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Nothing is tried again. Fulfilled when what is being written has its answer, or has none for ten seconds. */
  async stop(): Promise<void> {
    for (const writer of this.#writers) writer.stop();
    await this.attempted(longestStop);
  }
}

/** Brings the newest backup to one place. */
class PlaceWriter {
  readonly place: BackupPlace;
  readonly #clock: Clock;
  readonly #failed: NonNullable<StaticBackupsOptions["failed"]>;
  #newest: Uint8Array | undefined;
  #writing: Promise<void> | undefined;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #isStopped = false;

  constructor(place: BackupPlace, clock: Clock, failed: NonNullable<StaticBackupsOptions["failed"]>) {
    this.place = place;
    this.#clock = clock;
    this.#failed = failed;
  }

  get isBehind(): boolean {
    return this.#newest !== undefined;
  }

  /** Fulfilled when nothing is being written. */
  get attempted(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  write(backup: Uint8Array): void {
    this.#newest = backup;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (!this.#isStopped) this.#writing ??= this.#writeNewest();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
  }

  async #writeNewest(): Promise<void> {
    for (let backup = this.#newest; backup !== undefined && !this.#isStopped; backup = this.#newest) {
      try {
        // A place that throws at once is no other than one that rejects.
        await Promise.resolve(backup).then((bytes) => this.place.write(bytes));
        this.#failures = 0;
        if (this.#newest === backup) this.#newest = undefined;
      } catch (error) {
        this.#failures++;
        const delay = backOff(this.#failures, shortestRetry, longestRetry);
        this.#failed(this.place, error, delay);
        if (!this.#isStopped) this.#retryIn(delay);
        break;
      }
    }
    this.#writing = undefined;
  }

  #retryIn(delay: number): void {
    this.#cancelRetry = this.#clock.schedule(() => {
      this.#cancelRetry = undefined;
      this.#writing ??= this.#writeNewest();
    }, delay);
  }
}
