import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { txid } from "@fulmen/bitcoin/transaction";
import type { ChainFollower } from "@fulmen/chain-sync";
import type { BlockLocator, TransactionInBlock } from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";

/** Begins without any block, and writes down each transaction that it hears is confirmed: `105: <txid>`. */
export function collectingFollower(): ChainFollower & { readonly heard: readonly string[] } {
  const heard: string[] = [];
  let position: BlockLocator | undefined;
  const transactionsConfirmed = (
    _: BlockHeader,
    told: readonly TransactionInBlock[],
    height: BlockHeight,
  ) => {
    for (const { transaction } of told) heard.push(`${height}: ${txid(transaction)}`);
  };
  const bestBlockUpdated = (header: BlockHeader, height: BlockHeight) => {
    position = { hash: blockHash(header), height, ancestors: [header.previous] };
  };
  const listener = {
    transactionsConfirmed,
    bestBlockUpdated,
    blockConnected: (header: BlockHeader, told: readonly TransactionInBlock[], height: BlockHeight) => {
      transactionsConfirmed(header, told, height);
      bestBlockUpdated(header, height);
    },
    blocksDisconnected: () => void heard.push("disconnected"),
    transactionUnconfirmed: () => void heard.push("unconfirmed"),
    relevantTxids: () => [],
  };
  return { position: () => position, listeners: [listener], heard };
}
