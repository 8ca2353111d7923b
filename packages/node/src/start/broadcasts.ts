import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { BroadcasterInterface, TransactionType } from "@fulmen/lightning/chain";
import type { Wallet } from "@fulmen/wallet";
import type { NodeParts } from "../parts/index.ts";

/**
 * The node's broadcasts. The wallet hears of what its coins pay for, so that it knows when that cannot be confirmed. It
 * hears of each funding at once, so that it does not promise its coins again; the network when the channel is in the
 * backups. A funding that is forgotten in between is broadcast at the next start.
 */
export class SeenBroadcasts implements BroadcasterInterface {
  wallet: Wallet | undefined;
  readonly #queue: BroadcasterInterface;
  readonly #beforeFunding: () => Promise<void>;
  readonly #told: ((transactions: readonly Transaction[]) => void) | undefined;

  constructor(
    queue: BroadcasterInterface,
    beforeFunding: () => Promise<void>,
    told: ((transactions: readonly Transaction[]) => void) | undefined,
  ) {
    this.#queue = queue;
    this.#beforeFunding = beforeFunding;
    this.#told = told;
  }

  broadcastTransactions(transactions: readonly Transaction[], type: TransactionType): void {
    if (type !== "funding") {
      for (const parent of transactions.slice(0, -1)) this.wallet?.parentBroadcast(parent);
      this.#pass(transactions, type);
      return;
    }
    for (const one of transactions) this.wallet?.transactionSeen(one);
    void this.#beforeFunding().then(() => this.#pass(transactions, type));
  }

  #pass(transactions: readonly Transaction[], type: TransactionType): void {
    this.#told?.(transactions);
    this.#queue.broadcastTransactions(transactions, type);
  }
}

/** What the wallet sent and no block has yet: mempools forget. Fundings wait for the backups each time. */
export function rebroadcast({
  manager,
  wallet,
  broadcaster,
}: Pick<NodeParts, "manager" | "wallet" | "broadcaster">): void {
  const fundings = new Set(manager.listChannels().map(({ funding }) => funding.txid));
  for (const transaction of wallet.pendingTransactions()) {
    const type = fundings.has(txid(transaction)) ? "funding" : "sweep";
    broadcaster.broadcastTransactions([transaction], type);
  }
}
