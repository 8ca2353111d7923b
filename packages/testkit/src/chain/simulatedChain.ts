import type { Block } from "@fulmen/bitcoin/block";
import type { Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { ok, type Result } from "@fulmen/lightning/util";
import { type BlockRefusal, BlockRefusedError } from "./blockCheck.ts";
import type { ChainBlock } from "./blocks.ts";
import type { ChainUpdate } from "./chainUpdate.ts";
import type { MempoolGraph } from "./mempool.ts";
import type { PackageRefusal } from "./mempoolAcceptance.ts";
import { type Accepted, Mempool } from "./mempoolState.ts";
import { defaultPolicy, type MempoolPolicy } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import type { MineOptions } from "./template.ts";
import { type ReorgOptions, TestChain, type TestChainOptions } from "./testChain.ts";

export interface SimulatedChainOptions extends TestChainOptions {
  readonly policy?: Partial<MempoolPolicy>;
}

/**
 * Bitcoin in memory: regtest's blocks with proof of work, every script executed, and a mempool with the policy of
 * ordinary nodes. The same calls give the same chain.
 */
export class SimulatedChain extends TestChain {
  readonly #mempool: Mempool;

  constructor(options: SimulatedChainOptions = {}) {
    super(options);
    this.#mempool = new Mempool(this.state, { ...defaultPolicy, ...options.policy });
  }

  protected get graph(): MempoolGraph {
    return this.#mempool.graph;
  }

  submit(transaction: Transaction): Result<Accepted, Refusal> {
    return this.#mempool.submit(transaction);
  }

  submitPackage(parent: Transaction, child: Transaction): Result<Accepted, PackageRefusal> {
    return this.#mempool.submitPackage(parent, child);
  }

  /**
   * The feerate in satoshis per 1,000 virtual bytes below which the mempool takes nothing, as nodes' rises when it is
   * full. Answers what is evicted.
   */
  raiseMempoolMinimum(feerate: bigint): readonly Txid[] {
    return this.#mempool.raiseMinimum(feerate);
  }

  protected mineBlock(options: MineOptions): ChainBlock {
    const result = this.connectBlock(this.assemble(options, this.graph));
    if (!result.ok) throw new BlockRefusedError(result.error);
    return result.value;
  }

  /** Takes a block from elsewhere that extends the tip. */
  connectBlock(block: Block): Result<ChainBlock, BlockRefusal> {
    const connected = this.state.connect(block, (tx) => this.#mempool.isVerified(tx));
    if (!connected.ok) return connected;
    this.#mempool.blockConnected(connected.value);
    return ok(connected.value);
  }

  reorg(depth: number, options: ReorgOptions = {}): ChainUpdate {
    const before = this.locator();
    const { length = depth + 1, only = [], ...mining } = options;
    const abandoned: ChainBlock[] = [];
    for (let i = 0; i < depth; i++) abandoned.unshift(this.state.disconnect());
    const returned = abandoned.flatMap(({ block }) => block.transactions.slice(1));
    const waiting = [...returned, ...this.graph.entries().map(({ transaction }) => transaction)];
    this.#mempool.refill(waiting);
    this.mine(length, { ...mining, only });
    // Once more on the new tip: a lock that is closed at the fork may be open there.
    this.#mempool.refill(waiting);
    return this.blocksSince(before);
  }
}
