import type { Confirm, Listen } from "@fulmen/lightning/chain";
import type { SimulatedChain } from "@fulmen/testkit";

/** How a chain source tells of blocks: whole ones, or transactions and tips apart. */
export type ListenStyle = "listen" | "confirm";

/** Tells a listener what has happened on the chain. */
export function tellBlocks(
  listener: Listen & Confirm,
  { disconnected, forkPoint, connected }: ReturnType<SimulatedChain["blocksSince"]>,
  style: ListenStyle,
): void {
  const { hash, height: fork } = forkPoint;
  if (disconnected.length > 0) listener.blocksDisconnected({ hash, height: fork });
  for (const { block, height } of connected) {
    const { header } = block;
    const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
    if (style === "listen") {
      listener.blockConnected(header, transactions, height);
    } else {
      listener.transactionsConfirmed(header, transactions, height);
      listener.bestBlockUpdated(header, height);
    }
  }
  if (style === "confirm") listener.relevantTxids();
}
