import { outPointKey } from "@fulmen/bitcoin/primitives";
import { txid } from "@fulmen/bitcoin/transaction";
import type { ChainBlock, ChainUpdate, SimulatedChain } from "@fulmen/testkit/chain";
import type { TransactionInBlock } from "#src/chain/index";
import type { ChainMonitor } from "#src/manager/chainMonitor";

/** How a chain source tells of blocks. */
export type Delivery = (typeof deliveryNames)[number];

export const deliveryNames = [
  "whole-blocks",
  "transactions-first",
  "best-block-first",
  "skipping-tips",
] as const;

interface Follower {
  readonly chain: SimulatedChain;
  readonly chainMonitor: ChainMonitor;
  /** Keys of the outputs whose spenders are wanted. */
  readonly watched: ReadonlyMap<string, unknown>;
}

/**
 * Tells `follower` how its chain went on. Whoever is not given whole blocks gets the transactions that he asked for.
 */
export function deliver(follower: Follower, update: ChainUpdate, delivery: Delivery): void {
  const { chainMonitor, chain } = follower;
  const { forkPoint, disconnected, connected } = update;
  if (delivery === "whole-blocks") {
    if (disconnected.length > 0) chainMonitor.blocksDisconnected(forkPoint);
    for (const { block, height } of connected) {
      const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
      chainMonitor.blockConnected(block.header, transactions, height);
    }
    return;
  }
  for (const { txid, blockHash, height } of chainMonitor.relevantTxids()) {
    if (chain.blockAt(height)?.hash !== blockHash) chainMonitor.transactionUnconfirmed(txid);
  }
  for (const one of connected) {
    const { header } = one.block;
    if (delivery === "transactions-first") {
      confirmWanted(follower, one);
      chainMonitor.bestBlockUpdated(header, one.height);
    } else if (delivery === "best-block-first") {
      for (let time = 0; time < 2; time++) {
        chainMonitor.bestBlockUpdated(header, one.height);
        confirmWanted(follower, one);
      }
    } else {
      confirmWanted(follower, one);
    }
  }
  const last = connected.at(-1);
  if (last !== undefined && delivery === "skipping-tips") {
    chainMonitor.bestBlockUpdated(last.block.header, last.height);
  }
}

/** What a transaction of the block reveals may be spent in the same block. */
function confirmWanted({ chainMonitor, watched }: Follower, { block, height }: ChainBlock): void {
  const told = new Set<string>();
  for (;;) {
    const wanted: TransactionInBlock[] = [];
    for (const [index, transaction] of block.transactions.entries()) {
      if (told.has(txid(transaction))) continue;
      if (transaction.inputs.some(({ outPoint }) => watched.has(outPointKey(outPoint)))) {
        wanted.push({ index, transaction });
        told.add(txid(transaction));
      }
    }
    if (wanted.length === 0) return;
    chainMonitor.transactionsConfirmed(block.header, wanted, height);
  }
}
