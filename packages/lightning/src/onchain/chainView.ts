import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BuiltCommitment } from "../commitment/build.ts";
import type { FundingOutput } from "../commitment/funding.ts";
import type { Side } from "../commitment/keys.ts";
import type { BlockHash, BlockHeight, CommitmentNumber, Txid } from "../util/ids.ts";
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
  /** One that is newer than what we know: our records are old. Nothing of it but our balance can be found. */
  | { readonly kind: "future-commitment"; readonly number: CommitmentNumber }
  /** A commitment of a number that is valid, but not the one that was signed: records of another node, or a bug. */
  | { readonly kind: "unknown-commitment"; readonly number: CommitmentNumber };

/** A place in the chain. */
export interface Confirmation {
  readonly height: BlockHeight;
  readonly blockHash: BlockHash;
}

/** An output of the confirmed commitment that both sides may be able to spend, and the one HTLC that it stands for. */
export interface ContestedOutput {
  readonly outputIndex: number;
  /** Absent for the peer's own balance on a commitment that it revoked. */
  readonly htlc?: MonitoredHtlc;
}

/** The transaction that spent the funding output. */
export interface FundingSpend extends Confirmation {
  readonly txid: Txid;
  readonly transaction: Transaction;
  readonly spender: FundingSpender;
  readonly contested: readonly ContestedOutput[];
}

/** An input that spent a contested output of the confirmed commitment. */
export interface ContestedSpend extends Confirmation {
  readonly outputIndex: number;
  readonly txid: Txid;
  /** What its witness showed: the peer claimed an HTLC that we had offered. */
  readonly preimage?: Uint8Array;
}

/** What the chain holds of a channel now; a reorganisation takes parts of it back. */
export interface ChainView {
  readonly fundingSpend?: FundingSpend;
  readonly spends: readonly ContestedSpend[];
}
