import { blockHash } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { WatchedOutput } from "@fulmen/lightning/chain";
import { blockHeight, type OutPoint } from "@fulmen/lightning/util";
import type { ChainTip } from "../chainSource.ts";
import { hasWorkAt, invalidChain } from "../headers/index.ts";
import { ChainMoved } from "./chainMoved.ts";
import { fetchConfirmed, fetchTransaction } from "./confirmedTransaction.ts";
import { askOutputs } from "./questions.ts";
import type { HistoryItem, TransactionClient } from "./transactionClient.ts";

/** Transactions of a script that are looked at: anybody can pay to it. */
const most = 50;

/** As `ChainSource.blockOfSpend`: a proof that leads to a header with proof of work, of which no more is known. */
export async function blockOfSpend(
  client: TransactionClient,
  network: Network,
  output: WatchedOutput,
): Promise<ChainTip | undefined> {
  const { outPoint, script } = output;
  const question = { txid: outPoint.txid, outputs: [output], script, wantsCreator: false };
  try {
    const [answer] = await askOutputs(client, [question], () => undefined);
    for (const item of answer?.spenders.slice(0, most) ?? []) {
      const transaction = item.height === undefined ? undefined : await fetchTransaction(client, item);
      if (transaction === undefined || !spends(transaction, outPoint)) continue;
      const block = await provenBlock(client, network, { ...item, transaction });
      if (block !== undefined) return block;
    }
    return undefined;
  } catch (error) {
    throw error instanceof ChainMoved ? error.asError : error;
  }
}

function spends({ inputs }: Transaction, { txid, index }: OutPoint): boolean {
  return inputs.some(({ outPoint }) => outPoint.txid === txid && outPoint.index === index);
}

async function provenBlock(
  client: TransactionClient,
  network: Network,
  item: HistoryItem,
): Promise<ChainTip | undefined> {
  const height = blockHeight(item.height ?? 0);
  const [header] = await client.headers(height, 1);
  if (header === undefined || !hasWorkAt(header, height, network))
    throw invalidChain(`the block at height ${height} has no proof of work`);
  const hash = blockHash(header);
  const found = await fetchConfirmed(client, item, { header, hash, height });
  return found && { hash, height };
}
