import { outPointKey } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import type { TxOut } from "@fulmen/bitcoin/transaction";
import {
  type BlockHeight,
  err,
  type FeeratePerKw,
  feeratePerKw,
  type OutPoint,
  ok,
  type Result,
  type Sat,
} from "@fulmen/lightning/util";
import type { Coin } from "../ledger/index.ts";
import { feeAtLeast, inputWeight } from "../selection/index.ts";
import type { WalletRefusal } from "./refusal.ts";
import {
  carryOut,
  type FundedTransaction,
  isSpendable,
  maxStandardWeight,
  relayedTogether,
  spendableCoins,
  type Workbench,
} from "./workbench.ts";

/** A payment that the wallet is to make. */
export interface FundRequest {
  /** What is paid, all of it; change comes on top. */
  readonly outputs: readonly TxOut[];
  readonly feerate: FeeratePerKw;
  /** Spend exactly these coins; the wallet chooses when not given. */
  readonly coins?: readonly OutPoint[];
  /** Leave unconfirmed change alone, too. */
  readonly confirmedOnly?: boolean;
  /**
   * Whether `bumpFee` may replace the transaction. Never for the funding of a channel: the replacement has another id,
   * and what it pays into the channel could be lost. False when not given.
   */
  readonly isReplaceable?: boolean;
  /** The height from which the coins are free again if the transaction was not seen; never when not given. */
  readonly expiresAt?: BlockHeight;
  /** What must be left unlocked, change included: what a node needs to get its channels' transactions confirmed. */
  readonly keep?: Sat;
}

/** All that the wallet has and that nodes relay at once, or all of some coins, to one script. */
export interface DrainRequest extends Omit<FundRequest, "outputs" | "keep"> {
  readonly script: Uint8Array;
}

/** Drafts a payment and reserves its coins: confirmed ones if they suffice, otherwise trusted change too. */
export function fund(bench: Workbench, request: FundRequest): Result<FundedTransaction, WalletRefusal> {
  const { outputs, feerate, isReplaceable = false, expiresAt, keep } = request;
  const dust = dustRefusal(outputs);
  if (dust !== undefined) return err(dust);
  const named = namedCoins(bench, request);
  if (!named.ok) return named;
  return carryOut(bench, {
    required: named.value ?? [],
    choices: named.value === undefined ? choicesOf(bench, request) : [[]],
    outputs,
    feerate,
    version: 2,
    maxWeight: maxStandardWeight,
    isReplaceable,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(keep === undefined ? {} : { keep }),
  });
}

/** Drafts a transaction that pays all coins that are worth their fee to one script, less the fee. */
export function drain(bench: Workbench, request: DrainRequest): Result<FundedTransaction, WalletRefusal> {
  const { script, feerate, isReplaceable = false, expiresAt } = request;
  const named = namedCoins(bench, request);
  if (!named.ok) return named;
  const coins = named.value ?? choicesOf(bench, request).at(-1) ?? [];
  const required = coins.filter((coin) => isWorthwhile(coin, feerate));
  const drained = carryOut(bench, {
    required,
    choices: [[]],
    outputs: [],
    feerate,
    change: { script },
    longTermFeerate: feeratePerKw(0),
    version: 2,
    maxWeight: maxStandardWeight,
    isReplaceable,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  if (!drained.ok) return drained;
  return ok({ ...drained.value, outputIndexes: [0], changeIndex: undefined });
}

function choicesOf(bench: Workbench, { confirmedOnly = false }: Pick<FundRequest, "confirmedOnly">) {
  const confirmed = spendableCoins(bench, "confirmed");
  return confirmedOnly ? [confirmed] : [confirmed, relayedTogether(spendableCoins(bench, "trusted"))];
}

function namedCoins(
  { ledger }: Workbench,
  { coins }: Pick<FundRequest, "coins">,
): Result<readonly Coin[] | undefined, WalletRefusal> {
  if (coins === undefined) return ok(undefined);
  const found = new Map<string, Coin>();
  for (const outPoint of coins) {
    const key = outPointKey(outPoint);
    const coin = ledger.view.coins.get(key);
    if (coin === undefined || !isSpendable(coin, ledger))
      return err({ kind: "coin-not-spendable", outPoint });
    if (ledger.holder(outPoint) !== undefined) return err({ kind: "coin-locked", outPoint });
    found.set(key, coin);
  }
  const named = [...found.values()];
  const relayed = new Set(relayedTogether(named));
  const tooMuch = named.find((coin) => !relayed.has(coin));
  return tooMuch === undefined ? ok(named) : err({ kind: "coin-not-spendable", outPoint: tooMuch.outPoint });
}

function dustRefusal(outputs: readonly TxOut[]): WalletRefusal | undefined {
  for (const [index, { value, script }] of outputs.entries()) {
    const least = dustLimit(script);
    if (value < least) return { kind: "dust-output", index, value, least };
  }
  return undefined;
}

function isWorthwhile({ output, satisfactionWeight }: Coin, feerate: FeeratePerKw): boolean {
  return output.value > feeAtLeast(feerate, inputWeight(satisfactionWeight));
}
