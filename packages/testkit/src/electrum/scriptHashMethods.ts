import type { MempoolItem } from "../lookup/index.ts";
import { type HistoryItem, type ScriptHash, statusOf } from "../lookup/index.ts";
import { scriptHash } from "./arguments.ts";
import type { Json } from "./json.ts";
import type { Method, MethodContext } from "./method.ts";
import { errorCodes, RequestError } from "./requestError.ts";

/** The status of a script; throws `RequestError` where its history is too long. */
export function scriptStatus(
  context: Pick<MethodContext, "index" | "limits">,
  hash: ScriptHash,
): string | null {
  return statusOf([...limitedHistory(context, hash), ...context.index.unconfirmed(hash)]);
}

function limitedHistory(
  { index, limits }: Pick<MethodContext, "index" | "limits">,
  hash: ScriptHash,
): readonly HistoryItem[] {
  const history = index.confirmed(hash);
  if (history.length <= limits.maxHistory) return history;
  throw new RequestError(errorCodes.historyTooLong, "history too large");
}

function unconfirmedItem({ txid, height, fee }: MempoolItem): Json {
  return { tx_hash: txid, height, fee: Number(fee) };
}

/** A method whose only parameter is a script hash. */
function ofScript(call: (context: MethodContext, hash: ScriptHash) => Json): Method {
  return {
    parameters: ["scripthash"],
    required: 1,
    call: (context, args) => call(context, scriptHash(args[0])),
  };
}

/** `blockchain.scripthash...`. */
export const scriptHashMethods: Readonly<Record<string, Method>> = {
  "blockchain.scripthash.subscribe": ofScript((context, hash) => {
    const status = scriptStatus(context, hash);
    context.caller.subscribe(hash, status);
    return status;
  }),

  "blockchain.scripthash.unsubscribe": ofScript(({ caller }, hash) => caller.unsubscribe(hash)),

  "blockchain.scripthash.get_balance": ofScript((context, hash) => {
    limitedHistory(context, hash);
    const { confirmed, unconfirmed } = context.index.balance(hash);
    return { confirmed: Number(confirmed), unconfirmed: Number(unconfirmed) };
  }),

  "blockchain.scripthash.get_history": ofScript((context, hash) => [
    ...limitedHistory(context, hash).map(({ txid, height }) => ({ tx_hash: txid, height })),
    ...context.index.unconfirmed(hash).map(unconfirmedItem),
  ]),

  "blockchain.scripthash.get_mempool": ofScript(({ index }, hash) =>
    index.unconfirmed(hash).map(unconfirmedItem),
  ),

  "blockchain.scripthash.listunspent": ofScript((context, hash) => {
    limitedHistory(context, hash);
    return context.index.unspent(hash).map(({ outPoint, value, height }) => ({
      tx_hash: outPoint.txid,
      tx_pos: outPoint.index,
      height,
      value: Number(value),
    }));
  }),
};
