import { type OutPoint, outPointKey, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";

/** An unconfirmed transaction. */
export interface MempoolEntry {
  readonly transaction: Transaction;
  readonly txid: Txid;
  readonly wtxid: Txid;
  readonly fee: Sat;
  readonly vsize: number;
}

/** Unconfirmed transactions and how they spend one another; holds no rules. */
export class MempoolGraph {
  readonly #entries = new Map<Txid, MempoolEntry>();
  readonly #spenders = new Map<string, MempoolEntry>();

  get size(): number {
    return this.#entries.size;
  }

  entry(txid: Txid): MempoolEntry | undefined {
    return this.#entries.get(txid);
  }

  /** In the order of their coming: parents before children. */
  entries(): readonly MempoolEntry[] {
    return [...this.#entries.values()];
  }

  output({ txid, index }: OutPoint): TxOut | undefined {
    return this.#entries.get(txid)?.transaction.outputs[index];
  }

  spender(outPoint: OutPoint): MempoolEntry | undefined {
    return this.#spenders.get(outPointKey(outPoint));
  }

  add(entry: MempoolEntry): void {
    this.#entries.set(entry.txid, entry);
    for (const { outPoint } of entry.transaction.inputs) this.#spenders.set(outPointKey(outPoint), entry);
  }

  remove(entry: MempoolEntry): void {
    this.#entries.delete(entry.txid);
    for (const { outPoint } of entry.transaction.inputs) {
      if (this.spender(outPoint) === entry) this.#spenders.delete(outPointKey(outPoint));
    }
  }

  /** Another graph without `removed` and with `added`; this one stays as it is. */
  changed(added: readonly MempoolEntry[], removed: ReadonlySet<MempoolEntry>): MempoolGraph {
    const graph = new MempoolGraph();
    for (const entry of this.#entries.values()) if (!removed.has(entry)) graph.add(entry);
    for (const entry of added) graph.add(entry);
    return graph;
  }

  /** The entries that a transaction spends outputs of. */
  parents(tx: Transaction): readonly MempoolEntry[] {
    const parents = new Set<MempoolEntry>();
    for (const { outPoint } of tx.inputs) {
      const parent = this.#entries.get(outPoint.txid);
      if (parent !== undefined) parents.add(parent);
    }
    return [...parents];
  }

  children(entry: MempoolEntry): readonly MempoolEntry[] {
    const children = new Set<MempoolEntry>();
    for (const index of entry.transaction.outputs.keys()) {
      const child = this.spender({ txid: entry.txid, index });
      if (child !== undefined) children.add(child);
    }
    return [...children];
  }

  /** The entries that a transaction builds on, directly or not; not itself. */
  ancestors(tx: Transaction): ReadonlySet<MempoolEntry> {
    return closure(this.parents(tx), (entry) => this.parents(entry.transaction));
  }

  /** The entries that build on `entry`, and itself. */
  withDescendants(entry: MempoolEntry): ReadonlySet<MempoolEntry> {
    return closure([entry], (each) => this.children(each));
  }

  /** The entries that spend what `tx` spends. */
  conflicts(tx: Transaction): ReadonlySet<MempoolEntry> {
    const conflicts = new Set<MempoolEntry>();
    for (const { outPoint } of tx.inputs) {
      const spender = this.spender(outPoint);
      if (spender !== undefined) conflicts.add(spender);
    }
    return conflicts;
  }
}

function closure(
  start: readonly MempoolEntry[],
  next: (entry: MempoolEntry) => readonly MempoolEntry[],
): ReadonlySet<MempoolEntry> {
  const found = new Set(start);
  // A set is walked through in the order of insertion, entries that come while walking included.
  for (const entry of found) for (const each of next(entry)) found.add(each);
  return found;
}
