import type { KvWrite } from "../chain/kvStore.ts";
import type { ChannelMonitor } from "../onchain/channelMonitor.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../onchain/watch.ts";
import type { RestoredMonitor } from "../storage/v1/readMonitors.ts";
import { StoredMonitor } from "../storage/v1/storedMonitor.ts";
import type { ChannelId } from "../util/ids.ts";
import { InvariantError, present } from "../util/invariant.ts";

/** The monitors of all channels as they are now, and how much of that the store has. */
export class Monitors {
  readonly #monitors = new Map<ChannelId, ChannelMonitor>();
  /** What the store has, or is about to have, of each. */
  readonly #stored = new Map<ChannelId, StoredMonitor>();
  /** Monitors that know more than the store. */
  readonly #unsaved = new Set<ChannelId>();
  /** Monitors whose lock is not durable yet, and the batch that makes it so once it has been taken. */
  readonly #lockPending = new Map<ChannelId, number | undefined>();

  get(channelId: ChannelId): ChannelMonitor | undefined {
    return this.#monitors.get(channelId);
  }

  /** Throws `InvariantError` for a channel that is not watched. */
  known(channelId: ChannelId): ChannelMonitor {
    const monitor = this.#monitors.get(channelId);
    if (monitor === undefined) throw new InvariantError(`channel ${channelId} is not watched`);
    return monitor;
  }

  all(): IterableIterator<ChannelMonitor> {
    return this.#monitors.values();
  }

  /** Takes in what the store has of a monitor. */
  restore({ monitor, stored }: RestoredMonitor): void {
    this.#stored.set(monitor.setup.channelId, stored);
  }

  /** Takes in a monitor as it is in the store. */
  put(monitor: ChannelMonitor): void {
    this.#monitors.set(monitor.setup.channelId, monitor);
  }

  /** Takes in a monitor that knows more than the store. A lock that lets it broadcast has to be stored first. */
  change(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    const before = this.known(channelId).lock;
    if (monitor.lock?.broadcast === true && before?.broadcast !== true) {
      this.#lockPending.set(channelId, undefined);
    }
    this.#unsaved.add(channelId);
    this.put(monitor);
  }

  /** Whether the monitor has to wait with our commitment, until its lock is durable. */
  awaitsLock(channelId: ChannelId): boolean {
    return this.#lockPending.has(channelId);
  }

  /** What the store has of a monitor, which may be new. */
  storedOf(setup: MonitorSetup): StoredMonitor {
    const known = this.#stored.get(setup.channelId);
    if (known !== undefined) return known;
    const stored = new StoredMonitor(setup);
    this.#stored.set(setup.channelId, stored);
    return stored;
  }

  updateWrites(updates: readonly ChannelMonitorUpdate[]): readonly KvWrite[] {
    const { channelId } = present(updates[0], "an update to write");
    const stored = present(this.#stored.get(channelId), "what is stored of a monitor");
    return stored.updateWrites(updates, this.#monitors.get(channelId));
  }

  /** Whether `takeWrites` has anything. */
  get hasWrites(): boolean {
    return this.#unsaved.size > 0;
  }

  /** What the monitors know more than the store, to be committed with batch `sequence`. */
  takeWrites(sequence: number): readonly KvWrite[] {
    const writes: KvWrite[] = [];
    for (const channelId of this.#unsaved) {
      const stored = present(this.#stored.get(channelId), "what is stored of a monitor");
      writes.push(...stored.stateWrites(this.known(channelId)));
      if (this.#lockPending.has(channelId) && this.#lockPending.get(channelId) === undefined) {
        this.#lockPending.set(channelId, sequence);
      }
    }
    this.#unsaved.clear();
    return writes;
  }

  /** Batch `sequence` and all before it are durable. Gives the channels whose locks are so by that. */
  committed(sequence: number): readonly ChannelId[] {
    const locked: ChannelId[] = [];
    for (const [channelId, waitsFor] of this.#lockPending) {
      if (waitsFor !== undefined && waitsFor <= sequence) locked.push(channelId);
    }
    for (const channelId of locked) this.#lockPending.delete(channelId);
    return locked;
  }

  forget(channelId: ChannelId): void {
    this.#monitors.delete(channelId);
    this.#stored.delete(channelId);
    this.#unsaved.delete(channelId);
    this.#lockPending.delete(channelId);
  }
}
