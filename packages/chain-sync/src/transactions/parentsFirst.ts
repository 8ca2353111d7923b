import type { Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";

/** The same transactions, each behind those whose outputs it spends. */
export function parentsFirst(
  transactions: readonly Transaction[],
  txidOf: (transaction: Transaction) => Txid,
): readonly Transaction[] {
  const waiting = new Map(transactions.map((transaction) => [txidOf(transaction), transaction]));
  const sorted: Transaction[] = [];
  // Without recursion: nothing says how long a chain of unconfirmed transactions is.
  for (const [first] of [...waiting]) {
    const path: Txid[] = [first];
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const transaction = waiting.get(last);
      const parent = transaction?.inputs.find(({ outPoint }) => waiting.has(outPoint.txid));
      if (transaction !== undefined && parent !== undefined) {
        path.push(parent.outPoint.txid);
        continue;
      }
      if (transaction !== undefined) sorted.push(transaction);
      waiting.delete(last);
      path.pop();
    }
  }
  return sorted;
}
