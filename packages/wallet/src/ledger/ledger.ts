import { type BlockHash, outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, KvWrite } from "@fulmen/lightning/chain";
import { encode } from "@fulmen/lightning/codec";
import { type BlockHeight, type OutPoint, present } from "@fulmen/lightning/util";
import type { Account } from "../descriptor/index.ts";
import {
  type Coin,
  type CoinView,
  coinView,
  ownOutputs,
  untrusted,
  type WalletTransaction,
} from "./coins.ts";
import { type KeychainState, Keyring, type Place } from "./keyring.ts";
import { holding, type Lender, type Lock, type LockId, Locks, lending, without } from "./locks.ts";
import { keysRecord, lockRecord, tipRecord, transactionRecord } from "./records.ts";

/** Blocks on top of a transaction after which its outcome is taken as final, and what it ended is forgotten. */
export const finalDepth = 100;

/** Unconfirmed transactions of others that are kept: anybody can make them up who tells us of the mempool. */
const mostStrangers = 1_000;
/** Blocks after which mempools have forgotten what did not confirm: two weeks. */
const strangersKept = 2_016;

/** Parents of broadcast packages that are remembered until a child is taken in. */
const mostParents = 100;

/** Hashes of blocks before the tip that are kept to find a fork point. */
const ancestorsKept = 12;

/** Keys of the rows, without the wallet's prefix. */
export const keysKey = "keys";
export const tipKey = "tip";
export const transactionPrefix = "tx/";
export const lockPrefix = "lock/";

/** All that the wallet remembers. */
export interface LedgerState {
  readonly keychains: readonly KeychainState[];
  readonly tip: BlockLocator | undefined;
  readonly transactions: readonly WalletTransaction[];
  readonly locks: readonly Lock[];
}

/** What a ledger is about. */
export interface LedgerTerms {
  readonly accounts: readonly Account[];
  readonly gapLimit: number;
  /** Nothing of the wallet is in blocks below. */
  readonly birthday: BlockHeight;
}

/** A block that something is in. */
export interface BlockRef {
  readonly hash: BlockHash;
  readonly height: BlockHeight;
}

/** The wallet's scripts, transactions and locks, kept up with the chain; every change is a row in `takeWrites`. */
export class Ledger {
  readonly keyring: Keyring;
  readonly #terms: LedgerTerms;
  readonly #locks: Locks;
  readonly #transactions = new Map<Txid, WalletTransaction>();
  /**
   * Unconfirmed transactions that spend nothing of the wallet, and the height at which each was heard of, or restored.
   */
  readonly #strangers = new Map<Txid, number>();
  readonly #unconfirmed = new Map<Txid, WalletTransaction>();
  /** What these spend, by `outPointKey`; absent when it has to be looked at anew. */
  #awaited: ReadonlySet<string> | undefined;
  /** What children of ours may build on, none of the wallet's. */
  readonly #parents = new Map<Txid, Transaction>();
  readonly #unsaved = new Set<string>();
  #tip: BlockLocator | undefined;
  #sequence = 0;
  #view: CoinView | undefined;

  constructor(terms: LedgerTerms, state?: LedgerState) {
    this.#terms = terms;
    this.keyring = new Keyring(terms.accounts, terms.gapLimit, state?.keychains);
    this.#locks = new Locks(state?.locks);
    this.#tip = state?.tip;
    // Parents come before children, as they were heard of: no look at a long row of them goes deep.
    for (const each of state?.transactions.toSorted((a, b) => a.sequence - b.sequence) ?? []) {
      this.#transactions.set(each.txid, each);
      this.#sequence = Math.max(this.#sequence, each.sequence + 1);
    }
    for (const each of this.#transactions.values()) this.#noteUnconfirmed(each);
    if (state === undefined) this.#unsaved.add(keysKey);
  }

  get tip(): BlockLocator | undefined {
    return this.#tip;
  }

  /** Of the tip; below the birthday when no block was seen yet. */
  get height(): number {
    return this.#tip?.height ?? this.#terms.birthday - 1;
  }

  get view(): CoinView {
    this.#view ??= coinView(this.#transactions, this.keyring);
    return this.#view;
  }

  transaction(txid: Txid): WalletTransaction | undefined {
    return this.#transactions.get(txid);
  }

  /** The block of a transaction, all of whose outputs to the wallet are known to be paid. */
  blockOf(txid: Txid): { readonly height: BlockHeight; readonly blockHash: BlockHash } | undefined {
    const known = this.#transactions.get(txid);
    if (known?.position.kind !== "confirmed") return undefined;
    // A script may have become known after the transaction that pays to it.
    const isWhole = known.transaction.outputs.every(({ script }) => {
      const place = this.keyring.place(script);
      return place === undefined || this.keyring.isPaid(place);
    });
    return isWhole ? known.position : undefined;
  }

  transactions(): readonly WalletTransaction[] {
    return [...this.#transactions.values()];
  }

  /** Those with something of the wallet in them. */
  ownTransactions(): readonly WalletTransaction[] {
    return this.transactions().filter(({ transaction }) => this.#concerns(transaction));
  }

  /** An output of the wallet, spent or not. */
  output(outPoint: OutPoint): Coin | undefined {
    const each = this.#transactions.get(outPoint.txid);
    if (each === undefined) return undefined;
    return ownOutputs(each, this.keyring, { of: () => untrusted }).find(
      (coin) => coin.outPoint.index === outPoint.index,
    );
  }

  /**
   * Takes in what of `transactions` concerns the wallet, and what spends an output that an unconfirmed one waited to
   * spend, though it be none of the wallet's, as where a peer was faster with an HTLC: the coins that were to pay for
   * that are free again.
   */
  confirmed(block: BlockRef, transactions: readonly Transaction[]): void {
    const position = { kind: "confirmed", height: block.height, blockHash: block.hash } as const;
    // A script that is seen makes further ones known, which earlier transactions may pay to.
    for (let isNews = true; isNews; ) {
      isNews = false;
      for (const transaction of transactions) {
        const isOfInterest = this.#concerns(transaction) || this.#isRival(transaction);
        if (isOfInterest && this.#record(transaction, position)) isNews = true;
      }
    }
  }

  /**
   * Takes in a transaction that is in no block, if it concerns the wallet; says whether it does. Of too many that
   * others made the later ones wait for a block.
   */
  unconfirmed(transaction: Transaction): boolean {
    if (!this.#concerns(transaction)) return false;
    const isTooMany = this.#strangers.size >= mostStrangers && !this.#spendsOurs(transaction);
    if (isTooMany || this.#transactions.has(txidOf(transaction))) return true;
    for (const { outPoint } of transaction.inputs) {
      const parent = this.#parents.get(outPoint.txid);
      if (parent !== undefined) this.#record(parent, { kind: "unconfirmed" });
    }
    this.#record(transaction, { kind: "unconfirmed" });
    return true;
  }

  /** A transaction that one of the wallet's may build on: when it cannot be confirmed, that one cannot either. */
  parent(transaction: Transaction): void {
    const txid = txidOf(transaction);
    if (this.#transactions.has(txid)) return;
    const hasChild = [...this.#unconfirmed.values()].some((each) =>
      each.transaction.inputs.some(({ outPoint }) => outPoint.txid === txid),
    );
    if (hasChild) this.#record(transaction, { kind: "unconfirmed" });
    this.#parents.delete(txid);
    this.#parents.set(txid, transaction);
    for (const oldest of this.#parents.keys()) {
      if (this.#parents.size <= mostParents) break;
      this.#parents.delete(oldest);
    }
  }

  /** A transaction is no longer in the chain. */
  reorganised(txid: Txid): void {
    const each = this.#transactions.get(txid);
    if (each?.position.kind === "confirmed") this.#put({ ...each, position: { kind: "unconfirmed" } });
  }

  /** The blocks above `height` are no longer in the chain. */
  disconnectedAbove(height: number): void {
    for (const { txid, position } of this.transactions()) {
      if (position.kind === "confirmed" && position.height > height) this.reorganised(txid);
    }
  }

  /** Forgets an unconfirmed transaction that will not confirm, and all that builds on it. */
  evicted(txid: Txid): void {
    if (this.#transactions.get(txid)?.position.kind !== "unconfirmed") return;
    this.#forget(txid);
    for (const each of this.transactions()) {
      if (each.transaction.inputs.some(({ outPoint }) => outPoint.txid === txid)) this.evicted(each.txid);
    }
  }

  /** The best block after one more; `previous` is the hash in its header. */
  connected({ hash, height }: BlockRef, previous: BlockHash): void {
    const tip = this.#tip;
    if (hash === tip?.hash) return;
    const follows = tip !== undefined && previous === tip.hash;
    const ancestors = follows ? [tip.hash, ...tip.ancestors] : [previous];
    this.#setTip({ hash, height, ancestors: ancestors.slice(0, ancestorsKept) });
    for (const { id, expiresAt } of this.#locks.values()) {
      if (expiresAt !== undefined && expiresAt <= height) this.release(id);
    }
    this.#forgetFinal(height);
    this.#forgetStrangers(height);
  }

  /** The best block after blocks were disconnected. */
  disconnected({ hash, height }: BlockRef): void {
    this.disconnectedAbove(height);
    const tip = this.#tip;
    const known = tip === undefined ? [] : [tip.hash, ...tip.ancestors];
    const at = known.indexOf(hash);
    this.#setTip({ hash, height, ancestors: at === -1 ? [] : known.slice(at + 1) });
  }

  /** The next script of a chain. It is given once; the caller shows it only when the writes are durable. */
  handOut(account: number, keychain: Place["keychain"]): Place {
    this.#unsaved.add(keysKey);
    return this.keyring.handOut(account, keychain);
  }

  lock(id: LockId): Lock | undefined {
    return this.#locks.get(id);
  }

  locks(): readonly Lock[] {
    return this.#locks.values();
  }

  holder(outPoint: OutPoint): LockId | undefined {
    return this.#locks.holder(outPoint);
  }

  putLock(lock: Lock): void {
    this.#locks.put(lock);
    this.#unsaved.add(lockPrefix + lock.id);
  }

  /** Puts a claim's lock, and takes its coins from whoever holds them. */
  takeFor(lock: Lock): void {
    for (const outPoint of lock.outPoints) {
      const holder = this.holder(outPoint);
      if (holder !== undefined && holder !== lock.id)
        this.putLock(lending(this.#locks.known(holder), outPoint));
    }
    this.putLock(lock);
  }

  /** Of the claims that have lent a coin, the one that paid most with it. */
  lender(outPoint: OutPoint): Lender | undefined {
    return this.#locks.lender(outPoint);
  }

  /** Gives the coins that a claim has taken from others back to them. */
  giveBack(lock: Lock): Lock {
    let left = lock;
    for (const outPoint of lock.outPoints)
      if (this.lender(outPoint) !== undefined) left = without(left, outPoint);
    this.putLock(left);
    this.#returnToLenders(lock.outPoints);
    return left;
  }

  /** Lets a lock's coins go, lent ones to their lender, and its change script unless something that was signed pays to it. */
  release(id: LockId): boolean {
    const lock = this.#locks.remove(id);
    if (lock === undefined) return false;
    this.#unsaved.add(lockPrefix + id);
    this.#returnToLenders(lock.outPoints);
    if (lock.change !== undefined && !lock.isSigned) {
      this.keyring.takeBack(lock.change);
      this.#unsaved.add(keysKey);
    }
    return true;
  }

  #returnToLenders(outPoints: readonly OutPoint[]): void {
    for (const outPoint of outPoints) {
      const lender = this.lender(outPoint);
      if (lender !== undefined) this.putLock(holding(lender.lock, [outPoint]));
    }
  }

  /** The rows that changed since the last call, without the wallet's prefix. */
  takeWrites(): readonly KvWrite[] {
    const writes = [...this.#unsaved].map((key) => ({ key, value: this.#row(key) }));
    this.#unsaved.clear();
    return writes;
  }

  get hasWrites(): boolean {
    return this.#unsaved.size > 0;
  }

  /** All rows. */
  snapshot(): readonly KvWrite[] {
    const keys = [keysKey];
    if (this.#tip !== undefined) keys.push(tipKey);
    for (const txid of this.#transactions.keys()) keys.push(transactionPrefix + txid);
    for (const { id } of this.#locks.values()) keys.push(lockPrefix + id);
    return keys.map((key) => ({ key, value: this.#row(key) }));
  }

  #row(key: string): Uint8Array | undefined {
    if (key === keysKey) {
      const { accounts, birthday } = this.#terms;
      const [first] = accounts;
      return encode(keysRecord, {
        chain: present(first, "an account").network.genesisHash,
        descriptors: accounts.map(({ descriptor }) => descriptor),
        birthday,
        keychains: this.keyring.states(),
        unpaid: this.keyring.states().map(({ unpaid, next }) => unpaid ?? next),
      });
    }
    if (key === tipKey) return this.#tip && encode(tipRecord, this.#tip);
    if (key.startsWith(transactionPrefix)) {
      const each = this.#transactions.get(key.slice(transactionPrefix.length) as Txid);
      return each && encode(transactionRecord, each);
    }
    const lock = this.#locks.get(key.slice(lockPrefix.length) as LockId);
    return lock && encode(lockRecord, lock);
  }

  #setTip(tip: BlockLocator): void {
    this.#tip = tip;
    this.#unsaved.add(tipKey);
  }

  #concerns({ inputs, outputs }: Transaction): boolean {
    return (
      outputs.some(({ script }) => this.keyring.place(script) !== undefined) || this.#spendsOurs({ inputs })
    );
  }

  /** Whether it takes something that an unconfirmed transaction of ours was to spend. */
  #isRival({ inputs }: Transaction): boolean {
    this.#awaited ??= new Set(
      [...this.#unconfirmed.values()].flatMap(({ transaction }) =>
        transaction.inputs.map(({ outPoint }) => outPointKey(outPoint)),
      ),
    );
    const awaited = this.#awaited;
    return awaited.size > 0 && inputs.some(({ outPoint }) => awaited.has(outPointKey(outPoint)));
  }

  #spendsOurs({ inputs }: Pick<Transaction, "inputs">): boolean {
    return inputs.some(({ outPoint }) => this.#owns(outPoint));
  }

  #owns({ txid, index }: OutPoint): boolean {
    const output = this.#transactions.get(txid)?.transaction.outputs[index];
    return output !== undefined && this.keyring.place(output.script) !== undefined;
  }

  /** Says whether the transaction or a script of it is news. */
  #record(transaction: Transaction, position: WalletTransaction["position"]): boolean {
    const txid = txidOf(transaction);
    const known = this.#transactions.get(txid);
    let isNews = known === undefined;
    if (known === undefined) {
      const isReplaceable = this.#endReservations(transaction);
      this.#put({ txid, transaction, position, sequence: this.#sequence++, isReplaceable });
    } else if (!isSamePosition(known.position, position)) {
      this.#put({ ...known, position });
    }
    for (const { script } of transaction.outputs) {
      const place = this.keyring.place(script);
      if (place === undefined) continue;
      // What never confirms is nothing that a restored wallet sees.
      const isPaid = position.kind === "confirmed";
      if (!(isPaid ? this.keyring.pay(place) : this.keyring.use(place))) continue;
      this.#unsaved.add(keysKey);
      isNews = true;
    }
    return isNews;
  }

  /** From now on the transaction itself holds the coins that were reserved for it. */
  #endReservations({ inputs }: Transaction): boolean {
    const spent = new Set(inputs.map(({ outPoint }) => outPointKey(outPoint)));
    let isReplaceable = false;
    for (const lock of this.#locks.values()) {
      if (!lock.id.startsWith("reservation/")) continue;
      if (!lock.outPoints.every((outPoint) => spent.has(outPointKey(outPoint)))) continue;
      isReplaceable ||= lock.isReplaceable;
      // What was recorded has been signed, by whomever.
      this.#locks.put({ ...lock, isSigned: true });
      this.release(lock.id);
    }
    return isReplaceable;
  }

  #put(each: WalletTransaction): void {
    this.#transactions.set(each.txid, each);
    this.#noteUnconfirmed(each);
    this.#changed(each.txid);
  }

  #forget(txid: Txid): void {
    this.#transactions.delete(txid);
    this.#strangers.delete(txid);
    if (this.#unconfirmed.delete(txid)) this.#awaited = undefined;
    this.#changed(txid);
  }

  #noteUnconfirmed(each: WalletTransaction): void {
    const { txid, transaction, position } = each;
    const isUnconfirmed = position.kind === "unconfirmed";
    if (isUnconfirmed) this.#unconfirmed.set(txid, each);
    if (isUnconfirmed || this.#unconfirmed.delete(txid)) this.#awaited = undefined;
    const isStranger = isUnconfirmed && !this.#spendsOurs(transaction);
    if (!isStranger) this.#strangers.delete(txid);
    else if (!this.#strangers.has(txid)) this.#strangers.set(txid, this.height);
  }

  /** Those that no block has taken for long, and that nothing of ours builds on. */
  #forgetStrangers(height: number): void {
    const old = [...this.#strangers].filter(([, since]) => since + strangersKept <= height);
    if (old.length === 0) return;
    const { spenders } = this.view;
    for (const [txid] of old) {
      const outputs = this.#transactions.get(txid)?.transaction.outputs ?? [];
      const isBuiltOn = outputs.some((_, index) => spenders.has(outPointKey({ txid, index })));
      if (!isBuiltOn) this.evicted(txid);
    }
  }

  #changed(txid: Txid): void {
    this.#unsaved.add(transactionPrefix + txid);
    this.#view = undefined;
  }

  /** Forgets what no reorganisation of `finalDepth` blocks brings back: what is spent, what lost, and locks on it. */
  #forgetFinal(height: number): void {
    const isFinal = ({ position }: WalletTransaction) =>
      position.kind === "confirmed" && position.height + finalDepth <= height;
    const { spenders } = this.view;
    const finallySpent = (outPoint: OutPoint) => {
      const spender = spenders.get(outPointKey(outPoint));
      return spender !== undefined && isFinal(spender);
    };
    for (const { id, outPoints, lent = [] } of this.locks()) {
      const all = [...outPoints, ...lent.map(({ outPoint }) => outPoint)];
      if (all.length > 0 && all.every(finallySpent)) this.release(id);
    }
    const inOrder = [...this.#transactions.values()].sort(byHeight);
    for (const each of inOrder) {
      const { txid, transaction } = each;
      const hasLost = transaction.inputs.some(({ outPoint }) => {
        const spender = spenders.get(outPointKey(outPoint));
        return spender !== undefined && spender.txid !== txid && isFinal(spender);
      });
      if (each.position.kind === "unconfirmed" && hasLost) this.evicted(txid);
      if (!isFinal(each)) continue;
      const isSpent = transaction.outputs.every(
        ({ script }, index) => this.keyring.place(script) === undefined || finallySpent({ txid, index }),
      );
      // While a coin that it spends is remembered, this is what tells that the coin is gone.
      if (isSpent && !transaction.inputs.some(({ outPoint }) => this.#owns(outPoint))) this.#forget(txid);
    }
  }
}

function isSamePosition(a: WalletTransaction["position"], b: WalletTransaction["position"]): boolean {
  if (a.kind === "unconfirmed" || b.kind === "unconfirmed") return a.kind === b.kind;
  return a.height === b.height && a.blockHash === b.blockHash;
}

function byHeight(a: WalletTransaction, b: WalletTransaction): number {
  return heightOf(a) - heightOf(b) || a.sequence - b.sequence;
}

function heightOf({ position }: WalletTransaction): number {
  return position.kind === "confirmed" ? position.height : Number.MAX_SAFE_INTEGER;
}
