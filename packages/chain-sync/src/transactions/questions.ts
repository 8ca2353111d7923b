import { type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { isPayToAnchor, isUnspendable } from "@fulmen/bitcoin/script";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import { HistoryTooLong } from "./historyTooLong.ts";
import { mapLimited } from "./mapLimited.ts";
import type { HistoryItem, OutputsAnswer, TransactionClient } from "./transactionClient.ts";
import type { WatchedTransaction } from "./watchList.ts";

/** What is asked of a watched transaction. */
export interface WatchedQuestion extends WatchedTransaction {
  readonly wantsCreator: boolean;
}

/** What of a script's history is known. */
interface KnownHistory {
  readonly items: readonly HistoryItem[];
  readonly isTooLong: boolean;
}

/** A script's history, as far as the server tells of it. */
export async function historyOf(
  client: TransactionClient,
  script: Uint8Array,
  isSettled: (item: HistoryItem) => boolean,
): Promise<KnownHistory> {
  try {
    return { items: await client.scriptHistory(script, isSettled), isTooLong: false };
  } catch (error) {
    if (!(error instanceof HistoryTooLong)) throw error;
    return { items: error.known, isTooLong: true };
  }
}

/**
 * Where watched transactions are, and what spends their outputs; in the order of the questions. `tooLong` is told of
 * scripts whose history the server does not give, so that an output's spend may be missing.
 */
export async function askOutputs(
  client: TransactionClient,
  questions: readonly WatchedQuestion[],
  tooLong: (script: Uint8Array) => void,
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
      const { items, isTooLong } = await historyOf(client, script, () => false);
      if (isTooLong) tooLong(script);
      return [key, items] as const;
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
  // Those that matter are registered on account of their parents, and asked for once more.
  return (await askOutputs(client, questions, () => undefined)).flatMap(({ spenders }) => spenders);
}
