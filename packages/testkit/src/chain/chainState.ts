import { type Block, blockHash } from "@fulmen/bitcoin/block";
import { type BlockHash, type OutPoint, outPointKey, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { blockHeight, err, ok, present, type Result } from "@fulmen/lightning/util";
import { type BlockRefusal, type CheckedBlock, checkBlock } from "./blockCheck.ts";
import { type ChainBlock, medianTime } from "./blocks.ts";
import { CoinSet, coinsOf } from "./coins.ts";
import { regtestGenesis } from "./regtest.ts";
import type { LockContext } from "./timelocks.ts";

/** Where a transaction is in the chain. */
export interface Confirmation {
  readonly transaction: Transaction;
  readonly block: ChainBlock;
  /** Index in the block. */
  readonly index: number;
}

/** The blocks from genesis to the tip, what they left unspent, and indexes over them. */
export class ChainState {
  readonly #blocks: ChainBlock[] = [];
  /** All blocks that ever were in the chain, also those of abandoned branches. */
  readonly #known = new Map<BlockHash, ChainBlock>();
  readonly #coins = new CoinSet();
  readonly #confirmations = new Map<Txid, Confirmation>();
  readonly #spenders = new Map<string, Txid>();

  constructor() {
    const block = regtestGenesis;
    const txids = block.transactions.map(txidOf);
    this.#append(block, { txids, spent: [[]], fees: 0n as Sat });
    for (const coin of this.#coins.values()) this.#coins.remove(coin.outPoint);
  }

  get tip(): ChainBlock {
    return present(this.#blocks.at(-1), "the genesis block");
  }

  get coins(): CoinSet {
    return this.#coins;
  }

  /** From genesis on. */
  get blocks(): readonly ChainBlock[] {
    return this.#blocks;
  }

  /** A block of the chain or of an abandoned branch. */
  known(hash: BlockHash): ChainBlock | undefined {
    return this.#known.get(hash);
  }

  isActive(block: ChainBlock): boolean {
    return this.#blocks[block.height] === block;
  }

  confirmation(txid: Txid): Confirmation | undefined {
    return this.#confirmations.get(txid);
  }

  /** The confirmed transaction that spends an output. */
  spender(outPoint: OutPoint): Txid | undefined {
    return this.#spenders.get(outPointKey(outPoint));
  }

  /** What lock times are compared with in the next block. */
  nextBlock(): LockContext {
    return {
      height: this.tip.height + 1,
      medianTime: this.medianTimeAt(this.tip.height),
      medianTimeAt: (height) => this.medianTimeAt(height),
    };
  }

  medianTimeAt(height: number): number {
    const last = this.#blocks.slice(Math.max(0, height - 10), height + 1);
    return medianTime(last.map(({ block }) => block.header.time));
  }

  /** Checks a block that extends the tip, and appends it. */
  connect(block: Block, isVerified: (tx: Transaction) => boolean): Result<ChainBlock, BlockRefusal> {
    const txids = block.transactions.map(txidOf);
    const context = { ...this.nextBlock(), tip: this.tip.hash, coins: this.#coins, isVerified };
    const checked = checkBlock(block, txids, context);
    return checked.ok ? ok(this.#append(block, checked.value)) : err(checked.error);
  }

  /** Takes the tip off, whose coins become spendable again; genesis stays. */
  disconnect(): ChainBlock {
    const removed = this.tip;
    if (removed.height === 0) throw new RangeError("the genesis block cannot be disconnected");
    this.#blocks.pop();
    for (let i = removed.txids.length - 1; i >= 0; i--) this.#undo(removed, i);
    return removed;
  }

  #append(block: Block, { txids, spent, fees }: CheckedBlock): ChainBlock {
    const height = blockHeight(this.#blocks.length);
    const hash = blockHash(block.header);
    const added: ChainBlock = { block, hash, height, txids, spent, fees };
    this.#blocks.push(added);
    this.#known.set(hash, added);
    for (const [index, transaction] of block.transactions.entries()) {
      const txid = present(txids[index], "txid");
      this.#confirmations.set(txid, { transaction, block: added, index });
      for (const { outPoint } of transaction.inputs) {
        this.#coins.remove(outPoint);
        this.#spenders.set(outPointKey(outPoint), txid);
      }
      for (const coin of coinsOf(transaction, txid, height)) this.#coins.add(coin);
    }
    return added;
  }

  #undo({ block, txids, spent }: ChainBlock, index: number): void {
    const txid = present(txids[index], "txid");
    const transaction = present(block.transactions[index], "transaction");
    this.#confirmations.delete(txid);
    for (const i of transaction.outputs.keys()) this.#coins.remove({ txid, index: i });
    for (const { outPoint } of transaction.inputs) this.#spenders.delete(outPointKey(outPoint));
    for (const coin of spent[index] ?? []) this.#coins.add(coin);
  }
}
