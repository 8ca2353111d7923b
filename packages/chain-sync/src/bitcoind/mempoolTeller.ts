import { BitcoinDecodeError, decodeTransaction, type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { Txid } from "@fulmen/lightning/util";
import type { MempoolListener } from "../chainSource.ts";
import { bytesOf, hashOf, invalidAnswer } from "./answers.ts";
import { type RpcClient, RpcRefusal } from "./rpcClient.ts";

const perBatch = 100;
/** Of a list of 3,000,000 ids: a mempool has ten times fewer. */
const mostListBytes = 201_000_000;

/**
 * Tells of what is new in the mempool: each transaction once, parents first. Whole blocks come without a filter, and so
 * do these: who listens picks out what is his.
 */
export class MempoolTeller {
  readonly #rpc: RpcClient;
  readonly #atOnce: number;
  /** Told already, and in the mempool when it was looked at last. */
  #told = new Set<Txid>();
  /** In the mempool when it was looked at last, and not told yet. */
  #waiting = new Set<Txid>();
  #listeners: ReadonlySet<MempoolListener> = new Set();

  /** `atOnce` transactions are fetched in one go, and those that they spend; the others wait until the next. */
  constructor(rpc: RpcClient, atOnce = 2_000) {
    this.#rpc = rpc;
    this.#atOnce = atOnce;
  }

  /** Gives whether there is more, for which there was no time. */
  async tell(listeners: readonly MempoolListener[]): Promise<boolean> {
    if (listeners.length === 0) return false;
    if (listeners.some((listener) => !this.#listeners.has(listener))) {
      this.#told = new Set();
      this.#waiting = new Set();
    }
    this.#listeners = new Set(listeners);
    if (this.#waiting.size === 0) await this.#look();
    const next: Txid[] = [];
    for (const id of this.#waiting) {
      if (next.length >= this.#atOnce) break;
      next.push(id);
    }
    const found = await this.#fetch(next);
    for (const transaction of parentsFirst(found)) {
      for (const listener of listeners) listener.transactionSeen(transaction);
    }
    // What was gone before it could be fetched is not asked for again.
    for (const id of [...next, ...found.keys()]) {
      this.#waiting.delete(id);
      this.#told.add(id);
    }
    return this.#waiting.size > 0;
  }

  async #look(): Promise<void> {
    const present = txidsOf(await this.#rpc.call("getrawmempool", [false], { mostBytes: mostListBytes }));
    this.#waiting = new Set(present.filter((id) => !this.#told.has(id)));
    this.#told = new Set(present.filter((id) => this.#told.has(id)));
  }

  /** The transactions, and those that they spend and that wait, too. */
  async #fetch(ids: readonly Txid[]): Promise<ReadonlyMap<Txid, Transaction>> {
    const found = new Map<Txid, Transaction>();
    const asked = new Set<Txid>(ids);
    for (let missing = ids; missing.length > 0; ) {
      const parents: Txid[] = [];
      for (const transaction of await this.#transactions(missing)) {
        found.set(txid(transaction), transaction);
        for (const { outPoint } of transaction.inputs) {
          if (!this.#waiting.has(outPoint.txid) || asked.has(outPoint.txid)) continue;
          asked.add(outPoint.txid);
          parents.push(outPoint.txid);
        }
      }
      missing = parents;
    }
    return found;
  }

  async #transactions(ids: readonly Txid[]): Promise<readonly Transaction[]> {
    const found: Transaction[] = [];
    for (let at = 0; at < ids.length; at += perBatch) {
      const some = ids.slice(at, at + perBatch);
      const calls = some.map((id) => ({ method: "getrawtransaction", params: [id, false] }));
      for (const [index, answer] of (await this.#rpc.batch(calls)).entries()) {
        // It was mined, or replaced, in the meantime.
        if (answer instanceof RpcRefusal) continue;
        const transaction = decoded(answer);
        if (txid(transaction) !== some[index]) throw invalidAnswer("another transaction than was asked for");
        found.push(transaction);
      }
    }
    return found;
  }
}

/** In an order in which each comes after those that it spends. */
function parentsFirst(transactions: ReadonlyMap<Txid, Transaction>): readonly Transaction[] {
  const ordered = new Map<Txid, Transaction>();
  for (const start of transactions.keys()) {
    // A walk without recursion: a chain may be as long as the peers of a node let it be.
    const path = [start];
    for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
      const transaction = transactions.get(id);
      const parent = transaction?.inputs
        .map(({ outPoint }) => outPoint.txid)
        .find((each) => transactions.has(each) && !ordered.has(each));
      if (parent !== undefined) path.push(parent);
      else {
        path.pop();
        if (transaction !== undefined) ordered.set(id, transaction);
      }
    }
  }
  return [...ordered.values()];
}

function txidsOf(answer: unknown): readonly Txid[] {
  if (!Array.isArray(answer)) throw invalidAnswer("no list of a mempool");
  return answer.map((each: unknown) => hashOf(each) as string as Txid);
}

function decoded(answer: unknown): Transaction {
  try {
    return decodeTransaction(bytesOf(answer));
  } catch (error) {
    if (!(error instanceof BitcoinDecodeError)) throw error;
    throw invalidAnswer("a transaction that is none");
  }
}
