import type { Transaction, TxIn } from "../transaction/index.ts";
import type { SighashCache } from "./sighashCache.ts";

/** The input to sign; throws `RangeError` when there is none or the cache is another transaction's. */
export function inputAt(tx: Transaction, index: number, cache: SighashCache): TxIn {
  const input = tx.inputs[index];
  if (input === undefined) throw new RangeError(`no input ${index} among ${tx.inputs.length}`);
  if (cache.tx !== tx) throw new RangeError("sighash cache of another transaction");
  return input;
}
