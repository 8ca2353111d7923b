import type { ShachainStore } from "../crypto/shachain.ts";
import type { Point, Signature } from "../util/bytes.ts";
import type { ChannelId, CommitmentNumber, HtlcId, OutPoint, Txid } from "../util/ids.ts";
import type { FeeratePerKw, Msat, Sat } from "../util/units.ts";
import type { Htlc, HtlcDirection } from "./htlc.ts";
import type { HtlcState } from "./htlcState.ts";
import type { ChannelParams } from "./params.ts";

/** The peer's signature for the second-stage transaction of one HTLC on a commitment of ours. */
export interface HtlcSignature {
  readonly direction: HtlcDirection;
  readonly id: HtlcId;
  readonly signature: Signature;
}

/**
 * What makes one commitment of ours spendable: the peer's signatures. The channel's monitor keeps them, and nobody
 * else; ours are made again whenever they are needed.
 */
export interface LocalCommitment {
  readonly txid: Txid;
  readonly signature: Signature;
  readonly htlcSignatures: readonly HtlcSignature[];
}

/** What is known of both sides' first commitments beside `Commitments`, for the channel's monitor. */
export interface FirstSigned {
  /** Ours, as the peer signed it. */
  readonly local: LocalCommitment;
  readonly remoteTxid: Txid;
}

/**
 * A funding output that may still become, or already is, the channel's. There is one, or several while a splice waits
 * for confirmations: every commitment is then signed for each of them.
 */
export interface ActiveFunding {
  readonly outPoint: OutPoint;
  readonly capacity: Sat;
  readonly localKey: Point;
  readonly remoteKey: Point;
  /** What is ours when every HTLC in the table goes back to its sender. */
  readonly localBalance: Msat;
  /** What is the peer's when every HTLC in the table goes back to its sender. */
  readonly remoteBalance: Msat;
  /** The peer's commitment `remoteNumber + 1`, once we have signed it. */
  readonly remoteNextTxid?: Txid;
}

/** A feerate on its way through the dance, like an HTLC that is never removed. The last row that a side has counts. */
export interface FeeUpdate {
  readonly feerate: FeeratePerKw;
  readonly state: HtlcState;
}

/**
 * What we signed, with the point `remoteNextPoint`, and the peer has not answered with a revocation yet. Signing it
 * again after a reconnection must give the same txids (`ActiveFunding.remoteNextTxid`). The HTLCs on it follow from
 * their intervals; the updates it covers are the rows in the states `sent-add-commit` and `sent-remove-commit`.
 */
export interface SignedCommitment {
  readonly number: CommitmentNumber;
  readonly feerate: FeeratePerKw;
  /**
   * Whether a revocation of ours left after it: on reconnection they are sent again in the order in which they left.
   */
  readonly revocationAfter: boolean;
}

/**
 * Both sides' commitments as one value: the HTLC table, the counters, what each side signed. Every operation of the
 * commit dance takes one and returns the next.
 */
export interface Commitments {
  readonly channelId: ChannelId;
  readonly params: ChannelParams;
  /** Never empty; the newest last. */
  readonly fundings: readonly ActiveFunding[];
  readonly htlcs: readonly Htlc[];
  /** Never empty; the oldest first. */
  readonly feerates: readonly FeeUpdate[];
  /** Of our latest commitment that the peer signed. All before it are revoked: we answer each signature at once. */
  readonly localNumber: CommitmentNumber;
  /** Of the peer's latest commitment that it has not revoked. */
  readonly remoteNumber: CommitmentNumber;
  /** The commitment `remoteNumber + 1`, signed and waiting for the peer's revocation of `remoteNumber`. */
  readonly remoteNext?: SignedCommitment;
  /** Our points of `localNumber`, of the next one and of the one behind it. */
  readonly localPoints: readonly [Point, Point, Point];
  /** The peer's point of `remoteNumber`. */
  readonly remotePoint: Point;
  /** The peer's point of `remoteNumber + 1`; unknown only before its `channel_ready`. */
  readonly remoteNextPoint?: Point;
  /** The secrets of the peer's commitments before `remoteNumber`. */
  readonly remoteSecrets: ShachainStore;
  readonly nextLocalHtlcId: HtlcId;
  readonly nextRemoteHtlcId: HtlcId;
}

/** A channel's commitments as they begin. */
export interface FirstCommitments {
  readonly commitments: Commitments;
  readonly signed: FirstSigned;
}
