import type { Block } from "@fulmen/bitcoin/block";
import { equalBytes, type OutPoint, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { ByteWriter, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { ok, type Result } from "@fulmen/lightning/util";
import { assembleBlock } from "./assemble.ts";
import { type BlockRefusal, BlockRefusedError } from "./blockCheck.ts";
import type { ChainBlock } from "./blocks.ts";
import { ChainState } from "./chainState.ts";
import { type ChainUpdate, locatorOf, updateSince } from "./chainUpdate.ts";
import type { Coin } from "./coins.ts";
import type { PackageRefusal } from "./mempoolAcceptance.ts";
import { type Accepted, Mempool } from "./mempoolState.ts";
import { defaultPolicy, type MempoolPolicy } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import { type MineOptions, templateOf } from "./template.ts";

export interface SimulatedChainOptions {
  /** Chains of the same seed and the same calls are the same, bit for bit; 0..2^32-1, 1 when not given. */
  readonly seed?: number;
  /** Unix seconds at which a block is mined; ten minutes after the block before when not given. */
  readonly clock?: () => number;
  /** Output script that mined coins go to unless `mine` says otherwise; nobody's when not given. */
  readonly payTo?: Uint8Array;
  readonly policy?: Partial<MempoolPolicy>;
}

export interface ReorgOptions extends MineOptions {
  /** Blocks of the branch that wins; one more than were abandoned when not given. */
  readonly length?: number;
}

/** A transaction and where it is. */
export interface FoundTransaction {
  readonly transaction: Transaction;
  /** `undefined` while it is in the mempool. */
  readonly block: ChainBlock | undefined;
}

/**
 * Bitcoin in memory: regtest's blocks with proof of work, every script executed, and a mempool with the policy of
 * ordinary nodes. Nothing in it runs by itself: blocks come when `mine` is called, and who follows the chain asks for
 * `blocksSince`. The same calls give the same chain.
 */
export class SimulatedChain {
  readonly #state = new ChainState();
  readonly #mempool: Mempool;
  readonly #seed: number;
  readonly #clock: (() => number) | undefined;
  readonly #payTo: Uint8Array;
  /** Tells apart blocks of the same height and contents on different branches. */
  #mined = 0;

  constructor(options: SimulatedChainOptions = {}) {
    const { seed = 1, clock, payTo = p2wpkh(new Uint8Array(20)), policy = {} } = options;
    this.#mempool = new Mempool(this.#state, { ...defaultPolicy, ...policy });
    this.#seed = seed;
    this.#clock = clock;
    this.#payTo = payTo;
  }

  get tip(): ChainBlock {
    return this.#state.tip;
  }

  /** Median time of the last eleven blocks, which lock times are compared with. */
  get medianTime(): number {
    return this.#state.medianTimeAt(this.tip.height);
  }

  /** From genesis (0) to the tip; `undefined` above. */
  blockAt(height: number): ChainBlock | undefined {
    return this.#state.blocks[height];
  }

  /** What a follower at `locator` has missed. */
  blocksSince(locator: Pick<BlockLocator, "hash" | "ancestors">): ChainUpdate {
    return updateSince(this.#state, locator);
  }

  /** The tip as a follower remembers it. */
  locator(): BlockLocator {
    return locatorOf(this.#state);
  }

  /** A transaction of the chain or the mempool. */
  transaction(txid: Txid): FoundTransaction | undefined {
    const confirmed = this.#state.confirmation(txid);
    if (confirmed !== undefined) return { transaction: confirmed.transaction, block: confirmed.block };
    const entry = this.#mempool.graph.entry(txid);
    return entry && { transaction: entry.transaction, block: undefined };
  }

  /** Blocks from the one with this transaction to the tip, both counted; 0 when it is in none. */
  confirmations(txid: Txid): number {
    const confirmed = this.#state.confirmation(txid);
    return confirmed === undefined ? 0 : this.tip.height - confirmed.block.height + 1;
  }

  /** An output of a transaction of the chain or the mempool, spent or not. */
  output({ txid, index }: OutPoint): TxOut | undefined {
    return this.transaction(txid)?.transaction.outputs[index];
  }

  /** The transaction of the chain or the mempool that spends an output. */
  outputSpentBy(outPoint: OutPoint): FoundTransaction | undefined {
    const spender = this.#state.spender(outPoint) ?? this.#mempool.graph.spender(outPoint)?.txid;
    return spender && this.transaction(spender);
  }

  /** A confirmed output that no confirmed transaction spends. */
  coin(outPoint: OutPoint): Coin | undefined {
    return this.#state.coins.coin(outPoint);
  }

  /** All confirmed coins, or those of one output script: for accounts. */
  coins(script?: Uint8Array): readonly Coin[] {
    const coins = [...this.#state.coins.values()];
    return script === undefined ? coins : coins.filter(({ output }) => equalBytes(output.script, script));
  }

  /** What all confirmed transactions have paid to miners. */
  get totalFees(): Sat {
    return this.#state.blocks.reduce((sum, { fees }) => sum + fees, 0n) as Sat;
  }

  /** What a transaction of the chain or the mempool pays; `undefined` for others and for coinbases. */
  feeOf(txid: Txid): Sat | undefined {
    const confirmed = this.#state.confirmation(txid);
    if (confirmed === undefined) return this.#mempool.graph.entry(txid)?.fee;
    if (confirmed.index === 0) return undefined;
    const spent = confirmed.block.spent[confirmed.index] ?? [];
    const inputs = spent.reduce((sum, { output }) => sum + output.value, 0n);
    return confirmed.transaction.outputs.reduce((left, { value }) => left - value, inputs) as Sat;
  }

  /** Ids of the unconfirmed transactions, parents before children. */
  get mempool(): readonly Txid[] {
    return this.#mempool.graph.entries().map(({ txid }) => txid);
  }

  /** Offers a transaction to the mempool. */
  submit(transaction: Transaction): Result<Accepted, Refusal> {
    return this.#mempool.submit(transaction);
  }

  /** Offers a parent and its child, which may pay for both. */
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

  /** Mines blocks on the tip. Throws `BlockRefusedError` when what was asked for makes no valid block. */
  mine(count = 1, options: MineOptions = {}): readonly ChainBlock[] {
    const mined: ChainBlock[] = [];
    const { transactions, only, ...others } = options;
    const later = only === undefined ? others : { ...others, only: [] };
    for (let i = 0; i < count; i++) {
      const result = this.connectBlock(this.#assemble(i === 0 ? options : later));
      if (!result.ok) throw new BlockRefusedError(result.error);
      mined.push(result.value);
    }
    return mined;
  }

  /** Takes a block from elsewhere that extends the tip. */
  connectBlock(block: Block): Result<ChainBlock, BlockRefusal> {
    const connected = this.#state.connect(block, (tx) => this.#mempool.isVerified(tx));
    if (!connected.ok) return connected;
    this.#mempool.blockConnected(connected.value);
    return ok(connected.value);
  }

  /**
   * Abandons the last `depth` blocks for a branch of other ones. Their transactions return to the mempool, as far as
   * they are still valid there; the branch takes from the mempool only what `only` names, by default nothing.
   */
  reorg(depth: number, options: ReorgOptions = {}): ChainUpdate {
    const before = this.locator();
    const { length = depth + 1, only = [], ...mining } = options;
    const abandoned: ChainBlock[] = [];
    for (let i = 0; i < depth; i++) abandoned.unshift(this.#state.disconnect());
    const returned = abandoned.flatMap(({ block }) => block.transactions.slice(1));
    const waiting = [...returned, ...this.#mempool.graph.entries().map(({ transaction }) => transaction)];
    this.#mempool.refill(waiting);
    this.mine(length, { ...mining, only });
    // Once more on the new tip: a lock that is closed at the fork may be open there.
    this.#mempool.refill(waiting);
    return this.blocksSince(before);
  }

  #assemble(options: MineOptions): Block {
    const { block } = this.tip;
    const time = Math.max(this.medianTime + 1, this.#clock?.() ?? block.header.time + 600);
    const contents = templateOf(this.#state, this.#mempool.graph, options);
    const extra = new ByteWriter(8)
      .u32(this.#seed)
      .u32(this.#mined++)
      .finish();
    return assembleBlock({
      ...contents,
      previous: this.tip.hash,
      height: this.tip.height + 1,
      time,
      payTo: options.payTo ?? this.#payTo,
      extra,
    });
  }
}
