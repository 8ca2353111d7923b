import { risingMilliseconds } from "@fulmen/background";
import type { ChainClients, SyncProgress } from "@fulmen/chain-sync";
import { SpentChannels } from "@fulmen/lightning/gossip";
import { messageOf } from "@fulmen/lightning/util";
import type { NodeParts, SingleSource } from "../parts/index.ts";
import { chainGaps } from "./chainGaps.ts";
import { commitOnTheWay } from "./commitOnTheWay.ts";
import { KeptHeaders } from "./keptHeaders.ts";
import { NewestBlock } from "./newestBlock.ts";

type FollowParts = Pick<
  NodeParts,
  | "store"
  | "source"
  | "sources"
  | "wallet"
  | "manager"
  | "chainMonitor"
  | "sweeper"
  | "graph"
  | "fees"
  | "logger"
  | "network"
  | "now"
>;

/** How the chain source does. */
export interface ChainState {
  readonly tip: number;
  readonly lastAnswer?: number;
  readonly problem?: string;
}

const feeInterval = 3 * 60_000;
const shortestRetry = 500;
const longestRetry = 30_000;

/**
 * For whom the chain is followed: the wallet, which may be older than the node, and all that is stored with the
 * manager.
 */
export function chainClients(
  { wallet, manager, chainMonitor, sweeper, graph }: FollowParts,
  walletStart: Position,
): ChainClients {
  return {
    followers: [
      { position: () => wallet.bestBlock ?? walletStart, listeners: [wallet] },
      {
        position: () => manager.bestBlock,
        listeners: [sweeper, chainMonitor, manager, new SpentChannels(graph)],
      },
    ],
    mempool: [
      {
        transactionSeen(transaction) {
          wallet.transactionSeen(transaction);
          manager.transactionSeen(transaction);
        },
      },
    ],
    scripts: [wallet],
    unspent: () =>
      [...chainMonitor.monitors()].flatMap(({ setup: { funding }, chain }) =>
        chain.fundingSpend === undefined ? [funding] : [],
      ),
  };
}

type Position = NodeParts["manager"]["bestBlock"];

/** Who hears of the chain being followed. */
interface ChainObserver {
  /** After each block and each look at the mempool. */
  readonly changed: () => void;
  /** How far a long sync has come. */
  readonly progress: (progress: SyncProgress) => void;
}

/**
 * Keeps the node at the chain's tip and its feerates fresh, until it is stopped. A source that fails is asked again.
 */
export class ChainFollowing {
  readonly #parts: FollowParts;
  readonly #clients: ChainClients;
  readonly #told: ChainObserver;
  readonly #abort = new AbortController();
  readonly #newest = new NewestBlock();
  readonly #headers: KeptHeaders;
  #state: ChainState;
  #gaps: readonly string[] = [];
  #running: Promise<void> = Promise.resolve();
  #feeTimer: ReturnType<typeof setInterval> | undefined;

  constructor(parts: FollowParts, clients: ChainClients, told: ChainObserver) {
    this.#parts = parts;
    const followers = clients.followers.map((one) => ({
      ...one,
      listeners: [...one.listeners, this.#newest],
    }));
    this.#clients = { ...clients, followers };
    this.#told = told;
    this.#headers = new KeptHeaders(parts);
    this.#state = { tip: parts.manager.bestBlock.height };
  }

  /** When the newest block says it was made; absent until one was heard of. */
  get blockTime(): number | undefined {
    return this.#newest.time;
  }

  get state(): ChainState {
    return this.#state;
  }

  /**
   * Asks for feerates, for what blocks give cause to, and brings everything to the tip; rejects with what the source
   * says.
   */
  async catchUp(): Promise<void> {
    const { source, sources } = this.#parts;
    // Nobody waits for those that may be down.
    const fees = sources.map((one) => {
      const asked = this.#askForFees(one);
      return one.name === source.name ? asked : undefined;
    });
    await this.#headers.recall();
    await Promise.all(fees);
    await this.#sync({ ...this.#clients, paced: commitOnTheWay(this.#parts.store, this.#parts) });
  }

  start(): void {
    this.#running = this.#run();
    this.#feeTimer = setInterval(() => {
      for (const one of this.#parts.sources) void this.#askForFees(one);
    }, feeInterval);
  }

  /** Stops the source. */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#feeTimer);
    await this.#parts.source.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { source } = this.#parts;
    const { signal } = this.#abort;
    let delay = shortestRetry;
    while (!signal.aborted) {
      try {
        await source.changed(signal);
        if (signal.aborted) return;
        await this.#sync(this.#clients);
        delay = shortestRetry;
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
        await pause(delay, signal);
        delay = Math.min(2 * delay, longestRetry);
      }
      this.#told.changed();
    }
  }

  async #sync(clients: ChainClients): Promise<void> {
    const progress = (made: SyncProgress): void => {
      this.#state = { ...this.#state, tip: made.tip };
      this.#told.progress(made);
    };
    const { height } = await this.#parts.source.sync(clients, progress);
    this.#state = { tip: height, lastAnswer: this.#parts.now() };
    this.#logGaps();
    await this.#headers.keep(height);
  }

  /** Each once. */
  #logGaps(): void {
    const texts = chainGaps(this.#parts.source, this.#parts.network).map(({ text }) => text);
    for (const text of texts) if (!this.#gaps.includes(text)) this.#warn(text);
    this.#gaps = texts;
  }

  async #askForFees(asked: SingleSource): Promise<void> {
    const { sources, fees } = this.#parts;
    try {
      fees.update(asked.name, await asked.feerates(), risingSeconds());
    } catch (error) {
      fees.passTime(risingSeconds());
      if (this.#abort.signal.aborted) return;
      if (sources.length === 1) this.#failed(error);
      else this.#warn(`${asked.name}: ${messageOf(error)}`);
    }
  }

  #failed(error: unknown): void {
    const problem = messageOf(error);
    const isNews = this.#state.problem !== problem;
    this.#state = { ...this.#state, problem };
    if (isNews) this.#warn(`${this.#parts.source.name}: ${problem}`);
  }

  #warn(text: string): void {
    this.#parts.logger.log({ level: "warn", module: "chain", text });
  }
}

/** Feerates age by time that only rises, whatever is done to the machine's clock. */
function risingSeconds(): number {
  return Math.floor(risingMilliseconds.now() / 1_000);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, milliseconds);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end);
  });
}
