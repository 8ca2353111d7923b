import type { BlockHeader } from "@fulmen/bitcoin/block";
import { type NetworkName, networks } from "@fulmen/bitcoin/network";
import type { BlockHash, Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import {
  type BroadcastOutcome,
  type ChainClients,
  type ChainFollower,
  type ChainSource,
  ChainSourceError,
  type ChainTip,
  type FeerateTable,
  type SyncProgress,
} from "@fulmen/chain-sync";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import {
  type BlockHeight,
  blockHeight,
  type FeeratePerKw,
  feeratePerKw,
  present,
  type ShortChannelId,
  shortChannelIdParts,
} from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";

export interface SimulatedChainSourceOptions {
  /** The network that is asked for; the chain is regtest's. Default regtest. */
  readonly network?: NetworkName;
  /** What it estimates for every target. Default 1,000: 4 sat/vB. */
  readonly feerate?: FeeratePerKw;
  /** Milliseconds between two looks at the chain while somebody waits for `changed`. Default 10. */
  readonly pollInterval?: number;
}

/** What is said each time: `TestChain` takes it for good. */
const known: ReadonlySet<string> = new Set(["already-in-mempool", "already-confirmed"]);

/**
 * A chain in the hands of a test, as a source for a node in the same process: no sockets, no waiting. Several sources
 * may share one chain, each for one node.
 */
export class SimulatedChainSource implements ChainSource {
  readonly name = "simulated chain";
  /** Makes it answer nothing, as a source that is down; it is tried again. */
  isDown = false;
  /** What it estimates. */
  feerate: FeeratePerKw;
  /** Height that its clients have been told of; -1 before the first `sync`. */
  syncedTo = -1;
  readonly #chain: TestChain;
  readonly #network: NetworkName;
  readonly #pollInterval: number;
  #isStopped = false;
  /** Of the mempool, what was told. */
  #told: ReadonlySet<Txid> = new Set();
  /** What `sync` came to last. */
  #seen: string | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(chain: TestChain, options: SimulatedChainSourceOptions = {}) {
    const { network = "regtest", feerate = feeratePerKw(1_000), pollInterval = 10 } = options;
    this.#chain = chain;
    this.#network = network;
    this.#pollInterval = pollInterval;
    this.feerate = feerate;
  }

  /** Whether a node follows the chain by it. */
  get isRunning(): boolean {
    return this.syncedTo >= 0 && !this.#isStopped && !this.isDown;
  }

  async start(): Promise<ChainTip> {
    this.#expectUp();
    const genesis = this.#chain.blockAt(0)?.hash;
    if (networks[this.#network].genesisHash !== genesis) {
      const text = `the simulated chain is regtest's, and ${this.#network} is asked for`;
      throw new ChainSourceError("wrong-network", text, "start the node on regtest");
    }
    return this.#tip();
  }

  async locate(height: BlockHeight): Promise<BlockLocator> {
    this.#expectUp();
    return this.#locate(height);
  }

  async headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    this.#expectUp();
    const headers: BlockHeader[] = [];
    for (let height = from; headers.length < count; height++) {
      const block = this.#chain.blockAt(height);
      if (block === undefined) break;
      headers.push(block.block.header);
    }
    return headers;
  }

  async sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    for (const follower of clients.followers) await this.#follow(follower, clients, progress);
    this.#expectUp();
    this.#tellMempool(clients);
    this.#seen = this.#state();
    this.syncedTo = this.#chain.tip.height;
    return this.#tip();
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        const isOver = signal.aborted || this.#isStopped;
        if (!isOver && (this.isDown || this.#state() === this.#seen)) return;
        clearInterval(timer);
        signal.removeEventListener("abort", look);
        this.#waiting.delete(look);
        resolve();
      };
      const timer = setInterval(look, this.#pollInterval);
      signal.addEventListener("abort", look);
      this.#waiting.add(look);
      look();
    });
  }

  async feerates(): Promise<FeerateTable> {
    this.#expectUp();
    return { targets: [{ blocks: 1, feerate: this.feerate }], minimum: feeratePerKw(253) };
  }

  async broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    this.#expectUp();
    const [parent, child, ...more] = transactions;
    if (parent !== undefined && child !== undefined && more.length === 0) {
      const result = this.#chain.submitPackage(parent, child);
      return result.ok || known.has(result.error.refusal.kind)
        ? { kind: "accepted" }
        : { kind: "refused", reason: result.error.refusal.kind };
    }
    for (const transaction of transactions) {
      const result = this.#chain.submit(transaction);
      if (!result.ok && !known.has(result.error.kind)) return { kind: "refused", reason: result.error.kind };
    }
    return { kind: "accepted" };
  }

  async utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    this.#expectUp();
    const { height, txIndex, outputIndex } = shortChannelIdParts(id);
    const txid = this.#chain.blockAt(height)?.txids[txIndex];
    const coin = txid && this.#chain.coin({ txid, index: outputIndex });
    return coin === undefined ? { kind: "not-found" } : { kind: "found", ...coin.output };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const look of [...this.#waiting]) look();
  }

  async #follow(
    follower: ChainFollower,
    { paced }: ChainClients,
    progress: ((progress: SyncProgress) => void) | undefined,
  ): Promise<void> {
    for (;;) {
      this.#expectUp();
      const update = this.#chain.blocksSince(follower.position() ?? this.#locate(0));
      const { forkPoint, disconnected, connected } = update;
      if (disconnected.length > 0) for (const each of follower.listeners) each.blocksDisconnected(forkPoint);
      const [next] = connected;
      if (next === undefined) return;
      const transactions = next.block.transactions.map((transaction, index) => ({ index, transaction }));
      for (const each of follower.listeners)
        each.blockConnected(next.block.header, transactions, next.height);
      progress?.({ height: next.height, tip: this.#chain.tip.height });
      await paced?.();
    }
  }

  #tellMempool({ mempool }: ChainClients): void {
    const { mempool: txids } = this.#chain;
    for (const txid of txids) {
      if (this.#told.has(txid)) continue;
      const { transaction } = present(this.#chain.transaction(txid), "a transaction of the mempool");
      for (const listener of mempool) listener.transactionSeen(transaction);
    }
    this.#told = new Set(txids);
  }

  #locate(height: number): BlockLocator {
    const block = this.#chain.blockAt(height);
    if (block === undefined) {
      const text = `there is no block ${height}: the tip is ${this.#chain.tip.height}`;
      throw new ChainSourceError("unsupported", text, "ask for a block of the chain");
    }
    const ancestors: BlockHash[] = [];
    for (let back = 1; back <= 12 && back <= height; back++) {
      ancestors.push(present(this.#chain.blockAt(height - back), "a block below").hash);
    }
    return { hash: block.hash, height: blockHeight(height), ancestors };
  }

  #tip(): ChainTip {
    const { hash, height } = this.#chain.tip;
    return { hash, height };
  }

  /** Tells any two states of chain and mempool apart. */
  #state(): string {
    return `${this.#chain.tip.hash} ${this.#chain.mempool.join(" ")}`;
  }

  #expectUp(): void {
    if (this.#isStopped) throw new ChainSourceError("stopped", "the source was stopped", "make a new source");
    if (this.isDown)
      throw new ChainSourceError("unreachable", "the simulated chain is down", "wait until it is back");
  }
}
