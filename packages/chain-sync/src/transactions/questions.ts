import { isPayToAnchor, isUnspendable } from "@fulmen/bitcoin/script";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import { mapLimited } from "./mapLimited.ts";
import type { HistoryItem, OutputsAnswer, TransactionClient } from "./transactionClient.ts";
import type { WatchedTransaction } from "./watchList.ts";

/** Where a watched transaction is, and what spends its outputs. */
export async function askOutputs(
  client: TransactionClient,
  { txid, outputs, script }: WatchedTransaction,
  wantsCreator: boolean,
): Promise<OutputsAnswer> {
  if (client.outputs !== undefined) {
    const indexes = outputs.map(({ outPoint }) => outPoint.index);
    return client.outputs({ txid, indexes, wantsCreator });
  }
  const scripts = outputs.length === 0 ? [script] : outputs.map((output) => output.script);
  const histories = await mapLimited(scripts, client.maxConcurrency, (each) =>
    client.scriptHistory(each, () => false),
  );
  const items = histories.flat();
  return {
    creator: items.find((item) => item.txid === txid),
    spenders: items.filter((item) => item.txid !== txid),
  };
}

/** What spends the outputs of a transaction that nobody has registered yet, as far as it can be asked for. */
export async function askChildren(
  client: TransactionClient,
  txid: HistoryItem["txid"],
  outputs: readonly TxOut[],
): Promise<readonly HistoryItem[]> {
  const watched = [...outputs.entries()]
    // Anybody's anchors have one script in common, whose history is everybody's.
    .filter(([, { script }]) => !isUnspendable(script) && !isPayToAnchor(script))
    .map(([index, { script }]) => ({ outPoint: { txid, index }, script }));
  const [first] = watched;
  if (first === undefined) return [];
  return (await askOutputs(client, { txid, outputs: watched, script: first.script }, false)).spenders;
}
