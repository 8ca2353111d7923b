import type { BlockHeader } from "@fulmen/bitcoin/block";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, Confirm, Filter, Listen, WatchedOutput } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import type { BlockHash, BlockHeight, FeeratePerKw, ShortChannelId, Txid } from "@fulmen/lightning/util";

/** The last block of a chain. */
export interface ChainTip {
  readonly hash: BlockHash;
  readonly height: BlockHeight;
}

/** Listeners that are always at the same block since what they learn is stored together. */
export interface ChainFollower {
  /** Up to where they have heard of the chain; `undefined` before the first block. */
  position(): BlockLocator | undefined;
  /** Each hears of a block before the next one does, in this order. */
  readonly listeners: readonly (Listen & Confirm)[];
}

/** Who wants to know of transactions that are not confirmed yet. */
export interface MempoolListener {
  transactionSeen(transaction: Transaction): void;
}

/** Whose scripts' whole history is wanted: a wallet's. Their number grows as they are found to be used. */
export interface ScriptSource {
  /** All of them. */
  scripts(): readonly Uint8Array[];
  /** Those that were not taken before. */
  takeScripts(): readonly Uint8Array[];
  /**
   * The block of a transaction that is stored whole, with all that `scripts` has to do with it: it need not be proven and
   * told again after a start. Where this is absent, everything is.
   */
  blockOf?(txid: Txid): { readonly height: BlockHeight; readonly blockHash: BlockHash } | undefined;
}

/** For whom a chain is followed. */
export interface ChainClients {
  readonly followers: readonly ChainFollower[];
  /**
   * Hear of transactions in the mempool that pay one of `scripts`, or spend what they paid or what was registered with
   * the source's filter: parents before children, and each at least once. Nothing is confirmed by it.
   */
  readonly mempool: readonly MempoolListener[];
  readonly scripts: readonly ScriptSource[];
  /** Outputs that matter most, and that no block is known to spend: `FailoverSource` compares what several sources say of them. */
  readonly unspent?: () => readonly WatchedOutput[];
  /** Awaited after each block, so that a store that is slower than the source can keep up. */
  readonly paced?: () => Promise<void>;
}

/** How far a long sync has come. */
export interface SyncProgress {
  readonly height: number;
  /** The height that is being synced to. */
  readonly tip: number;
}

/**
 * A script of which a source does not tell all, as there are too many transactions of it; all else is not touched by
 * it.
 */
export interface ChainGap {
  readonly script: Uint8Array;
  /** `output`: of a channel's output, the spend of which may be missing. `wallet`: payments to it may be. */
  readonly use: "output" | "wallet";
}

/** Feerates at which a source thinks that transactions confirm, as it says: unclamped. */
export interface FeerateTable {
  /** By the number of blocks within which, rising; at least one. */
  readonly targets: readonly { readonly blocks: number; readonly feerate: FeeratePerKw }[];
  /** What the source's mempool takes at the least. */
  readonly minimum: FeeratePerKw;
}

/** What became of a broadcast. */
export type BroadcastOutcome =
  /** The source's mempool has it, or it is confirmed. */
  | { readonly kind: "accepted" }
  /** `reason` is the source's text, made printable. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Where the chain is heard of. All methods that return a promise reject with a `ChainSourceError` and nothing else; one
 * that is transient may be tried again.
 */
export interface ChainSource {
  /** Says in logs what and where it is, without credentials: `bitcoind at 127.0.0.1:8332`. */
  readonly name: string;
  /** Where listeners register what they want to hear of, before `start` too; absent where they get whole blocks. */
  readonly filter?: Filter;
  /**
   * Connects, and makes sure that the other side is on the right network and can serve. Called once, before all else.
   */
  start(): Promise<ChainTip>;
  /** The block of this height with what came before it: where a new node, or a wallet with a birthday, begins. */
  locate(height: BlockHeight): Promise<BlockLocator>;
  /**
   * The height below which it has no blocks any more; `undefined`, or no such method, where it has all. Only after
   * `start`.
   */
  oldestBlock?(): Promise<number | undefined>;
  /**
   * Headers of its chain from a height on, rising, unchecked: at most `count`, fewer where the chain or an answer ends,
   * none above the tip. A source without it cannot be compared with others (`FailoverSource`).
   */
  headers?(from: number, count: number): Promise<readonly BlockHeader[]>;
  /**
   * Brings all followers to the tip as the source sees it, and tells of the mempool. What one block causes is told
   * without an `await` in between, so that nobody stores half of it; after an error each follower is at the end of some
   * block. Never called again before it has ended.
   */
  sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip>;
  /**
   * Headers that it has checked, up to its tip and at most 170 kB, for `recall` of a later source; `undefined` before it has
   * any.
   */
  keptHeaders?(): Uint8Array | undefined;
  /**
   * Takes what an earlier source of this network kept, of whatever kind, before the first `sync`: what is known already is
   * not asked for. Nothing is believed for it: each header is checked. Returns the height up to which headers are known then;
   * throws `ChainSourceError` (`invalid-chain`) for what is damaged or another network's, and knows no more than before.
   */
  recall?(kept: Uint8Array): BlockHeight | undefined;
  /**
   * The block of its chain that is proven to spend an output; `undefined` where it shows none. Absent where whole blocks are
   * told of, which hide nothing.
   */
  blockOfSpend?(output: WatchedOutput): Promise<ChainTip | undefined>;
  /** What the last `sync` could not tell of; nothing where this is absent. */
  readonly gaps?: readonly ChainGap[];
  /** Resolves when `sync` may have something new to tell, or `signal` says that nobody waits any more. */
  changed(signal: AbortSignal): Promise<void>;
  feerates(): Promise<FeerateTable>;
  /** Several transactions are one package, parents first. What the source has already is accepted. */
  broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome>;
  /** The output that a short channel id names, if it is unspent. */
  utxo(id: ShortChannelId): Promise<UtxoAnswer>;
  /** Ends everything that is under way. */
  stop(): Promise<void>;
}
