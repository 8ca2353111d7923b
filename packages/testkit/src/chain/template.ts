import type { Sat, Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { BlockRefusedError } from "./blockCheck.ts";
import type { ChainState } from "./chainState.ts";
import { CoinOverlay, coinsOf } from "./coins.ts";
import type { MempoolEntry, MempoolGraph } from "./mempool.ts";
import { selectByFeerate } from "./selection.ts";
import { fundingOf, maxBlockWeight } from "./transactionCheck.ts";

export interface MineOptions {
  /**
   * Put into the first block before all others, known to the mempool or not, relayable or not; parents first. What they
   * build on in the mempool comes along, what conflicts with them stays out.
   */
  readonly transactions?: readonly Transaction[];
  /** Of the mempool only these, with what they build on, all in the first block. By feerate when not given. */
  readonly only?: readonly Txid[];
  /** Satoshis per 1,000 virtual bytes below which miners leave transactions waiting. */
  readonly minFeerate?: bigint;
  /** Weight of a block at most; 4,000,000 when not given. */
  readonly maxWeight?: number;
  /** Output script that subsidy and fees go to. */
  readonly payTo?: Uint8Array;
}

/** The transactions of the next block, parents before children, and what they pay. */
export function templateOf(
  state: ChainState,
  mempool: MempoolGraph,
  options: MineOptions,
): { readonly transactions: readonly Transaction[]; readonly fees: Sat } {
  const given = options.transactions ?? [];
  const contents = new Map<Txid, Transaction>();
  const available = mempool.changed([], barredBy(given, mempool));
  for (const tx of given) {
    for (const entry of inOrder(available, available.ancestors(tx)))
      contents.set(entry.txid, entry.transaction);
    contents.set(txidOf(tx), tx);
  }
  for (const { txid, transaction } of chosen(available, options)) contents.set(txid, transaction);
  return { transactions: [...contents.values()], fees: feesOf(state, contents) };
}

/** What cannot be in a block together with `given`. */
function barredBy(given: readonly Transaction[], mempool: MempoolGraph): ReadonlySet<MempoolEntry> {
  const ids = new Set(given.map(txidOf));
  const barred = new Set<MempoolEntry>();
  for (const tx of given) {
    for (const conflict of mempool.conflicts(tx)) {
      if (ids.has(conflict.txid)) continue;
      for (const entry of mempool.withDescendants(conflict)) barred.add(entry);
    }
  }
  return barred;
}

function chosen(available: MempoolGraph, options: MineOptions): readonly MempoolEntry[] {
  const { only, minFeerate = 0n, maxWeight = maxBlockWeight } = options;
  if (only === undefined) return selectByFeerate(available, { minFeerate, maxWeight });
  const wanted = new Set<MempoolEntry>();
  for (const txid of only) {
    const entry = available.entry(txid);
    if (entry === undefined) throw new RangeError(`not in the mempool: ${txid}`);
    for (const ancestor of available.ancestors(entry.transaction)) wanted.add(ancestor);
    wanted.add(entry);
  }
  return inOrder(available, wanted);
}

function inOrder(graph: MempoolGraph, entries: ReadonlySet<MempoolEntry>): readonly MempoolEntry[] {
  return graph.entries().filter((entry) => entries.has(entry));
}

function feesOf(state: ChainState, contents: ReadonlyMap<Txid, Transaction>): Sat {
  const view = new CoinOverlay(state.coins);
  const { height } = state.nextBlock();
  let fees = 0n;
  for (const [txid, tx] of contents) {
    const funding = fundingOf(tx, view, height);
    if (!funding.ok) throw new BlockRefusedError({ kind: "transaction", txid, refusal: funding.error });
    fees += funding.value.fee;
    for (const { outPoint } of tx.inputs) view.remove(outPoint);
    for (const coin of coinsOf(tx, txid, height)) view.add(coin);
  }
  return fees as Sat;
}
