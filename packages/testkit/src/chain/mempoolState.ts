import type { Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf, wtxid as wtxidOf } from "@fulmen/bitcoin/transaction";
import { err, ok, type Result } from "@fulmen/lightning/util";
import type { ChainBlock } from "./blocks.ts";
import type { Pool } from "./candidate.ts";
import type { ChainState } from "./chainState.ts";
import { type MempoolEntry, MempoolGraph } from "./mempool.ts";
import { type Admission, admit, admitPackage, type PackageRefusal, readmit } from "./mempoolAcceptance.ts";
import type { MempoolPolicy } from "./policy.ts";
import type { Refusal } from "./refusal.ts";

/** What a transaction or package did to the mempool. */
export interface Accepted {
  /** What is new in the mempool, parents first. */
  readonly txids: readonly Txid[];
  /** What had to go for it. */
  readonly replaced: readonly Txid[];
}

/** The transactions that a node would relay and has not seen in a block. */
export class Mempool {
  readonly #chain: ChainState;
  readonly #policy: MempoolPolicy;
  readonly #verified = new Set<string>();
  #graph: MempoolGraph;
  #minimum = 0n;

  /** Starts with what is in `graph`, which it changes. */
  constructor(chain: ChainState, policy: MempoolPolicy, graph = new MempoolGraph()) {
    this.#chain = chain;
    this.#policy = policy;
    this.#graph = graph;
  }

  get graph(): MempoolGraph {
    return this.#graph;
  }

  isVerified(tx: Transaction): boolean {
    return this.#verified.has(wtxidOf(tx));
  }

  submit(tx: Transaction): Result<Accepted, Refusal> {
    const admission = admit(tx, this.#pool(), this.#minimum);
    return admission.ok ? ok(this.#apply(admission.value)) : admission;
  }

  /** Each by itself if it can; together if the parent cannot for its fee alone. */
  submitPackage(parent: Transaction, child: Transaction): Result<Accepted, PackageRefusal> {
    const [parentId, childId] = [txidOf(parent), txidOf(child)];
    if (parentId === childId || !child.inputs.some(({ outPoint }) => outPoint.txid === parentId)) {
      return err({ txid: childId, refusal: { kind: "package-topology" } });
    }
    const first = this.submit(parent);
    if (first.ok || first.error.kind === "already-in-mempool" || first.error.kind === "already-confirmed") {
      const second = this.submit(child);
      if (!second.ok) return err({ txid: childId, refusal: second.error });
      const before = first.ok ? first.value : { txids: [], replaced: [] };
      return ok({
        txids: [...before.txids, ...second.value.txids],
        replaced: [...before.replaced, ...second.value.replaced],
      });
    }
    if (!isFeeRefusal(first.error)) return err({ txid: parentId, refusal: first.error });
    const together = admitPackage(parent, child, this.#pool(), this.#minimum);
    return together.ok ? ok(this.#apply(together.value)) : together;
  }

  /** Satoshis per 1,000 virtual bytes below which a full mempool takes nothing; evicts what pays less. */
  raiseMinimum(feerate: bigint): readonly Txid[] {
    this.#minimum = feerate;
    const evicted: Txid[] = [];
    for (const entry of this.#graph.entries()) {
      if (this.#graph.entry(entry.txid) === undefined || this.#earns(entry, feerate)) continue;
      evicted.push(...this.#removeWithDescendants(entry));
    }
    return evicted;
  }

  /** Takes out what a block confirmed, and what can no longer be. */
  blockConnected({ block, txids }: ChainBlock): void {
    for (const [i, tx] of block.transactions.entries()) {
      const txid = txids[i];
      const entry = txid === undefined ? undefined : this.#graph.entry(txid);
      if (entry !== undefined) this.#graph.remove(entry);
      for (const conflict of this.#graph.conflicts(tx)) this.#removeWithDescendants(conflict);
    }
  }

  /** Begins anew with those of `waiting` (parents first) that are valid on the tip, as nodes do after a reorg. */
  refill(waiting: readonly Transaction[]): void {
    this.#graph = new MempoolGraph();
    for (const tx of waiting) {
      const admission = readmit(tx, this.#pool());
      if (admission.ok) this.#apply(admission.value);
    }
  }

  #pool(): Pool {
    return { chain: this.#chain, graph: this.#graph, policy: this.#policy, verified: this.#verified };
  }

  #apply({ added, evicted }: Admission): Accepted {
    for (const entry of evicted) this.#graph.remove(entry);
    for (const entry of added) this.#graph.add(entry);
    return { txids: added.map(({ txid }) => txid), replaced: [...evicted].map(({ txid }) => txid) };
  }

  /** Whether an entry pays the feerate, alone or together with all that builds on it. */
  #earns(entry: MempoolEntry, feerate: bigint): boolean {
    let [fee, vsize] = [0n, 0];
    for (const each of this.#graph.withDescendants(entry)) {
      fee += each.fee;
      vsize += each.vsize;
    }
    return fee * 1000n >= feerate * BigInt(vsize) || entry.fee * 1000n >= feerate * BigInt(entry.vsize);
  }

  #removeWithDescendants(entry: MempoolEntry): readonly Txid[] {
    const removed = [...this.#graph.withDescendants(entry)];
    for (const each of removed) this.#graph.remove(each);
    return removed.map(({ txid }) => txid);
  }
}

function isFeeRefusal({ kind }: Refusal): boolean {
  return (
    kind === "min-fee-not-met" ||
    kind === "replacement-fee-too-low" ||
    kind === "replacement-feerate-too-low" ||
    kind === "replacement-earns-less"
  );
}
