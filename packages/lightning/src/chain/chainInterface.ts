import type { BlockHeader, Transaction } from "@fulmen/bitcoin";
import type { OutPoint } from "@fulmen/bitcoin/primitives";
import type { BlockHash, BlockHeight, Txid } from "../util/ids.ts";
import type { FeeratePerKw } from "../util/units.ts";

/** What a feerate is asked for. @ldk lightning::chain::chaininterface::ConfirmationTarget */
export type ConfirmationTarget =
  | "maximum-fee-estimate"
  | "urgent-on-chain-sweep"
  | "min-allowed-anchor-channel-remote-fee"
  | "min-allowed-non-anchor-channel-remote-fee"
  | "anchor-channel-fee"
  | "non-anchor-channel-fee"
  | "channel-close-minimum"
  | "output-spending-fee";

/** @ldk lightning::chain::chaininterface::FeeEstimator */
export interface FeeEstimator {
  /** An estimate, at once and from memory; never below 253. */
  feerate(target: ConfirmationTarget): FeeratePerKw;
}

/** Why a transaction is broadcast. @ldk lightning::chain::chaininterface::TransactionType */
export type TransactionType =
  | "funding"
  | "cooperative-close"
  | "unilateral-close"
  | "anchor-bump"
  | "claim"
  | "sweep";

/** @ldk lightning::chain::chaininterface::BroadcasterInterface */
export interface BroadcasterInterface {
  /** Several transactions are one package, parents first. Broadcasting again what is known is no error. */
  broadcastTransactions(transactions: readonly Transaction[], type: TransactionType): void;
}

/**
 * The tip as a listener knows it: enough to find the fork point after a restart.
 *
 * @ldk lightning::chain::BlockLocator
 */
export interface BlockLocator {
  readonly hash: BlockHash;
  readonly height: BlockHeight;
  /** Hashes of up to twelve blocks before the tip, the nearest first. */
  readonly ancestors: readonly BlockHash[];
}

/** A transaction and its place in the block. */
export interface TransactionInBlock {
  readonly index: number;
  readonly transaction: Transaction;
}

/** Whole blocks, or filtered ones with every transaction that `Filter` asked for. @ldk lightning::chain::Listen */
export interface Listen {
  blockConnected(header: BlockHeader, transactions: readonly TransactionInBlock[], height: BlockHeight): void;
  /** The blocks above `forkPoint` are no longer part of the chain. */
  blocksDisconnected(forkPoint: { readonly hash: BlockHash; readonly height: BlockHeight }): void;
}

/** Transactions and tips, each in any order that keeps parents before children. @ldk lightning::chain::Confirm */
export interface Confirm {
  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void;
  transactionUnconfirmed(txid: Txid): void;
  /** May skip blocks; called after the confirmations of the block. */
  bestBlockUpdated(header: BlockHeader, height: BlockHeight): void;
  /** What must be reported again when a reorganisation unconfirms it. */
  relevantTxids(): readonly {
    readonly txid: Txid;
    readonly height: BlockHeight;
    readonly blockHash: BlockHash;
  }[];
}

/** What the chain source should look for. Registering twice is no error. @ldk lightning::chain::Filter */
export interface Filter {
  registerTransaction(txid: Txid, script: Uint8Array): void;
  /** Spends of this output are wanted. */
  registerOutput(output: WatchedOutput): void;
}

export interface WatchedOutput {
  readonly outPoint: OutPoint;
  readonly script: Uint8Array;
}
