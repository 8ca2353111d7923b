import { outPointKey, toHex } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import type { EntropySource, PaidParent } from "@fulmen/lightning/chain";
import {
  type BlockHeight,
  err,
  type FeeratePerKw,
  ok,
  plus,
  present,
  type Result,
  type Sat,
  sum,
  type Txid,
  zeroSat,
} from "@fulmen/lightning/util";
import { type Coin, isClaimLock, isMature, type Ledger, type LockId, type Place } from "../ledger/index.ts";
import { Dice, type Outbid, type Selection, satisfactionWeight, selectCoins } from "../selection/index.ts";
import { type Draft, draftOf } from "./draft.ts";
import { exportPsbt } from "./psbt.ts";
import type { WalletRefusal } from "./refusal.ts";

/** What transactions are built with. */
export interface Workbench {
  readonly ledger: Ledger;
  readonly entropySource: EntropySource;
  /** Which account gets change. */
  readonly changeAccount: number;
  readonly longTermFeerate: FeeratePerKw;
}

/** A transaction to be signed, and its coins reserved. */
export interface FundedTransaction extends Draft {
  /** Holds the coins until the transaction is seen, or `release` is called. */
  readonly lock: LockId;
  /** For `signPsbt`, or for other signers. */
  readonly psbt: Uint8Array;
}

/** What a transaction is to do. */
export interface Plan {
  /** Coins that it spends in any case. */
  readonly required: readonly Coin[];
  /** Coins that it may spend: sets that are tried one after another. */
  readonly choices: readonly (readonly Coin[])[];
  readonly outputs: readonly TxOut[];
  readonly feerate: FeeratePerKw;
  /** Where change goes; the next change script when not given. */
  readonly change?: { readonly script: Uint8Array };
  readonly version: number;
  readonly maxWeight: number;
  readonly parent?: PaidParent;
  /** The transaction that it replaces, and what that one pays. */
  readonly replaces?: Txid;
  readonly outbids?: Outbid;
  readonly isReplaceable: boolean;
  readonly expiresAt?: BlockHeight;
  /** What must be left of the spendable coins, change included. */
  readonly keep?: Sat;
  /** Stands in for the wallet's, where change is not the wallet's to spend. */
  readonly longTermFeerate?: FeeratePerKw;
}

/** What nodes relay at most. */
export const maxStandardWeight = 400_000;
/** Nodes relay what rests on 24 unconfirmed transactions; a coin that comes from more than 20 is left alone. */
export const maxUnconfirmed = 24;
const maxUnconfirmedOfCoin = 20;

/** Coins that may be spent now and that nobody holds. */
export function spendableCoins({ ledger }: Workbench, which: "confirmed" | "trusted"): readonly Coin[] {
  return [...ledger.view.coins.values()].filter((coin) => {
    if (ledger.holder(coin.outPoint) !== undefined) return false;
    return isConfirmed(coin, ledger) || (which === "trusted" && isTrusted(coin));
  });
}

/** Of coins those that one transaction may spend and be relayed: the most valuable. */
export function relayedTogether(coins: readonly Coin[]): readonly Coin[] {
  const rests = new Set<Txid>();
  return coins
    .toSorted((a, b) => Number(b.output.value - a.output.value))
    .filter(({ unconfirmed }) => {
      const more = [...unconfirmed].filter((txid) => !rests.has(txid));
      if (rests.size + more.length > maxUnconfirmed) return false;
      for (const txid of more) rests.add(txid);
      return true;
    });
}

/** Whether an unspent coin may be spent in the next block. */
export function isSpendable(coin: Coin, ledger: Ledger): boolean {
  return isConfirmed(coin, ledger) || isTrusted(coin);
}

/** Confirmed coins that stand by for channels: those that claims hold as well, but none that a payment has reserved. */
export function standbyCoins({ ledger }: Workbench): readonly Coin[] {
  return [...ledger.view.coins.values()].filter((coin) => {
    const holder = ledger.holder(coin.outPoint);
    return isConfirmed(coin, ledger) && (holder === undefined || isClaimLock(holder));
  });
}

/** Worth of the confirmed coins that others than `except` hold. */
export function reservedValue({ ledger }: Workbench, except?: LockId): Sat {
  const held: Sat[] = [];
  for (const coin of ledger.view.coins.values()) {
    const holder = ledger.holder(coin.outPoint);
    if (holder !== undefined && holder !== except && isConfirmed(coin, ledger)) held.push(coin.output.value);
  }
  return sum(held);
}

/** Finds the coins for a plan, reserves them, and drafts the transaction. */
export function carryOut(bench: Workbench, plan: Plan): Result<FundedTransaction, WalletRefusal> {
  const { ledger, entropySource, changeAccount } = bench;
  const dice = new Dice(entropySource.randomBytes(32));
  const place = ledger.keyring.peek(changeAccount, "change");
  const change = changeTo(bench, plan.change?.script ?? ledger.keyring.script(place));
  let result: ReturnType<typeof selectCoins<Coin>> | undefined;
  for (const coins of plan.choices) {
    result = selectCoins({ longTermFeerate: bench.longTermFeerate, ...plan, coins, change }, dice);
    if (result.ok) break;
  }
  const selected = present(result, "a set of coins to choose from");
  if (!selected.ok) {
    const { error } = selected;
    return err(error.kind === "too-heavy" ? error : { ...error, reserved: reservedValue(bench) });
  }
  const coins = [...plan.required, ...selected.value.coins];
  const left = leftBy(bench, plan, { coins, change: selected.value.change });
  if (plan.keep !== undefined && left < plan.keep) {
    return err({ kind: "reserve-needed", keep: plan.keep, left });
  }
  const draft = draftFor(plan, { coins, selection: selected.value, script: change.script, ledger }, dice);
  const isNewChange = plan.change === undefined && selected.value.change !== undefined;
  if (isNewChange) ledger.handOut(changeAccount, "change");
  const lock = reserve(bench, plan, { draft, change: isNewChange ? place : undefined });
  const previous = ({ outPoint }: Coin): Transaction =>
    present(ledger.transaction(outPoint.txid), "transaction of a coin").transaction;
  return ok({ ...draft, lock, psbt: exportPsbt(draft, ledger.keyring, previous) });
}

interface Spent {
  readonly coins: readonly Coin[];
  readonly change: Sat | undefined;
}

/** Worth of the spendable coins when a plan is carried out: what it pays to the wallet itself stays, too. */
function leftBy(bench: Workbench, { outputs, replaces }: Plan, { coins, change = zeroSat }: Spent): Sat {
  const gone = new Set(coins.map(({ outPoint }) => outPointKey(outPoint)));
  const kept = spendableCoins(bench, "trusted").filter(
    ({ outPoint }) => outPoint.txid !== replaces && !gone.has(outPointKey(outPoint)),
  );
  const own = outputs.filter(({ script }) => bench.ledger.keyring.place(script) !== undefined);
  const values = [...kept.map(({ output }) => output.value), ...own.map(({ value }) => value)];
  return plus(sum(values), change);
}

/** The script of change, and what spending it takes. */
export function changeTo({ ledger, changeAccount }: Workbench, script: Uint8Array) {
  const place = ledger.keyring.place(script);
  const { kind } = ledger.keyring.account(place ?? { account: changeAccount, keychain: "change", index: 0 });
  return { script, satisfactionWeight: satisfactionWeight(kind) };
}

interface Chosen {
  readonly coins: readonly Coin[];
  readonly selection: Selection<Coin>;
  readonly script: Uint8Array;
  readonly ledger: Ledger;
}

function draftFor(plan: Plan, { coins, selection, script, ledger }: Chosen, dice: Dice): Draft {
  const { outputs, version, isReplaceable } = plan;
  const change = selection.change === undefined ? undefined : { value: selection.change, script };
  const locktime = Math.max(0, ledger.height);
  const { fee } = selection;
  return draftOf({ coins, outputs, change, fee, version, locktime, isReplaceable }, dice);
}

function reserve(
  { ledger, entropySource }: Workbench,
  { isReplaceable, expiresAt }: Plan,
  { draft, change }: { readonly draft: Draft; readonly change: Place | undefined },
): LockId {
  const id: LockId = `reservation/${toHex(entropySource.randomBytes(16))}`;
  ledger.putLock({
    id,
    outPoints: draft.spent.map(({ outPoint }) => outPoint),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(change === undefined ? {} : { change }),
    isSigned: false,
    isReplaceable,
  });
  return id;
}

function isConfirmed(coin: Coin, { height }: Ledger): boolean {
  return coin.position.kind === "confirmed" && isMature(coin, height);
}

function isTrusted({ position, isTrusted: ours, version, unconfirmed }: Coin): boolean {
  if (position.kind === "confirmed") return false;
  return ours && version !== 3 && unconfirmed.size <= maxUnconfirmedOfCoin;
}
