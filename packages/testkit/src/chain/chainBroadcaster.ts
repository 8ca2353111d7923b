import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { BroadcasterInterface, TransactionType } from "@fulmen/lightning/chain";
import type { Refusal } from "./refusal.ts";
import type { TestChain } from "./testChain.ts";

/** A broadcast that ordinary nodes would not have relayed. */
export interface RefusedBroadcast {
  readonly transaction: Transaction;
  readonly type: TransactionType;
  readonly refusal: Refusal;
}

/**
 * Puts what is broadcast into a chain's mempool, so that its scripts run and all of relay policy is applied. A refusal
 * is kept for the test to look at: a broadcast has no answer.
 */
export class ChainBroadcaster implements BroadcasterInterface {
  readonly #chain: TestChain;
  #refused: RefusedBroadcast[] = [];

  constructor(chain: TestChain) {
    this.#chain = chain;
  }

  /** Two transactions are a package; of others each stands for itself. What is known already is passed over. */
  broadcastTransactions(transactions: readonly Transaction[], type: TransactionType): void {
    const [parent, child, ...more] = transactions;
    if (parent !== undefined && child !== undefined && more.length === 0) {
      const result = this.#chain.submitPackage(parent, child);
      if (!result.ok) {
        const transaction = result.error.txid === txid(parent) ? parent : child;
        this.#keep({ transaction, type, refusal: result.error.refusal });
      }
      return;
    }
    for (const transaction of transactions) {
      const result = this.#chain.submit(transaction);
      if (!result.ok) this.#keep({ transaction, type, refusal: result.error });
    }
  }

  /** What was refused since the last call, in order. */
  takeRefused(): readonly RefusedBroadcast[] {
    const refused = this.#refused;
    this.#refused = [];
    return refused;
  }

  #keep(refused: RefusedBroadcast): void {
    const { kind } = refused.refusal;
    if (kind !== "already-in-mempool" && kind !== "already-confirmed") this.#refused.push(refused);
  }
}
