import type { ChannelId } from "@fulmen/lightning/util";

/**
 * Where money is, or where it came from and went to. The first three are what the node has; the others are the world
 * outside, whose sums are what was earned (below zero) and spent.
 */
export type LedgerAccount =
  | "wallet"
  | `channel/${ChannelId}`
  /** What a closed channel still owes us. */
  | `closing/${ChannelId}`
  /** Others' payments to us and ours to them, over Lightning. */
  | "lightning/received"
  | "lightning/sent"
  | "onchain/received"
  | "onchain/sent"
  /** Given to peers at the opening of channels, and by them. */
  | "push/received"
  | "push/sent"
  | "fees/routing-earned"
  | "fees/routing-paid"
  | "fees/mining"
  /** What closes brought beyond our share: penalties, and payments that were settled on chain. */
  | "closes/gains"
  /** What the ledger cannot explain. Anything here is a bug. */
  | "unexplained";

/** What happened. */
export type LedgerKind =
  | "deposit"
  | "withdrawal"
  | "channel-open"
  | "channel-close"
  | "close-costs"
  | "sweep"
  | "fee-bump"
  | "payment-sent"
  | "payment-received"
  | "forward"
  | "undone"
  | "correction";

/** One side of an entry: what an account gained, below zero what it lost, in millisatoshis. */
export interface LedgerPosting {
  readonly account: LedgerAccount;
  readonly amount: bigint;
}

/** Something that happened, once. The amounts of its postings add up to nothing. */
export interface LedgerEntry {
  /** Counts up from 1. */
  readonly index: number;
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: LedgerKind;
  readonly postings: readonly LedgerPosting[];
  /** The payment hash, channel id or txid that it is about. */
  readonly reference: string;
  readonly text: string;
}

export interface LedgerQuery {
  /** Entries behind this index. Default: from the first. */
  readonly after?: number;
  /** At most 1,000. Default 100. */
  readonly limit?: number;
}
