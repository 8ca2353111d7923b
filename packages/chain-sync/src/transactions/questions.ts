import { type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { isPayToAnchor, isUnspendable } from "@fulmen/bitcoin/script";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import { mapLimited } from "./mapLimited.ts";
import type { HistoryItem, OutputsAnswer, TransactionClient } from "./transactionClient.ts";
import type { WatchedTransaction } from "./watchList.ts";

/** What is asked of a watched transaction. */
export interface WatchedQuestion extends WatchedTransaction {
  readonly wantsCreator: boolean;
}

/** Where watched transactions are, and what spends their outputs; in the order of the questions. */
export async function askOutputs(
  client: TransactionClient,
  questions: readonly WatchedQuestion[],
): Promise<readonly OutputsAnswer[]> {
  const { maxConcurrency } = client;
  if (client.outputs !== undefined) {
    return mapLimited(questions, maxConcurrency, async ({ txid, outputs, wantsCreator }) => {
      const indexes = outputs.map(({ outPoint }) => outPoint.index);
      return (await client.outputs?.({ txid, indexes, wantsCreator })) ?? unknown;
    });
  }
  // Many outputs can have one script: each is asked for once.
  const scripts = new Map(questions.flatMap(scriptsOf).map((script) => [toHex(script), script]));
  const histories = new Map(
    await mapLimited([...scripts], maxConcurrency, async ([key, script]) => {
      return [key, await client.scriptHistory(script, () => false)] as const;
    }),
  );
  return questions.map((question) => {
    const items = scriptsOf(question).flatMap((script) => histories.get(toHex(script)) ?? []);
    return {
      creator: items.find(({ txid }) => txid === question.txid),
      spenders: items.filter(({ txid }) => txid !== question.txid),
    };
  });
}

const unknown: OutputsAnswer = { creator: undefined, spenders: [] };

function scriptsOf({ outputs, script }: WatchedTransaction): readonly Uint8Array[] {
  return outputs.length === 0 ? [script] : outputs.map((output) => output.script);
}

/** What spends the outputs of transactions that nobody has registered yet, as far as it can be asked for. */
export async function askChildren(
  client: TransactionClient,
  parents: readonly { readonly txid: Txid; readonly outputs: readonly TxOut[] }[],
): Promise<readonly HistoryItem[]> {
  const questions = parents.flatMap(({ txid, outputs }): readonly WatchedQuestion[] => {
    const watched = [...outputs.entries()]
      // Anybody's anchors have one script in common, whose history is everybody's.
      .filter(([, { script }]) => !isUnspendable(script) && !isPayToAnchor(script))
      .map(([index, { script }]) => ({ outPoint: { txid, index }, script }));
    const [first] = watched;
    return first === undefined ? [] : [{ txid, outputs: watched, script: first.script, wantsCreator: false }];
  });
  return (await askOutputs(client, questions)).flatMap(({ spenders }) => spenders);
}
