import type { Block } from "@fulmen/bitcoin/block";
import { equalBytes, type OutPoint, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { ByteWriter, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import type { Result } from "@fulmen/lightning/util";
import { assembleBlock } from "./assemble.ts";
import type { ChainBlock } from "./blocks.ts";
import { ChainState } from "./chainState.ts";
import { type ChainUpdate, locatorOf, updateSince } from "./chainUpdate.ts";
import type { Coin } from "./coins.ts";
import type { MempoolGraph } from "./mempool.ts";
import type { PackageRefusal } from "./mempoolAcceptance.ts";
import type { Accepted } from "./mempoolState.ts";
import type { Refusal } from "./refusal.ts";
import { type MineOptions, templateOf } from "./template.ts";

export interface TestChainOptions {
  /** Chains of the same seed and the same calls are the same, bit for bit; 0..2^32-1, 1 when not given. */
  readonly seed?: number;
  /** Unix seconds at which a block is mined; ten minutes after the block before when not given. */
  readonly clock?: () => number;
  /** Output script that mined coins go to unless `mine` says otherwise; nobody's when not given. */
  readonly payTo?: Uint8Array;
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
 * A regtest chain in the hands of a test, with a mempool. Nothing in it runs by itself: blocks come when `mine` is
 * called, and who follows the chain asks for `blocksSince`. What judges transactions is for subclasses to say; blocks
 * are checked by our own rules in any case.
 */
export abstract class TestChain {
  protected readonly state = new ChainState();
  /** What waits in the mempool. */
  protected abstract readonly graph: MempoolGraph;
  readonly #seed: number;
  readonly #clock: (() => number) | undefined;
  readonly #payTo: Uint8Array;
  /** Tells apart blocks of the same height and contents on different branches. */
  #assembled = 0;

  constructor({ seed = 1, clock, payTo = p2wpkh(new Uint8Array(20)) }: TestChainOptions) {
    this.#seed = seed;
    this.#clock = clock;
    this.#payTo = payTo;
  }

  get tip(): ChainBlock {
    return this.state.tip;
  }

  /** Median time of the last eleven blocks, which lock times are compared with. */
  get medianTime(): number {
    return this.state.medianTimeAt(this.tip.height);
  }

  /** From genesis (0) to the tip; `undefined` above. */
  blockAt(height: number): ChainBlock | undefined {
    return this.state.blocks[height];
  }

  /** What a follower at `locator` has missed. */
  blocksSince(locator: Pick<BlockLocator, "hash" | "ancestors">): ChainUpdate {
    return updateSince(this.state, locator);
  }

  /** The tip as a follower remembers it. */
  locator(): BlockLocator {
    return locatorOf(this.state);
  }

  /** A transaction of the chain or the mempool. */
  transaction(txid: Txid): FoundTransaction | undefined {
    const confirmed = this.state.confirmation(txid);
    if (confirmed !== undefined) return { transaction: confirmed.transaction, block: confirmed.block };
    const entry = this.graph.entry(txid);
    return entry && { transaction: entry.transaction, block: undefined };
  }

  /** Blocks from the one with this transaction to the tip, both counted; 0 when it is in none. */
  confirmations(txid: Txid): number {
    const confirmed = this.state.confirmation(txid);
    return confirmed === undefined ? 0 : this.tip.height - confirmed.block.height + 1;
  }

  /** An output of a transaction of the chain or the mempool, spent or not. */
  output({ txid, index }: OutPoint): TxOut | undefined {
    return this.transaction(txid)?.transaction.outputs[index];
  }

  /** The transaction of the chain or the mempool that spends an output. */
  outputSpentBy(outPoint: OutPoint): FoundTransaction | undefined {
    const spender = this.state.spender(outPoint) ?? this.graph.spender(outPoint)?.txid;
    return spender && this.transaction(spender);
  }

  /** A confirmed output that no confirmed transaction spends. */
  coin(outPoint: OutPoint): Coin | undefined {
    return this.state.coins.coin(outPoint);
  }

  /** All confirmed coins, or those of one output script: for accounts. */
  coins(script?: Uint8Array): readonly Coin[] {
    const coins = [...this.state.coins.values()];
    return script === undefined ? coins : coins.filter(({ output }) => equalBytes(output.script, script));
  }

  /** What all confirmed transactions have paid to miners. */
  get totalFees(): Sat {
    return this.state.blocks.reduce((sum, { fees }) => sum + fees, 0n) as Sat;
  }

  /** What a transaction of the chain or the mempool pays; `undefined` for others and for coinbases. */
  feeOf(txid: Txid): Sat | undefined {
    const confirmed = this.state.confirmation(txid);
    if (confirmed === undefined) return this.graph.entry(txid)?.fee;
    if (confirmed.index === 0) return undefined;
    const spent = confirmed.block.spent[confirmed.index] ?? [];
    const inputs = spent.reduce((sum, { output }) => sum + output.value, 0n);
    return confirmed.transaction.outputs.reduce((left, { value }) => left - value, inputs) as Sat;
  }

  /** Ids of the unconfirmed transactions, parents before children. */
  get mempool(): readonly Txid[] {
    return this.graph.entries().map(({ txid }) => txid);
  }

  /** Offers a transaction to the mempool. */
  abstract submit(transaction: Transaction): Result<Accepted, Refusal>;

  /** Offers a parent and its child, which may pay for both. */
  abstract submitPackage(parent: Transaction, child: Transaction): Result<Accepted, PackageRefusal>;

  /** Mines blocks on the tip. Throws `BlockRefusedError` when what was asked for makes no valid block. */
  mine(count = 1, options: MineOptions = {}): readonly ChainBlock[] {
    const mined: ChainBlock[] = [];
    const { transactions, only, ...others } = options;
    const later = only === undefined ? others : { ...others, only: [] };
    for (let i = 0; i < count; i++) mined.push(this.mineBlock(i === 0 ? options : later));
    return mined;
  }

  /** Mines one block on the tip, or throws as `mine` does. */
  protected abstract mineBlock(options: MineOptions): ChainBlock;

  /**
   * Abandons the last `depth` blocks for a branch of other ones. Their transactions return to the mempool, as far as
   * they are still valid there; the branch takes from the mempool only what `only` names, by default nothing.
   */
  abstract reorg(depth: number, options?: ReorgOptions): ChainUpdate;

  protected get payTo(): Uint8Array {
    return this.#payTo;
  }

  /** Unix seconds of the next block. */
  protected nextTime(): number {
    return Math.max(this.medianTime + 1, this.#clock?.() ?? this.tip.block.header.time + 600);
  }

  /** The next block, of what `options` choose from `mempool`. Throws `BlockRefusedError` when inputs are missing. */
  protected assemble(options: MineOptions, mempool: MempoolGraph): Block {
    const contents = templateOf(this.state, mempool, options);
    const extra = new ByteWriter(8)
      .u32(this.#seed)
      .u32(this.#assembled++)
      .finish();
    return assembleBlock({
      ...contents,
      previous: this.tip.hash,
      height: this.tip.height + 1,
      time: this.nextTime(),
      payTo: options.payTo ?? this.#payTo,
      extra,
    });
  }
}
