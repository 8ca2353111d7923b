import type { ChainTip } from "../chainSource.ts";
import { hashOf } from "./answers.ts";
import { stoppedError } from "./httpClient.ts";
import type { BitcoindOptions } from "./options.ts";
import { fieldOf, type RpcClient } from "./rpcClient.ts";
import { ZmqListener } from "./zmqListener.ts";

/** Milliseconds that bitcoind holds back an answer while nothing happens: it spends a thread on it. */
const longPoll = 15_000;
/** More than the long poll, for the answer. */
const longPollTimeout = 30_000;
/** Transactions come one after the other; no more often than this does one of them wake anybody. */
const transactionPause = 1_000;

/**
 * Says when there may be something new. There is one long poll at most, however often somebody begins and ends to wait:
 * bitcoind does not notice when nobody waits any more.
 */
export class News {
  readonly #rpc: RpcClient;
  readonly #options: BitcoindOptions;
  readonly #zmq = new ZmqListener();
  readonly #waiting = new Set<(error?: unknown) => void>();
  #synced: { readonly tip: ChainTip; readonly at: number; readonly wantsMempool: boolean } | undefined;
  #isNew = true;
  #isPolling = false;
  #isStopped = false;
  #transactionTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(rpc: RpcClient, options: BitcoindOptions) {
    this.#rpc = rpc;
    this.#options = options;
  }

  /** Connects by ZMQ, if that is wanted. */
  async start(): Promise<void> {
    const { zmq } = this.#options;
    const addresses = [
      ["hashblock", zmq?.hashBlock],
      ["rawtx", zmq?.rawTransaction],
    ] as const;
    await this.#zmq.start(addresses, (topic) => {
      if (topic === "hashblock") this.#wake();
      else this.#transactionHeard();
    });
  }

  /** Followers were brought here. */
  synced(tip: ChainTip, { wantsMempool, hasMore }: { wantsMempool: boolean; hasMore: boolean }): void {
    this.#synced = { tip, at: performance.now(), wantsMempool };
    this.#isNew = hasMore;
  }

  /** Resolves when a sync may tell something, or nobody waits any more. */
  async changed(signal: AbortSignal): Promise<void> {
    if (this.#isNew || signal.aborted) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stopWaiting);
        this.#waiting.delete(settle);
        if (error === undefined) resolve();
        else reject(error);
      };
      const stopWaiting = (): void => settle();
      const timer = this.#mempoolTimer(stopWaiting);
      signal.addEventListener("abort", stopWaiting);
      this.#waiting.add(settle);
      void this.#poll();
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#transactionTimer);
    this.#zmq.stop();
    for (const settle of [...this.#waiting]) settle(stoppedError());
  }

  #mempoolTimer(look: () => void): ReturnType<typeof setTimeout> | undefined {
    if (this.#synced?.wantsMempool !== true) return undefined;
    const due = this.#synced.at + (this.#options.mempoolSeconds ?? 60) * 1_000;
    return setTimeout(look, Math.max(0, due - performance.now()));
  }

  #wake(): void {
    this.#isNew = true;
    for (const settle of [...this.#waiting]) settle();
  }

  #transactionHeard(): void {
    if (this.#synced?.wantsMempool !== true) return;
    this.#transactionTimer ??= setTimeout(() => {
      this.#transactionTimer = undefined;
      this.#wake();
    }, transactionPause);
  }

  /** While somebody waits. A block of the next height comes at once, even if it was there before we asked. */
  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      while (this.#waiting.size > 0 && !this.#isStopped && this.#synced !== undefined) {
        const { tip } = this.#synced;
        const params = [tip.height + 1, longPoll];
        const limits = { timeout: longPollTimeout };
        const best = await this.#rpc.call("waitforblockheight", params, limits);
        if (hashOf(fieldOf(best, "hash")) !== this.#synced.tip.hash) this.#wake();
      }
    } catch (error) {
      for (const settle of [...this.#waiting]) settle(error);
    } finally {
      this.#isPolling = false;
    }
  }
}
