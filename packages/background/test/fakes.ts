import type { BackgroundProcessorOptions } from "@fulmen/background";
import { BackgroundProcessor, type NodeStatus } from "@fulmen/background";
import type { KVStore, KvEntry, KvWrite } from "@fulmen/lightning/chain";
import type { Event, IndexedEvent, LogRecord } from "@fulmen/lightning/handlers";
import type { Batch } from "@fulmen/lightning/manager";
import { batchSequenceKey, encodeBatchSequence } from "@fulmen/lightning/storage";
import {
  type ChannelId,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  sat,
  type Txid,
} from "@fulmen/lightning/util";
import { ManualClock } from "./manualClock.ts";

interface Commit {
  readonly writes: readonly KvWrite[];
  readonly fulfil: () => void;
  readonly reject: (error: unknown) => void;
}

/** A store whose commits wait until the test decides; `automatic` ones go through at once. */
export class HeldStore implements KVStore {
  readonly values = new Map<string, Uint8Array>();
  readonly history: string[] = [];
  waiting: Commit[] = [];
  automatic = true;
  /** What the next commits are rejected with. */
  failure: unknown;

  read(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.values.get(key));
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    const keys = [...this.values.keys()].filter((key) => key.startsWith(prefix) && key > (after ?? ""));
    const entries = keys.sort().map((key) => ({ key, value: this.values.get(key) ?? new Uint8Array(0) }));
    return Promise.resolve(entries.slice(0, limit));
  }

  commit(writes: readonly KvWrite[]): Promise<void> {
    this.history.push(writes.map(({ key }) => key).join(" "));
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.automatic) {
      this.apply(writes);
      return Promise.resolve();
    }
    return new Promise((fulfil, reject) => {
      this.waiting.push({ writes, fulfil, reject });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  apply(writes: readonly KvWrite[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
  }

  fulfil(index: number): void {
    const [commit] = this.waiting.splice(index, 1);
    if (commit === undefined) return;
    this.apply(commit.writes);
    commit.fulfil();
  }
}

/** Stands for a manager: `happens(key)` is an input whose effect is `key` itself. */
export class FakeManager {
  readonly released: number[] = [];
  readonly calls: string[] = [];
  readonly acknowledged: number[] = [];
  events: IndexedEvent[] = [];
  resolved: readonly ChannelId[] = [];
  readonly archived: [ChannelId, readonly string[]][] = [];
  takeFails: Error | undefined;
  /** HTLCs that wait to be decided. */
  pendingHtlcs = 0;
  defersForwards = false;
  #keys: string[] = [];
  #sequence = 0;

  happens(key: string): void {
    this.#keys.push(key);
  }

  takeBatch(): Batch | undefined {
    if (this.takeFails !== undefined) throw this.takeFails;
    if (this.#keys.length === 0) return undefined;
    this.#sequence += 1;
    const writes: KvWrite[] = this.#keys.map((key) => ({ key, value: Uint8Array.of(this.#sequence) }));
    this.#keys = [];
    writes.push({ key: batchSequenceKey, value: encodeBatchSequence(this.#sequence) });
    return { sequence: this.#sequence, writes };
  }

  batchCommitted(sequence: number): void {
    this.released.push(sequence);
  }

  processMonitorEvents(): void {}

  pendingEvents(limit: number, after = 0): readonly IndexedEvent[] {
    return this.events.filter(({ index }) => index > after).slice(0, limit);
  }

  acknowledgeEvent(index: number): void {
    this.acknowledged.push(index);
    this.events = this.events.filter((event) => event.index !== index);
  }

  acknowledgeEvents(index: number): void {
    this.acknowledged.push(index);
    this.events = this.events.filter((event) => event.index > index);
  }

  timerTickOccurred(now: number): void {
    this.calls.push(`tick ${now}`);
  }

  deferHtlcForwards(): void {
    this.defersForwards = true;
  }

  needsPendingHtlcProcessing(): boolean {
    return this.pendingHtlcs > 0;
  }

  processPendingHtlcForwards(): void {
    this.calls.push(`forwards ${this.pendingHtlcs}`);
    this.pendingHtlcs = 0;
  }

  channelsToArchive(): readonly ChannelId[] {
    return this.resolved;
  }

  archiveChannel(channelId: ChannelId, keys: readonly string[]): void {
    this.resolved = this.resolved.filter((one) => one !== channelId);
    this.archived.push([channelId, keys]);
  }
}

export function paymentFailed(name: string): Event {
  return {
    kind: "payment-failed",
    paymentId: name as PaymentId,
    paymentHash: name as PaymentHash,
    reason: "user-abandoned",
  };
}

/** One output of a closed channel. */
export function spendableOutputs(channelId: string, index: number): Event {
  return {
    kind: "spendable-outputs",
    channelId: channelId as ChannelId,
    counterparty: "peer" as NodeId,
    outputs: [
      {
        kind: "static-output",
        outPoint: { txid: "aa" as Txid, index },
        output: { value: sat(1_000), script: new Uint8Array(22) },
        channelKeysId: new Uint8Array(32),
      },
    ],
  };
}

/** A monitor of channels of which nothing is to be stored, and none ends. */
export const idleMonitor: NonNullable<BackgroundProcessorOptions["chainMonitor"]> = {
  takeWrites: () => [],
  committed: () => {},
  rebroadcast: () => {},
  archive: () => {},
  takeBumpEvents: () => [],
  unsettledClaims: () => [],
};

/** A processor around fakes, and what they have seen. */
export function fakeNode(options: Partial<BackgroundProcessorOptions> = {}) {
  const clock = new ManualClock();
  const store = new HeldStore();
  const manager = new FakeManager();
  const calls: string[] = [];
  const statuses: NodeStatus[] = [];
  const log: LogRecord[] = [];
  const processor = new BackgroundProcessor({
    manager,
    peerManager: {
      tick: () => calls.push("peer tick"),
      disconnectAll: () => calls.push("disconnect all"),
      newOutboundConnection: () => ({ ok: true, value: undefined }),
      newInboundConnection: () => {},
      readBytes: () => "continue",
      takeOutgoing: () => new Uint8Array(0),
      connectionLost: () => {},
      takeConnectionChanges: () => [],
      processEvents: () => {},
    },
    store,
    logger: { log: (record) => log.push(record) },
    flush: () => calls.push("flush"),
    onStatus: (status) => statuses.push(status),
    clock,
    ...options,
  });
  return { clock, store, manager, calls, statuses, log, processor };
}
