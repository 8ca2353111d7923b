import { encodeAddress } from "@fulmen/bitcoin/address";
import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { toHex } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type {
  BlockLocator,
  ChangeDestinationSource,
  ClaimId,
  CoinSelection,
  CoinSelectionRefusal,
  CoinSelectionRequest,
  CoinSelectionSource,
  Confirm,
  EntropySource,
  KvEntry,
  KvWrite,
  Listen,
  SignPsbtRefusal,
  TransactionInBlock,
} from "@fulmen/lightning/chain";
import {
  type BlockHash,
  type BlockHeight,
  blockHeight,
  err,
  type FeeratePerKw,
  feeratePerKw,
  invariant,
  type OutPoint,
  ok,
  present,
  type Result,
  type Txid,
} from "@fulmen/lightning/util";
import { type ChildRequest, child } from "./build/child.ts";
import { selectForClaim } from "./build/claim.ts";
import { type DrainRequest, drain, type FundRequest, fund } from "./build/fund.ts";
import type { WalletRefusal } from "./build/refusal.ts";
import { type ReplacementRequest, replace } from "./build/replacement.ts";
import { signPsbtOf } from "./build/signing.ts";
import { type FundedTransaction, isSpendable, standbyCoins, type Workbench } from "./build/workbench.ts";
import { type Account, formatDerivation, type Keychain } from "./descriptor/index.ts";
import {
  balanceOf,
  type Coin,
  claimLock,
  finalDepth,
  isClaimLock,
  Ledger,
  type Lock,
  type LockId,
  readLedger,
  type WalletBalance,
  type WalletStorageRefusal,
  type WalletTransaction,
} from "./ledger/index.ts";

/** What a wallet is made of. */
export interface WalletOptions {
  /** All of one network. The rows of a wallet are of these accounts, in this order. */
  readonly accounts: readonly [Account, ...Account[]];
  readonly entropySource: EntropySource;
  /** Nothing of the wallet is in blocks below this height; 0 when not given. */
  readonly birthday?: BlockHeight;
  /** Scripts beyond the last known one that are looked for; 20 when not given (BIP 44, "Address gap limit"). */
  readonly gapLimit?: number;
  /** Which account gets change; the first when not given. */
  readonly changeAccount?: number;
  /** What spending a coin some day is thought to cost; 2,500 (10 satoshis for a virtual byte) when not given. */
  readonly longTermFeerate?: FeeratePerKw;
  /** What the keys of its rows begin with; `wallet/` when not given. */
  readonly keyPrefix?: string;
}

/** A script that was handed out. */
export interface WalletAddress {
  readonly address: string;
  readonly script: Uint8Array;
  readonly account: number;
  readonly keychain: Keychain;
  readonly index: number;
  /** `m/84h/0h/0h/0/5`, where the master key is known. */
  readonly derivation: string | undefined;
}

const defaultGapLimit = 20;
const defaultLongTermFeerate = feeratePerKw(2500);

/**
 * A wallet of BIP 84 and BIP 86 accounts that follows the chain, pays, and gives coins to channels. It acts when it is
 * called and does no input or output of its own: the host gives it blocks and what the mempool shows, stores the rows
 * of `takeWrites`, and broadcasts.
 *
 * What a call returns may be shown, sent or broadcast only when the writes taken after it are durable: they hold which
 * addresses were handed out and which coins are held.
 *
 * @ldk lightning::events::bump_transaction::Wallet
 */
export class Wallet implements Listen, Confirm, CoinSelectionSource, ChangeDestinationSource {
  readonly birthday: BlockHeight;
  readonly #ledger: Ledger;
  readonly #bench: Workbench;
  readonly #keyPrefix: string;

  private constructor(options: WalletOptions, ledger: Ledger) {
    const { entropySource, changeAccount = 0, longTermFeerate = defaultLongTermFeerate } = options;
    invariant(options.accounts[changeAccount] !== undefined, `no account ${changeAccount} for change`);
    this.birthday = options.birthday ?? blockHeight(0);
    this.#ledger = ledger;
    this.#bench = { ledger, entropySource, changeAccount, longTermFeerate };
    this.#keyPrefix = prefixOf(options);
  }

  /** The wallet of the rows that its earlier `takeWrites` gave, all of them; a new one when there are none. */
  static open(options: WalletOptions, entries: readonly KvEntry[]): Result<Wallet, WalletStorageRefusal> {
    const { accounts, gapLimit = defaultGapLimit, birthday = blockHeight(0) } = options;
    const [{ network }] = accounts;
    invariant(
      accounts.every((account) => account.network === network),
      "the accounts of a wallet are of one network",
    );
    const prefix = prefixOf(options);
    const rows: KvEntry[] = [];
    for (const { key, value } of entries) {
      invariant(key.startsWith(prefix), `not a row of this wallet: ${key}`);
      rows.push({ key: key.slice(prefix.length), value });
    }
    const terms = { accounts, gapLimit, birthday };
    const state = readLedger(rows, terms);
    return state.ok ? ok(new Wallet(options, new Ledger(terms, state.value))) : state;
  }

  /** The accounts with their descriptors. */
  get accounts(): readonly Account[] {
    return this.#ledger.keyring.accounts;
  }

  /** The block up to which the wallet has followed the chain; `undefined` before the first. */
  get bestBlock(): BlockLocator | undefined {
    return this.#ledger.tip;
  }

  // Scripts

  /**
   * The next address to be paid to, given once; but after `gapLimit` that nobody has paid the first of them comes
   * again, so that a wallet restored from its seed alone finds what each of them is paid.
   */
  nextAddress(account = 0): WalletAddress {
    return this.#addressOf(account, "receive");
  }

  /** The next script for what comes back to the wallet from elsewhere (a closed channel, a sweep), given once. */
  nextChangeAddress(): WalletAddress {
    return this.#addressOf(this.#bench.changeAccount, "change");
  }

  /** For `OutputSweeper`: the script of `nextChangeAddress`. */
  changeDestinationScript(): Uint8Array {
    return this.nextChangeAddress().script;
  }

  /** Whether an output script is the wallet's, as far as it has looked ahead. */
  owns(script: Uint8Array): boolean {
    return this.#ledger.keyring.place(script) !== undefined;
  }

  /** All scripts that the chain has to be searched for. Their number grows with use: see `takeScripts`. */
  scripts(): readonly Uint8Array[] {
    return this.#ledger.keyring.scripts();
  }

  /**
   * Scripts that were not taken before. With a chain source that looks for scripts, blocks in which one was first seen
   * have to be searched again for these.
   */
  takeScripts(): readonly Uint8Array[] {
    return this.#ledger.keyring.takeScripts();
  }

  /** The block of a transaction of which the wallet has everything: telling of it again would change nothing. */
  blockOf(txid: Txid): { readonly height: BlockHeight; readonly blockHash: BlockHash } | undefined {
    return this.#ledger.blockOf(txid);
  }

  // The chain

  blockConnected(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    this.transactionsConfirmed(header, transactions, height);
    this.bestBlockUpdated(header, height);
  }

  blocksDisconnected(forkPoint: { readonly hash: BlockHash; readonly height: BlockHeight }): void {
    this.#ledger.disconnected(forkPoint);
  }

  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    const block = { hash: blockHash(header), height };
    this.#ledger.confirmed(
      block,
      transactions.map(({ transaction }) => transaction),
    );
  }

  transactionUnconfirmed(txid: Txid): void {
    this.#ledger.reorganised(txid);
  }

  bestBlockUpdated(header: BlockHeader, height: BlockHeight): void {
    if (height < this.#ledger.height) this.#ledger.disconnectedAbove(height);
    this.#ledger.connected({ hash: blockHash(header), height }, header.previous);
  }

  relevantTxids(): ReturnType<Confirm["relevantTxids"]> {
    return this.#ledger.transactions().flatMap(({ txid, position }) => {
      if (position.kind === "unconfirmed" || position.height + finalDepth < this.#ledger.height) return [];
      return [{ txid, height: position.height, blockHash: position.blockHash }];
    });
  }

  /**
   * A transaction is in the mempool, or was broadcast by us; parents before children. Says whether it concerns the
   * wallet. What was reserved for it is from now on held by the transaction itself.
   */
  transactionSeen(transaction: Transaction): boolean {
    return this.#ledger.unconfirmed(transaction);
  }

  /**
   * A transaction that is broadcast with a child which spends coins of the wallet, as a commitment is with what pays
   * for it. When another one takes what it spends, the coins are free again.
   */
  parentBroadcast(transaction: Transaction): void {
    this.#ledger.parent(transaction);
  }

  /** An unconfirmed transaction is not going to confirm: its coins, and those of what builds on it, are free again. */
  transactionEvicted(txid: Txid): void {
    this.#ledger.evicted(txid);
  }

  // What there is

  balance(): WalletBalance {
    const { view, height } = this.#ledger;
    return balanceOf(
      view.coins.values(),
      height,
      ({ outPoint }) => this.#ledger.holder(outPoint) !== undefined,
    );
  }

  /** All unspent outputs. */
  coins(): readonly Coin[] {
    return [...this.#ledger.view.coins.values()];
  }

  /**
   * Coins that stand by for channels: for `AnchorReserveSource`. Confirmed, those that claims hold included, and those
   * that a payment has reserved left out.
   */
  confirmedCoins(): readonly Coin[] {
    return standbyCoins(this.#bench);
  }

  /** What is known of a transaction of the wallet. */
  transaction(txid: Txid): WalletTransaction | undefined {
    return this.#ledger.transaction(txid);
  }

  /** Whether a transaction counts: it is known, and nothing that counts has taken its coins. */
  isActive(txid: Txid): boolean {
    return this.#ledger.view.isActive(txid);
  }

  /**
   * Transactions with something of the wallet in them, the oldest first. What 100 blocks have buried, and all of whose
   * outputs have been spent as deep, is forgotten.
   */
  transactions(): readonly WalletTransaction[] {
    return this.#ledger.ownTransactions().toSorted((a, b) => a.sequence - b.sequence);
  }

  /** Unconfirmed transactions that spend coins of the wallet, parents first: to be broadcast again after a start. */
  pendingTransactions(): readonly Transaction[] {
    const { view } = this.#ledger;
    return this.transactions()
      .filter(({ txid, position, transaction }) => {
        if (position.kind === "confirmed" || !view.isActive(txid)) return false;
        return transaction.inputs.some(({ outPoint }) => this.#ledger.output(outPoint) !== undefined);
      })
      .map(({ transaction }) => transaction);
  }

  // Locks

  locks(): readonly Lock[] {
    return this.#ledger.locks();
  }

  /** Keeps coins from being spent until `release`, or until the chain has reached `expiresAt`. */
  lockCoins(outPoints: readonly OutPoint[], expiresAt?: BlockHeight): Result<LockId, WalletRefusal> {
    for (const outPoint of outPoints) {
      const coin = this.coins().find((each) => isSame(each.outPoint, outPoint));
      if (coin === undefined || !isSpendable(coin, this.#ledger)) {
        return err({ kind: "coin-not-spendable", outPoint });
      }
      if (this.#ledger.holder(outPoint) !== undefined) return err({ kind: "coin-locked", outPoint });
    }
    const id: LockId = `reservation/${toHex(this.#bench.entropySource.randomBytes(16))}`;
    const until = expiresAt === undefined ? {} : { expiresAt };
    this.#ledger.putLock({ id, outPoints, ...until, isSigned: false, isReplaceable: false });
    return ok(id);
  }

  /** Lets the coins of a lock go. Says whether there was one. */
  release(lock: LockId): boolean {
    return this.#ledger.release(lock);
  }

  /** Lets the coins of a claim go: it is resolved, or was given up before anything was broadcast. */
  releaseClaim(claimId: ClaimId): boolean {
    return this.#ledger.release(claimLock(claimId));
  }

  /** Lets the coins of all other claims go: see `CoinSelectionSource`. */
  retainClaims(claimIds: readonly ClaimId[]): void {
    const kept = new Set(claimIds.map(claimLock));
    for (const { id } of this.locks()) if (isClaimLock(id) && !kept.has(id)) this.#ledger.release(id);
  }

  // Transactions

  /** Drafts a payment, and reserves its coins. Outputs keep their order; change may stand anywhere. */
  fundTransaction(request: FundRequest): Result<FundedTransaction, WalletRefusal> {
    return fund(this.#bench, request);
  }

  /** Drafts a payment of everything, or of all of some coins, to one script, and reserves the coins. */
  drainTo(request: DrainRequest): Result<FundedTransaction, WalletRefusal> {
    return drain(this.#bench, request);
  }

  /** Drafts a replacement of an unconfirmed transaction that was made with `isReplaceable`: see `replace`. */
  bumpFee(request: ReplacementRequest): Result<FundedTransaction, WalletRefusal> {
    return replace(this.#bench, request);
  }

  /** Drafts a child of an unconfirmed transaction that pays for it too, without changing it. */
  bumpByChild(request: ChildRequest): Result<FundedTransaction, WalletRefusal> {
    return child(this.#bench, request);
  }

  // The node

  selectConfirmedUtxos(request: CoinSelectionRequest): Result<CoinSelection, CoinSelectionRefusal> {
    return selectForClaim(this.#bench, request);
  }

  signPsbt(psbt: Uint8Array): Result<Transaction, SignPsbtRefusal> {
    const signed = signPsbtOf(psbt, {
      keyring: this.#ledger.keyring,
      entropySource: this.#bench.entropySource,
      coin: (outPoint) => this.#ledger.output(outPoint),
    });
    if (!signed.ok) return signed;
    for (const { outPoint } of signed.value.inputs) {
      const id = this.#ledger.holder(outPoint);
      const lock = id && present(this.#ledger.lock(id), "lock that holds a coin");
      if (lock !== undefined && !lock.isSigned) this.#ledger.putLock({ ...lock, isSigned: true });
    }
    return signed;
  }

  // Durability

  /** Whether `takeWrites` has anything. */
  get hasWrites(): boolean {
    return this.#ledger.hasWrites;
  }

  /** The rows that changed since the last call, to be committed in one batch, in the order of the calls. */
  takeWrites(): readonly KvWrite[] {
    return this.#prefixed(this.#ledger.takeWrites());
  }

  /** All rows as they are now: what `takeWrites` has given and would give, taken together. */
  snapshot(): readonly KvWrite[] {
    return this.#prefixed(this.#ledger.snapshot());
  }

  #prefixed(writes: readonly KvWrite[]): readonly KvWrite[] {
    return writes.map(({ key, value }) => ({ key: this.#keyPrefix + key, value }));
  }

  #addressOf(accountIndex: number, keychain: Keychain): WalletAddress {
    const place = this.#ledger.handOut(accountIndex, keychain);
    const account = this.#ledger.keyring.account(place);
    const script = this.#ledger.keyring.script(place);
    const derivation = account.derivation(keychain, place.index);
    return {
      ...place,
      script,
      address: present(encodeAddress(script, account.network), "address of a witness program"),
      derivation: derivation && formatDerivation(derivation),
    };
  }
}

function prefixOf({ keyPrefix = "wallet/" }: WalletOptions): string {
  return keyPrefix;
}

function isSame(a: OutPoint, b: OutPoint): boolean {
  return a.txid === b.txid && a.index === b.index;
}
