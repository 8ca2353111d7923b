import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { ClaimId } from "../chain/coinSelection.ts";
import type { BuiltCommitment, BuiltHtlc } from "../commitment/build.ts";
import type { ScriptHashOutput } from "../commitment/format.ts";
import type { FundingOutput } from "../commitment/funding.ts";
import type { Side } from "../commitment/keys.ts";
import type { Point } from "../util/bytes.ts";
import type { BlockHash, BlockHeight, CommitmentNumber, OutPoint, Txid } from "../util/ids.ts";
import type { FeeratePerKw, Sat } from "../util/units.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";

/** A commitment built again from what the monitor knows, and the funding output that it spends. */
export interface ValidCommitment {
  readonly side: Side;
  readonly number: CommitmentNumber;
  readonly funding: FundingOutput;
  readonly built: BuiltCommitment;
}

/** What spent the funding output. */
export type FundingSpender =
  /** Both sides signed it, and it is no commitment. */
  | { readonly kind: "cooperative-close" }
  /** Our latest commitment. */
  | { readonly kind: "holder-commitment"; readonly commitment: ValidCommitment }
  /** One of the commitments that the peer may broadcast. */
  | { readonly kind: "counterparty-commitment"; readonly commitment: ValidCommitment }
  /** One that the peer has revoked: with `secret`, all of it is ours. */
  | { readonly kind: "revoked-commitment"; readonly number: CommitmentNumber; readonly secret: Uint8Array }
  /** One of ours that our records, which are old, do not have. From its per-commitment point follows what pays us. */
  | { readonly kind: "lost-holder-commitment"; readonly number: CommitmentNumber; readonly point: Point }
  /** One that is newer than what we know: our records are old. Nothing of it but our balance can be found. */
  | { readonly kind: "future-commitment"; readonly number: CommitmentNumber }
  /** A commitment of a number that is valid, but not the one that was signed: records of another node, or a bug. */
  | { readonly kind: "unknown-commitment"; readonly number: CommitmentNumber };

/** A place in the chain. */
export interface Confirmation {
  readonly height: BlockHeight;
  readonly blockHash: BlockHash;
}

/** An output of the confirmed commitment that is or may become ours. */
export type CommitmentOutput = {
  readonly outPoint: OutPoint;
  readonly value: Sat;
} /** Our balance on our commitment: ours after the delay that the peer chose. */ & (
  | { readonly kind: "delayed" }
  /** Our balance on a commitment of the peer: ours. */
  | { readonly kind: "payment" }
  /** An HTLC on our commitment, taken by a second-stage transaction. */
  | { readonly kind: "holder-htlc"; readonly htlc: MonitoredHtlc; readonly built: BuiltHtlc }
  /** An HTLC on a commitment of the peer that is not revoked. */
  | {
      readonly kind: "counterparty-htlc";
      readonly htlc: MonitoredHtlc;
      readonly witnessScript: Uint8Array;
    }
  /** Anything locked on a commitment that the peer revoked. `htlc` is absent for the peer's own balance. */
  | {
      readonly kind: "revoked";
      readonly htlc?: MonitoredHtlc;
      readonly witnessScript: Uint8Array;
    }
);

/** A `CommitmentOutput` that the peer, too, may be able to spend: the monitor must see who does. */
export type ContestedOutput = Exclude<CommitmentOutput, { kind: "delayed" | "payment" }>;

/** The transaction that spent the funding output. */
export interface FundingSpend extends Confirmation {
  readonly txid: Txid;
  readonly transaction: Transaction;
  readonly spender: FundingSpender;
  /** Those of its outputs that are or may become ours. */
  readonly outputs: readonly CommitmentOutput[];
  /**
   * How our balance and the outputs of HTLC transactions are locked when it is a commitment of ours. Kept, since it
   * costs time to derive and every block asks for it.
   */
  readonly delayedLock?: ScriptHashOutput;
}

/** What the spender of a contested output made of it, as far as it concerns the channel. */
export interface SpenderOutput {
  /** An HTLC transaction's output, locked like the commitment's `to_local`; or one that pays us, free of conditions. */
  readonly kind: "second-stage" | "ours";
  readonly index: number;
  readonly value: Sat;
}

/** An input that spent a contested output: of the confirmed commitment, or of an HTLC transaction on it. */
export interface ContestedSpend extends Confirmation {
  /** What was spent. */
  readonly outPoint: OutPoint;
  /** The spender. */
  readonly txid: Txid;
  /** What its witness showed: the peer claimed an HTLC that we had offered. */
  readonly preimage?: Uint8Array;
  readonly output?: SpenderOutput;
}

/** What the chain holds of a channel now; a reorganisation takes parts of it back. */
export interface ChainView {
  readonly fundingSpend?: FundingSpend;
  readonly spends: readonly ContestedSpend[];
}

/**
 * Outputs that are claimed by one transaction, and what was last paid for it. The transaction follows from that, so
 * that it is the same until the feerate is raised.
 *
 * @ldk lightning::chain::package::PackageTemplate
 */
export interface PendingClaim {
  readonly id: ClaimId;
  readonly outPoints: readonly OutPoint[];
  /** What the transaction pays, together with the commitment where that waits for it. It never falls. */
  readonly feerate: FeeratePerKw;
  /** Height at which that feerate was chosen. */
  readonly setAt: number;
}
