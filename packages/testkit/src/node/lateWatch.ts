import type { KvEntry } from "@fulmen/lightning/chain";
import { ChainMonitor, type ChainMonitorEnvironment } from "@fulmen/lightning/manager";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStatus,
  MonitorEvent,
  MonitorSetup,
  UpdateRef,
  Watch,
} from "@fulmen/lightning/onchain";
import { monitorsPrefix, restoreMonitors } from "@fulmen/lightning/storage";
import { blockHeight, type ChannelId, type OutPoint } from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";
import { SyncStore } from "./syncStore.ts";

/** What the manager gave and what is not stored yet. */
type Asked =
  | { readonly kind: "setup"; readonly setup: MonitorSetup }
  | { readonly kind: "update"; readonly update: ChannelMonitorUpdate };

/**
 * A `Watch` that keeps its monitors apart from the manager, in a store of its own: every update is `in-progress` until
 * `complete` is called. It outlives the manager, and can die by itself (`restart`).
 */
export class LateWatch implements Watch {
  readonly durability = "elsewhere";
  readonly #environment: ChainMonitorEnvironment;
  readonly #chain: TestChain;
  readonly #store = new SyncStore();
  #monitors: ChainMonitor;
  /** Of each channel in order. */
  #asked: Asked[] = [];
  #events: MonitorEvent[] = [];
  #position: ReturnType<TestChain["locator"]>;
  #commits = 0;

  constructor(environment: ChainMonitorEnvironment, chain: TestChain) {
    this.#environment = { ...environment, storesApart: true };
    this.#chain = chain;
    this.#position = chain.locator();
    this.#monitors = this.#restore();
  }

  /** The monitors as they are now; a restart makes others. */
  get monitors(): ChainMonitor {
    return this.#monitors;
  }

  /** Updates that are in progress. */
  get pending(): number {
    return this.#asked.length;
  }

  /** All that is in its store of the monitors. */
  stored(): readonly KvEntry[] {
    return this.#store.entries(monitorsPrefix);
  }

  watchChannel(setup: MonitorSetup): ChannelMonitorUpdateStatus {
    return this.#ask({ kind: "setup", setup });
  }

  updateChannel(update: ChannelMonitorUpdate): ChannelMonitorUpdateStatus {
    return this.#ask({ kind: "update", update });
  }

  latestUpdateId(channelId: ChannelId): number | undefined {
    return this.#monitors.latestUpdateId(channelId);
  }

  takeMonitorEvents(): readonly MonitorEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  outputsStored(channelId: ChannelId, outPoints: readonly OutPoint[]): void {
    this.#monitors.outputsStored(channelId, outPoints);
    this.#save();
  }

  /** Stores the first update in progress of one channel, `which` modulo their number, and says so to the manager. */
  complete(which = 0): boolean {
    const channels = [...new Set(this.#asked.map((asked) => refOf(asked).channelId))];
    const channelId = channels[which % Math.max(1, channels.length)];
    const index = this.#asked.findIndex((asked) => refOf(asked).channelId === channelId);
    const [asked] = index < 0 ? [] : this.#asked.splice(index, 1);
    if (asked === undefined) return false;
    const kind = this.#take(asked);
    this.#save();
    this.#events.push({ kind, ...refOf(asked) });
    return true;
  }

  /** Sees what the chain has done. Whether there was anything. */
  syncChain(): boolean {
    const { forkPoint, disconnected, connected } = this.#chain.blocksSince(this.#position);
    if (disconnected.length > 0) this.#monitors.blocksDisconnected(forkPoint);
    for (const { block, height } of connected) {
      const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
      this.#monitors.blockConnected(block.header, transactions, height);
    }
    this.#position = this.#chain.locator();
    this.#save();
    return disconnected.length + connected.length > 0;
  }

  /** The manager died, and comes back: what it gave is given again, and it is told all that holds. */
  managerDied(): void {
    this.#asked = [];
    this.#events = [];
    this.#monitors = this.#restore();
    this.#save();
  }

  /** Dies, and comes back from its store; the manager says again what was not answered. */
  restart(): void {
    const told = this.#events;
    this.#monitors = this.#restore();
    this.#save();
    this.#events = [...told, ...this.#events];
  }

  #ask(asked: Asked): ChannelMonitorUpdateStatus {
    this.#asked.push(asked);
    return "in-progress";
  }

  /** Durable first: the monitor may broadcast as soon as it knows. */
  #take(asked: Asked): "completed" | "refused" {
    const { channelId, updateId } = refOf(asked);
    const isKnown = (this.#monitors.latestUpdateId(channelId) ?? 0) >= updateId;
    if (!isKnown) {
      this.#store.commitNow(
        asked.kind === "setup"
          ? this.#monitors.setupWrites(asked.setup)
          : this.#monitors.updateWrites([asked.update]),
      );
    }
    const status =
      asked.kind === "setup"
        ? this.#monitors.watchChannel(asked.setup)
        : this.#monitors.updateChannel(asked.update);
    if (status === "in-progress") throw new Error("the built-in monitor is never in progress");
    return status;
  }

  #save(): void {
    this.#commits++;
    const writes = this.#monitors.takeWrites(this.#commits);
    if (writes.length > 0) this.#store.commitNow(writes);
    this.#monitors.committed(this.#commits);
    this.#events.push(...this.#monitors.takeMonitorEvents());
  }

  #restore(): ChainMonitor {
    const monitors = restoreMonitors(this.#store.entries(monitorsPrefix));
    if (!monitors.ok) throw new Error(monitors.error.text);
    return new ChainMonitor(this.#environment, {
      bestHeight: blockHeight(this.#position.height),
      monitors: monitors.value,
    });
  }
}

function refOf(asked: Asked): UpdateRef {
  return asked.kind === "setup" ? asked.setup.initial : asked.update;
}
