import type { BlockLocator, BroadcasterInterface, KVStore, KvWrite } from "@fulmen/lightning/chain";
import { ChainMonitor } from "@fulmen/lightning/manager";
import type { MonitorEvent, UpdateRef } from "@fulmen/lightning/onchain";
import { KeysManager } from "@fulmen/lightning/sign";
import {
  chainPositionKey,
  encodeChainPosition,
  monitorsPrefix,
  readChainPosition,
  restoreMonitors,
} from "@fulmen/lightning/storage";
import { blockHeight } from "@fulmen/lightning/util";
import type { ChainBlock } from "@fulmen/testkit";
import { feeEstimator, orThrow } from "./borderNode.ts";
import { publishUnpaid } from "./publishUnpaid.ts";
import type { FromKeeper, ToKeeper } from "./remoteWatch.ts";

type Answer = Extract<FromKeeper, { kind: "answer" }>;
/** What is answered. */
type Asked = Exclude<ToKeeper, { kind: "outputs-stored" }>;

export interface MonitorKeeperOptions {
  readonly seed: number;
  readonly store: KVStore;
  readonly broadcaster: BroadcasterInterface;
  readonly reply: (message: FromKeeper) => void;
  /** The tip when there is nothing in the store. */
  readonly tip: BlockLocator;
  /** Called before each commit, and after it before anything of it is told. */
  readonly onCommit?: () => void;
}

/** The monitors of a node, with a store and a chain of their own. Answers wait until `answer` is called. */
export class MonitorKeeper {
  readonly #options: MonitorKeeperOptions;
  readonly #monitor: ChainMonitor;
  /** What was told in this life, for a manager that asks again. */
  readonly #told: MonitorEvent[] = [];
  readonly #answers: Answer[] = [];
  #tip: BlockLocator;
  #commits = 0;
  #work: Promise<void> = Promise.resolve();

  static async start(options: MonitorKeeperOptions): Promise<MonitorKeeper> {
    const entries = await options.store.scan(monitorsPrefix, undefined, 100_000);
    const position = await options.store.read(chainPositionKey);
    const tip = position
      ? orThrow(readChainPosition({ key: chainPositionKey, value: position }))
      : options.tip;
    return new MonitorKeeper(options, tip, orThrow(restoreMonitors(entries)));
  }

  private constructor(
    options: MonitorKeeperOptions,
    tip: BlockLocator,
    monitors: ConstructorParameters<typeof ChainMonitor>[1]["monitors"],
  ) {
    const { seed, broadcaster } = options;
    const keys = new KeysManager(new Uint8Array(32).fill(seed));
    const logger = {
      log: ({ level, text }: { readonly level: string; readonly text: string }): void => {
        if (level === "error") throw new Error(text);
      },
    };
    this.#options = options;
    this.#tip = tip;
    this.#monitor = new ChainMonitor(
      { signerProvider: keys, broadcaster, feeEstimator, logger, storesApart: true },
      { bestHeight: tip.height, monitors },
    );
  }

  /** Up to which block this keeper has seen the chain. */
  get tip(): BlockLocator {
    return this.#tip;
  }

  /** Answers that wait. */
  get waiting(): number {
    return this.#answers.length;
  }

  /** The first thing to say to a manager, once the keeper is at the tip; again when a manager comes anew. */
  welcome(): Promise<void> {
    return this.#next(async () => {
      this.#tellEvents();
      const latest = [...this.#monitor.monitors()].map(({ setup, latestUpdateId }) => ({
        channelId: setup.channelId,
        updateId: latestUpdateId,
      }));
      this.#options.reply({ kind: "welcome", latest, events: [...this.#told] });
    });
  }

  /** Takes what the manager says; its answer waits once it is durable. */
  receive(message: ToKeeper): Promise<void> {
    return this.#next(async () => {
      if (message.kind === "outputs-stored") {
        this.#monitor.outputsStored(message.channelId, message.outPoints);
        await this.#save();
        return;
      }
      const { channelId, updateId } = refOf(message);
      const isKnown = (this.#monitor.latestUpdateId(channelId) ?? 0) >= updateId;
      // Durable first: the monitor may broadcast as soon as it knows.
      if (!isKnown) await this.#commit(this.#writesOf(message));
      const status =
        message.kind === "watch-channel"
          ? this.#monitor.watchChannel(message.setup)
          : this.#monitor.updateChannel(message.update);
      await this.#save();
      if (status === "in-progress") throw new Error("the built-in monitor is never in progress");
      this.#answers.push({ kind: "answer", channelId, updateId, status });
    });
  }

  /** Takes the next block. */
  block({ block, hash, height }: Pick<ChainBlock, "block" | "hash" | "height">): Promise<void> {
    return this.#next(async () => {
      const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
      this.#monitor.blockConnected(block.header, transactions, height);
      this.#tip = { hash, height: blockHeight(height), ancestors: [] };
      await this.#save([{ key: chainPositionKey, value: encodeChainPosition(this.#tip) }]);
    });
  }

  /** Gives the answer that waits longest for one of the channels, which `choose` picks by its number. */
  answer(choose: (channels: number) => number): void {
    const channels = [...new Set(this.#answers.map(({ channelId }) => channelId))];
    const channel = channels[choose(channels.length)];
    const index = this.#answers.findIndex(({ channelId }) => channelId === channel);
    const [answer] = index < 0 ? [] : this.#answers.splice(index, 1);
    if (answer !== undefined) this.#options.reply(answer);
  }

  #writesOf(message: Asked): readonly KvWrite[] {
    return message.kind === "watch-channel"
      ? this.#monitor.setupWrites(message.setup)
      : this.#monitor.updateWrites([message.update]);
  }

  async #commit(writes: readonly KvWrite[]): Promise<void> {
    this.#options.onCommit?.();
    await this.#options.store.commit(writes);
    this.#options.onCommit?.();
  }

  /** Stores what the monitors have learned, and tells what follows. */
  async #save(others: readonly KvWrite[] = []): Promise<void> {
    this.#commits++;
    const commit = this.#commits;
    const writes = [...others, ...this.#monitor.takeWrites(commit)];
    if (writes.length > 0) await this.#commit(writes);
    this.#monitor.committed(commit);
    publishUnpaid(this.#monitor.takeBumpEvents(), this.#options.broadcaster);
    for (const event of this.#tellEvents()) this.#options.reply({ kind: "event", event });
  }

  #tellEvents(): readonly MonitorEvent[] {
    const events = this.#monitor.takeMonitorEvents();
    this.#told.push(...events);
    return events;
  }

  /** One thing after the other. */
  #next(act: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(act);
    return this.#work;
  }
}

function refOf(message: Asked): UpdateRef {
  return message.kind === "watch-channel" ? message.setup.initial : message.update;
}
