import type { OutPoint } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import type { ClaimId } from "../chain/coinSelection.ts";
import type { SecondStage } from "../commitment/format.ts";
import type { Point, Signature } from "../util/bytes.ts";
import type { ChannelId, NodeId } from "../util/ids.ts";
import type { FeeratePerKw, Sat } from "../util/units.ts";

/**
 * An output of our commitment by which its fee can be raised.
 *
 * @ldk lightning::events::bump_transaction::AnchorDescriptor
 */
export interface AnchorDescriptor {
  readonly outPoint: OutPoint;
  readonly output: TxOut;
  /** Spent with our funding key; absent when the output is for anyone to spend (P2A). */
  readonly witnessScript?: Uint8Array;
}

/**
 * An HTLC on our confirmed commitment, and the peer's signature of the transaction that takes it: one input and one
 * output, to which others may be added.
 *
 * @ldk lightning::sign::HTLCDescriptor
 */
export interface HtlcDescriptor {
  readonly stage: SecondStage;
  readonly outPoint: OutPoint;
  readonly value: Sat;
  readonly witnessScript: Uint8Array;
  readonly sequence: number;
  /** At the same place as the input. */
  readonly output: TxOut;
  /** Of "success". */
  readonly preimage?: Uint8Array;
  readonly peerSignature: Signature;
  readonly peerSighashType: number;
  /** That of our commitment, from which our key follows. */
  readonly perCommitmentPoint: Point;
}

/** Whose transaction it is, and what it is like. */
export interface BumpSubject {
  readonly channelId: ChannelId;
  readonly counterparty: NodeId;
  readonly channelKeysId: Uint8Array;
  /** The same through all replacements. */
  readonly claimId: ClaimId;
  readonly version: number;
  /** Of the transaction that is wanted. */
  readonly locktime: number;
}

/**
 * A transaction that must confirm and cannot pay for it itself: coins of the user's wallet have to. Not stored: told
 * again with every block and after a restart, for as long as it holds. `BumpTransactionHandler` answers it.
 *
 * @ldk lightning::events::bump_transaction::BumpTransactionEvent
 */
export type BumpTransactionEvent =
  /** A child that spends `anchor` is to raise our commitment. Both are broadcast as one package. */
  | (BumpSubject & {
      readonly kind: "channel-close";
      /** Of commitment and child together. */
      readonly packageTargetFeerate: FeeratePerKw;
      /** With its witness. */
      readonly commitment: Transaction;
      readonly commitmentFee: Sat;
      /** The HTLCs on it that we can claim: what may be lost if it comes late. */
      readonly atStake: Sat;
      readonly anchor: AnchorDescriptor;
    })
  /** HTLCs are to be taken by one transaction, or by several when one would be too large. */
  | (BumpSubject & {
      readonly kind: "htlc-resolution";
      readonly targetFeerate: FeeratePerKw;
      readonly htlcs: readonly HtlcDescriptor[];
    });

/** Those that have HTLCs. */
export type HtlcResolutionEvent = Extract<BumpTransactionEvent, { kind: "htlc-resolution" }>;
