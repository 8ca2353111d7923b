import type { BlockHeader, MerkleProof } from "@fulmen/bitcoin/block";
import type { Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockHeight } from "@fulmen/lightning/util";

/** Where a server says that a transaction is. Nothing of it is believed before it is proven. */
export interface HistoryItem {
  readonly txid: Txid;
  /** Of its block; `undefined` in the mempool. */
  readonly height: number | undefined;
  /** Where the protocol gives it along. Its id need not have been checked. */
  readonly transaction?: Transaction;
}

/** What `TransactionClient.outputs` is asked for. */
export interface OutputsQuestion {
  readonly txid: Txid;
  readonly indexes: readonly number[];
  readonly wantsCreator: boolean;
}

/** What became of a transaction and its outputs. */
export interface OutputsAnswer {
  /** The transaction itself. */
  readonly creator: HistoryItem | undefined;
  readonly spenders: readonly HistoryItem[];
}

/** The last block of a server's chain. */
export interface HeaderTip {
  readonly header: BlockHeader;
  readonly height: BlockHeight;
}

/**
 * What a protocol offers to those who sync by transactions: questions and answers, nothing of which is checked here but
 * its form. Methods reject with a `ChainSourceError` and nothing else. `TransactionSync` keeps few of them under way at
 * a time (`maxConcurrency`); a client that sends many requests in one go may set that high.
 */
export interface TransactionClient {
  /** How many requests may be under way at a time. */
  readonly maxConcurrency: number;
  /** How many headers one answer has at the most. */
  readonly maxHeaders: number;
  /**
   * Whether the server tells of changes, so that the history of a script that has none costs no request. Otherwise
   * wallets with many scripts are asked for in turns.
   */
  readonly isToldOfChanges: boolean;
  /** The last block now: asked again and again, to see that nothing has changed meanwhile. */
  tip(): Promise<HeaderTip>;
  /** Headers of the chain from a height on, rising: `count` of them, or fewer where the chain, or one answer, ends. */
  headers(from: number, count: number): Promise<readonly BlockHeader[]>;
  /**
   * All transactions that pay to a script or spend what was paid to it, in any order. A client that is told of changes
   * answers from memory while there are none. One that is given the newest first, in pages, asks for no more of them
   * than up to one that `isSettled`: everything older is known. Rejects with `HistoryTooLong` where there are too many.
   */
  scriptHistory(
    script: Uint8Array,
    isSettled: (item: HistoryItem) => boolean,
  ): Promise<readonly HistoryItem[]>;
  /**
   * What spends these outputs of a transaction, and where itself is if that is wanted; nothing of what the server does
   * not know. Where this is absent, the histories of the outputs' scripts tell the same.
   */
  readonly outputs?: ((question: OutputsQuestion) => Promise<OutputsAnswer>) | undefined;
  /** `undefined` when the server does not know it (any more). Its id need not have been checked. */
  transaction(txid: Txid, height: number | undefined): Promise<Transaction | undefined>;
  /** That the block of this height has the transaction; `undefined` when it is not there (any more). */
  merkleProof(txid: Txid, height: number): Promise<MerkleProof | undefined>;
}
