import { type ScriptFlags, verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { outPointKey, type Sat } from "@fulmen/bitcoin/primitives";
import { isCoinbase, strippedSize, type Transaction } from "@fulmen/bitcoin/transaction";
import type { Coin, CoinView } from "./coins.ts";
import type { ConsensusRefusal, MalformedRule } from "./refusal.ts";

/** Satoshis that can ever exist, and that any sum of amounts may have. */
const maxMoney: bigint = 21_000_000n * 100_000_000n;
export const maxBlockWeight = 4_000_000;
/** Blocks until a coinbase may be spent. */
const coinbaseMaturity = 100;

/** What is wrong with a transaction by itself, whatever the chain. */
export function malformedRule(tx: Transaction): MalformedRule | undefined {
  if (tx.inputs.length === 0) return "no-inputs";
  if (tx.outputs.length === 0) return "no-outputs";
  if (4 * strippedSize(tx) > maxBlockWeight) return "oversized";
  let total = 0n;
  for (const { value } of tx.outputs) {
    total += value;
    if (value < 0n || value > maxMoney || total > maxMoney) return "value-out-of-range";
  }
  if (new Set(tx.inputs.map(({ outPoint }) => outPointKey(outPoint))).size < tx.inputs.length) {
    return "duplicate-input";
  }
  if (isCoinbase(tx)) {
    const length = tx.inputs[0]?.scriptSig.length ?? 0;
    return length < 2 || length > 100 ? "coinbase-script-length" : undefined;
  }
  const nullInput = tx.inputs.some(
    ({ outPoint }) => outPoint.index === 0xffff_ffff && /^0+$/.test(outPoint.txid),
  );
  return nullInput ? "null-input" : undefined;
}

/** The coins that a transaction spends and the fee that it pays. */
export interface Funding {
  readonly coins: readonly Coin[];
  readonly fee: Sat;
}

/** What a transaction spends in a block of this height, or why it may not. */
export function fundingOf(
  tx: Transaction,
  view: CoinView,
  height: number,
): { readonly ok: true; readonly value: Funding } | { readonly ok: false; readonly error: ConsensusRefusal } {
  const coins = tx.inputs.flatMap(({ outPoint }) => view.coin(outPoint) ?? []);
  if (coins.length < tx.inputs.length) {
    const missing = tx.inputs.map(({ outPoint }) => outPoint).filter((outPoint) => !view.coin(outPoint));
    return { ok: false, error: { kind: "missing-inputs", outPoints: missing } };
  }
  const immature = coins.find((coin) => coin.coinbase && coin.height + coinbaseMaturity > height);
  if (immature !== undefined) {
    const matureAt = immature.height + coinbaseMaturity;
    return { ok: false, error: { kind: "immature-coinbase", outPoint: immature.outPoint, matureAt } };
  }
  const inputs = coins.reduce((sum, { output }) => sum + output.value, 0n) as Sat;
  const outputs = tx.outputs.reduce((sum, { value }) => sum + value, 0n) as Sat;
  if (inputs < outputs) return { ok: false, error: { kind: "outputs-exceed-inputs", inputs, outputs } };
  return { ok: true, value: { coins, fee: (inputs - outputs) as Sat } };
}

/** Why a script of a transaction fails. */
export function scriptRefusal(
  tx: Transaction,
  coins: readonly Coin[],
  flags: ScriptFlags,
): ConsensusRefusal | undefined {
  const verdict = verifyTransaction(
    tx,
    coins.map(({ output }) => output),
    flags,
  );
  if (verdict.ok) return undefined;
  return { kind: "script", inputIndex: verdict.inputIndex, error: verdict.error };
}
