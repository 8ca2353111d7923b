import { type BlockHash, outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { isCoinbase, type Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockHeight } from "@fulmen/lightning/util";
import { type SelectableCoin, satisfactionWeight } from "../selection/index.ts";
import type { Keyring, Place } from "./keyring.ts";

/** Where a transaction is. */
export type Position =
  | { readonly kind: "confirmed"; readonly height: BlockHeight; readonly blockHash: BlockHash }
  | { readonly kind: "unconfirmed" };

/** A transaction that pays to the wallet or spends its coins. */
export interface WalletTransaction {
  readonly txid: Txid;
  readonly transaction: Transaction;
  readonly position: Position;
  /** Counts up as the wallet learns of transactions: of two unconfirmed ones that conflict, the later one counts. */
  readonly sequence: number;
  /** Whether `bumpFee` may replace it: only where nobody relies on its id, as a channel relies on its funding's. */
  readonly isReplaceable: boolean;
}

/** An output that pays to the wallet. */
export interface Coin extends SelectableCoin {
  readonly place: Place;
  readonly position: Position;
  readonly isCoinbase: boolean;
  /** Unconfirmed, but made by a transaction that spends nothing but confirmed or trusted coins of the wallet. */
  readonly isTrusted: boolean;
  /** The version of the transaction: what spends an unconfirmed output in version 3 is in version 3 too (BIP 431). */
  readonly version: number;
  /** Of a trusted coin, the unconfirmed transactions that it comes from, its own included. */
  readonly unconfirmed: ReadonlySet<Txid>;
}

/** What the known transactions come to. */
export interface CoinView {
  /** The unspent outputs of the wallet, by `outPointKey`. */
  readonly coins: ReadonlyMap<string, Coin>;
  /** What spends an outpoint, among the transactions that count. */
  readonly spenders: ReadonlyMap<string, WalletTransaction>;
  /**
   * Whether a transaction counts: it is confirmed, or nothing that counts conflicts with it or with what it builds on.
   */
  isActive(txid: Txid): boolean;
}

type Transactions = ReadonlyMap<Txid, WalletTransaction>;

/** Works out the coins: confirmed transactions count, then the unconfirmed ones, the latest of those that conflict. */
export function coinView(transactions: Transactions, keyring: Keyring): CoinView {
  const active = activeTransactions(transactions);
  const spenders = new Map<string, WalletTransaction>();
  for (const each of active.values()) {
    for (const { outPoint } of each.transaction.inputs) spenders.set(outPointKey(outPoint), each);
  }
  const standing = new Standing(active, keyring);
  const coins = new Map<string, Coin>();
  for (const each of active.values()) {
    for (const coin of ownOutputs(each, keyring, standing)) {
      const key = outPointKey(coin.outPoint);
      if (!spenders.has(key)) coins.set(key, coin);
    }
  }
  return { coins, spenders, isActive: (txid) => active.has(txid) };
}

/** The outputs of a transaction that pay to the wallet, spent or not. */
export function ownOutputs(
  { txid, transaction, position }: WalletTransaction,
  keyring: Keyring,
  standing: Pick<Standing, "of">,
): readonly Coin[] {
  const found: Coin[] = [];
  const { isTrusted, unconfirmed } = standing.of(txid);
  for (const [index, output] of transaction.outputs.entries()) {
    const place = keyring.place(output.script);
    if (place === undefined) continue;
    found.push({
      outPoint: { txid, index },
      output,
      satisfactionWeight: satisfactionWeight(keyring.account(place).kind),
      place,
      position,
      isCoinbase: isCoinbase(transaction),
      isTrusted,
      version: transaction.version,
      unconfirmed,
    });
  }
  return found;
}

function activeTransactions(transactions: Transactions): Transactions {
  const claimants = new Map<string, WalletTransaction[]>();
  for (const each of transactions.values()) {
    for (const { outPoint } of each.transaction.inputs) {
      const key = outPointKey(outPoint);
      const known = claimants.get(key);
      if (known === undefined) claimants.set(key, [each]);
      else known.push(each);
    }
  }
  // What is being looked at counts as inactive meanwhile: transactions that conflict with their own ancestors do not
  // exist, but the host's mempool is not ours to trust.
  const verdicts = new Map<Txid, boolean>();
  const isActive = (each: WalletTransaction): boolean => {
    if (each.position.kind === "confirmed") return true;
    const known = verdicts.get(each.txid);
    if (known !== undefined) return known;
    verdicts.set(each.txid, false);
    const verdict =
      !isCoinbase(each.transaction) &&
      each.transaction.inputs.every(({ outPoint }) => {
        const parent = transactions.get(outPoint.txid);
        if (parent !== undefined && !isActive(parent)) return false;
        const rivals = claimants.get(outPointKey(outPoint)) ?? [];
        return !rivals.some((rival) => outranks(rival, each) && isActive(rival));
      });
    verdicts.set(each.txid, verdict);
    return verdict;
  };
  return new Map([...transactions].filter(([, each]) => isActive(each)));
}

function outranks(rival: WalletTransaction, than: WalletTransaction): boolean {
  if (rival.txid === than.txid) return false;
  return rival.position.kind === "confirmed" || rival.sequence > than.sequence;
}

/** How far a transaction may be relied on, and if so, on which unconfirmed ones it rests, itself included. */
interface Trust {
  readonly isTrusted: boolean;
  readonly unconfirmed: ReadonlySet<Txid>;
}

/** Of what strangers told us it does not count on what it rests, which may be very much. */
export const untrusted: Trust = { isTrusted: false, unconfirmed: new Set() };
/** Nobody relays more of them in a row; a chain source can make up any number. */
const mostTrusted = 64;
const confirmed: Trust = { isTrusted: true, unconfirmed: new Set() };

class Standing {
  readonly #active: Transactions;
  readonly #keyring: Keyring;
  readonly #known = new Map<Txid, Trust>();

  constructor(active: Transactions, keyring: Keyring) {
    this.#active = active;
    this.#keyring = keyring;
  }

  of(txid: Txid): Trust {
    const each = this.#active.get(txid);
    if (each === undefined) return untrusted;
    if (each.position.kind === "confirmed") return confirmed;
    const known = this.#known.get(txid);
    if (known !== undefined) return known;
    const unconfirmed = new Set([txid]);
    let isTrusted = true;
    for (const { outPoint } of each.transaction.inputs) {
      const spent = this.#active.get(outPoint.txid)?.transaction.outputs[outPoint.index];
      const parent = this.of(outPoint.txid);
      isTrusted &&=
        spent !== undefined && this.#keyring.place(spent.script) !== undefined && parent.isTrusted;
      for (const one of parent.unconfirmed) unconfirmed.add(one);
    }
    const found = isTrusted && unconfirmed.size <= mostTrusted ? { isTrusted, unconfirmed } : untrusted;
    this.#known.set(txid, found);
    return found;
  }
}
