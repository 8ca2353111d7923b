import assert from "node:assert/strict";
import { networks } from "@fulmen/bitcoin/network";
import type { Sat } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import type { EntropySource, KvEntry } from "@fulmen/lightning/chain";
import { blockHeight, type FeeratePerKw, feeratePerKw, type Result, sat } from "@fulmen/lightning/util";
import type { ChainBlock, SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";
import {
  type Account,
  accountFromSeed,
  type FundedTransaction,
  type ScriptKind,
  Wallet,
  type WalletOptions,
} from "@fulmen/wallet";

export const lowFeerate: FeeratePerKw = feeratePerKw(500);

/** How a wallet hears of blocks. */
export type Style = "listen" | "confirm";

export function ok<T, E>(result: Result<T, E>): T {
  if (!result.ok)
    assert.fail(JSON.stringify(result.error, (_, value) => (typeof value === "bigint" ? `${value}` : value)));
  return result.value;
}

export function refusal<T, E>(result: Result<T, E>): E {
  if (result.ok) assert.fail("not refused");
  return result.error;
}

class CountingEntropy implements EntropySource {
  #count: number;

  constructor(seed: number) {
    this.#count = seed * 1000;
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(0, this.#count++);
    return bytes;
  }
}

export const accountOf = (kind: ScriptKind, seed = 1): Account =>
  accountFromSeed(new Uint8Array(32).fill(seed), { kind, network: networks.regtest });

/** A chain with a rich faucet, and one wallet that follows it. */
export class World {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly options: WalletOptions;
  readonly style: Style;
  readonly rows = new Map<string, Uint8Array>();
  wallet: Wallet;

  constructor(options: Partial<WalletOptions> & { readonly style?: Style; readonly coins?: number } = {}) {
    const { style = "listen", coins = 8, ...others } = options;
    const { chain, faucet } = createFundedChain({ coins });
    this.chain = chain;
    this.faucet = faucet;
    this.style = style;
    const accounts = [accountOf("wpkh"), accountOf("tr")] as const;
    const birthday = blockHeight(chain.tip.height);
    this.options = { accounts, entropySource: new CountingEntropy(7), birthday, gapLimit: 5, ...others };
    this.wallet = ok(Wallet.open(this.options, []));
    this.sync();
  }

  /** Blocks of the chain that the wallet has not seen. */
  sync(): void {
    const { bestBlock, birthday } = this.wallet;
    const before = this.chain.blockAt(birthday - 1);
    const since = bestBlock ?? { hash: before?.hash ?? this.chain.tip.hash, ancestors: [] };
    const { forkPoint, disconnected, connected } = this.chain.blocksSince(since);
    if (this.style === "listen") {
      if (disconnected.length > 0) this.wallet.blocksDisconnected(forkPoint);
      for (const block of connected) this.wallet.blockConnected(...parts(block));
    } else {
      const gone = new Set(disconnected.map(({ hash }) => hash));
      for (const { txid, blockHash } of this.wallet.relevantTxids()) {
        if (gone.has(blockHash)) this.wallet.transactionUnconfirmed(txid);
      }
      for (const block of connected) this.wallet.transactionsConfirmed(...parts(block));
      const { block, height } = this.chain.tip;
      this.wallet.bestBlockUpdated(block.header, height);
    }
    this.save();
  }

  mine(count = 1): void {
    this.chain.mine(count);
    this.sync();
  }

  /** Commits what the wallet wants to remember. */
  save(): void {
    for (const { key, value } of this.wallet.takeWrites()) {
      if (value === undefined) this.rows.delete(key);
      else this.rows.set(key, value);
    }
  }

  entries(): readonly KvEntry[] {
    return [...this.rows].map(([key, value]) => ({ key, value }));
  }

  /** The process dies and comes back with what was committed. */
  restart(): void {
    this.wallet = ok(Wallet.open(this.options, this.entries()));
  }

  /** Pays the wallet from outside; the transaction is in the mempool, and the wallet has seen it. */
  give(value: number | bigint, account = 0): Transaction {
    const { script } = this.wallet.nextAddress(account);
    const transaction = this.faucet.fund(this.chain, [{ value: sat(value), script }], lowFeerate);
    ok(this.chain.submit(transaction));
    this.wallet.transactionSeen(transaction);
    return transaction;
  }

  /** An output to somebody else. */
  pay(value: number | bigint): TxOut {
    return { value: sat(value), script: this.faucet.script };
  }

  /** Signs, submits, and lets the wallet see it. */
  send(funded: FundedTransaction): Transaction {
    const signed = ok(this.wallet.signPsbt(funded.psbt));
    ok(this.chain.submit(signed));
    assert.equal(this.wallet.transactionSeen(signed), true);
    return signed;
  }

  /** All categories of the balance together. */
  total(): Sat {
    return sat(Object.values(this.wallet.balance()).reduce((sum: bigint, value: bigint) => sum + value, 0n));
  }
}

function parts({ block, height }: ChainBlock) {
  const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
  return [block.header, transactions, height] as const;
}
