import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import type { BlockHash, BlockHeight, ChannelId, NodeId, Txid } from "../util/ids.ts";
import type { FeeratePerKw } from "../util/units.ts";

/** How far an output has come on its way to the wallet. @ldk lightning::util::sweep::OutputSpendStatus */
export type OutputSpendStatus =
  /** Nothing that spends it was made yet, or what was made cannot confirm any more. */
  | {
      readonly kind: "pending-initial-broadcast";
      /** Best height from which on it may be spent. */
      readonly delayedUntilHeight?: BlockHeight;
    }
  /** The sweeper's transaction waits for a block. */
  | {
      readonly kind: "pending-first-confirmation";
      readonly spendingTxid: Txid;
      /** Best height when this transaction was made. */
      readonly broadcastHeight: BlockHeight;
    }
  /** It is spent, by whomever; a reorganisation may still undo that. */
  | {
      readonly kind: "pending-threshold-confirmations";
      readonly spendingTxid: Txid;
      readonly confirmationHeight: BlockHeight;
      readonly confirmationHash: BlockHash;
    };

/** @ldk lightning::util::sweep::TrackedSpendableOutput */
export interface TrackedSpendableOutput {
  readonly descriptor: SpendableOutputDescriptor;
  readonly channelId?: ChannelId;
  readonly counterparty?: NodeId;
  readonly status: OutputSpendStatus;
}

/** A transaction that takes outputs to the wallet: the first of its outputs is the only one. */
export interface SweepTransaction {
  readonly transaction: Transaction;
  readonly feerate: FeeratePerKw;
}
