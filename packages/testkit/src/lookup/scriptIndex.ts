import type { OutPoint, Sat, Txid } from "@fulmen/bitcoin/primitives";
import { isUnspendable } from "@fulmen/bitcoin/script";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { present } from "@fulmen/lightning/util";
import type { ChainBlock, TestChain } from "../chain/index.ts";
import { type HistoryItem, type ScriptHash, scriptHashOf } from "./scriptHash.ts";

/** An unconfirmed transaction of a script. */
export interface MempoolItem extends HistoryItem {
  readonly height: 0 | -1;
  readonly fee: Sat;
}

/** An output that pays to a script. */
export interface ScriptOutput {
  readonly outPoint: OutPoint;
  readonly value: Sat;
  /** Of its block; 0 in the mempool. */
  readonly height: number;
}

/** What the index found different from when it looked before. */
export interface IndexChange {
  /** Whether another block is the tip now. */
  readonly tipChanged: boolean;
  /** Scripts whose history may be another one. */
  readonly touched: ReadonlySet<ScriptHash>;
}

/**
 * Which transactions of a chain and its mempool concern an output script. Knows what was there at the last `update`.
 */
export class ScriptIndex {
  readonly #chain: TestChain;
  #position: BlockLocator | undefined;
  readonly #confirmed = new Map<ScriptHash, HistoryItem[]>();
  #mempoolIds: readonly Txid[] = [];
  #mempool: ReadonlyMap<ScriptHash, readonly MempoolItem[]> = new Map();

  constructor(chain: TestChain) {
    this.#chain = chain;
    this.update();
  }

  /** Takes in what happened to the chain and its mempool since the last time. */
  update(): IndexChange {
    const touched = new Set<ScriptHash>();
    const tipChanged = this.#position?.hash !== this.#chain.tip.hash;
    if (tipChanged) this.#followBlocks(touched);
    const ids = this.#chain.mempool;
    if (tipChanged || !isSameList(ids, this.#mempoolIds)) {
      for (const hash of this.#mempool.keys()) touched.add(hash);
      this.#mempoolIds = ids;
      this.#mempool = this.#readMempool();
      for (const hash of this.#mempool.keys()) touched.add(hash);
    }
    return { tipChanged, touched };
  }

  /** In the order of the chain. */
  confirmed(hash: ScriptHash): readonly HistoryItem[] {
    return this.#confirmed.get(hash) ?? [];
  }

  /** Those of height 0 first, each kind by its ids. */
  unconfirmed(hash: ScriptHash): readonly MempoolItem[] {
    return this.#mempool.get(hash) ?? [];
  }

  /** Outputs to the script that nothing spends in the chain or the mempool, oldest first. */
  unspent(hash: ScriptHash): readonly ScriptOutput[] {
    return this.#outputs([...this.confirmed(hash), ...this.unconfirmed(hash)], hash).filter(
      ({ outPoint }) => this.#chain.outputSpentBy(outPoint) === undefined,
    );
  }

  /** What is confirmed, and by how much the mempool changes that. */
  balance(hash: ScriptHash): { readonly confirmed: Sat; readonly unconfirmed: Sat } {
    let [confirmed, unconfirmed] = [0n, 0n];
    for (const { outPoint, value, height } of this.#outputs(
      [...this.confirmed(hash), ...this.unconfirmed(hash)],
      hash,
    )) {
      const spender = this.#chain.outputSpentBy(outPoint);
      if (height > 0 && spender?.block === undefined) confirmed += value;
      if (height === 0) unconfirmed += value;
      if (spender !== undefined && spender.block === undefined) unconfirmed -= value;
    }
    return { confirmed: confirmed as Sat, unconfirmed: unconfirmed as Sat };
  }

  #outputs(history: readonly HistoryItem[], hash: ScriptHash): readonly ScriptOutput[] {
    return history.flatMap(({ txid, height }) => {
      const { transaction } = present(this.#chain.transaction(txid), "a transaction of the index");
      return [...transaction.outputs.entries()]
        .filter(([, { script }]) => scriptHashOf(script) === hash)
        .map(([index, { value }]) => ({
          outPoint: { txid, index },
          value,
          height: Math.max(height, 0),
        }));
    });
  }

  #followBlocks(touched: Set<ScriptHash>): void {
    const chain = this.#chain;
    const genesis = present(chain.blockAt(0), "the genesis block");
    if (this.#position === undefined) this.#connect(genesis, touched);
    const { disconnected, connected } = chain.blocksSince(this.#position ?? { ...genesis, ancestors: [] });
    for (const block of disconnected) this.#disconnect(block, touched);
    for (const block of connected) this.#connect(block, touched);
    this.#position = chain.locator();
  }

  #connect(block: ChainBlock, touched: Set<ScriptHash>): void {
    for (const [index, txid] of block.txids.entries()) {
      for (const hash of scriptHashesIn(block, index)) {
        const history = this.#confirmed.get(hash) ?? [];
        history.push({ txid, height: block.height });
        this.#confirmed.set(hash, history);
        touched.add(hash);
      }
    }
  }

  #disconnect(block: ChainBlock, touched: Set<ScriptHash>): void {
    for (const index of block.txids.keys()) {
      for (const hash of scriptHashesIn(block, index)) {
        const history = this.#confirmed.get(hash) ?? [];
        // The tip goes first: what belongs to it is at the end.
        while (history.at(-1)?.height === block.height) history.pop();
        if (history.length === 0) this.#confirmed.delete(hash);
        touched.add(hash);
      }
    }
  }

  #readMempool(): ReadonlyMap<ScriptHash, readonly MempoolItem[]> {
    const items = new Map<ScriptHash, MempoolItem[]>();
    const ids = new Set(this.#mempoolIds);
    for (const txid of this.#mempoolIds) {
      const { transaction } = present(this.#chain.transaction(txid), "a transaction of the mempool");
      const fee = present(this.#chain.feeOf(txid), "the fee of a transaction of the mempool");
      const height = transaction.inputs.some(({ outPoint }) => ids.has(outPoint.txid)) ? -1 : 0;
      for (const hash of this.#scriptHashesOf(transaction)) {
        const list = items.get(hash) ?? [];
        list.push({ txid, height, fee });
        items.set(hash, list);
      }
    }
    for (const list of items.values()) list.sort(byHeightAndId);
    return items;
  }

  #scriptHashesOf({ inputs, outputs }: Transaction): ReadonlySet<ScriptHash> {
    const spent = inputs.map(({ outPoint }) => present(this.#chain.output(outPoint), "an output"));
    return hashesOf([...outputs, ...spent].map(({ script }) => script));
  }
}

function scriptHashesIn({ block, spent }: ChainBlock, index: number): ReadonlySet<ScriptHash> {
  const { outputs } = present(block.transactions[index], "a transaction of the block");
  const coins = spent[index] ?? [];
  return hashesOf([...outputs.map(({ script }) => script), ...coins.map(({ output }) => output.script)]);
}

/** Scripts that nobody can spend from are in nobody's history. */
function hashesOf(scripts: readonly Uint8Array[]): ReadonlySet<ScriptHash> {
  return new Set(scripts.filter((script) => !isUnspendable(script)).map(scriptHashOf));
}

function byHeightAndId(a: MempoolItem, b: MempoolItem): number {
  if (a.height !== b.height) return b.height - a.height;
  return a.txid < b.txid ? -1 : 1;
}

function isSameList(a: readonly Txid[], b: readonly Txid[]): boolean {
  return a.length === b.length && a.every((txid, index) => txid === b[index]);
}
