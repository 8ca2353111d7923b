import type { Point } from "../util/bytes.ts";
import type { FeeratePerKw, Sat } from "../util/units.ts";
import type { CommitmentKeys } from "./keys.ts";
import type { FormatName } from "./params.ts";

/**
 * How the owner of a commitment takes an HTLC of it: one that it offered by an HTLC-timeout transaction, one that it
 * received by an HTLC-success transaction (BOLT 3).
 */
export type SecondStage = "timeout" | "success";

/** Expected weights, with signatures of 73 bytes: what fees are computed from (BOLT 3, "Fee Calculation"). */
export interface FormatWeights {
  /** A commitment with both main outputs, and anchors where the format has them, but no HTLC. */
  readonly commitment: number;
  /** What each untrimmed HTLC adds to a commitment. */
  readonly htlcOutput: number;
  readonly htlcTimeout: number;
  readonly htlcSuccess: number;
}

/**
 * By which of a node's fee estimates a channel's feerate goes. "full": its commitments must confirm by themselves;
 * "relay": they must enter mempools by themselves; "none": the feerate is zero and never changes.
 */
export type FeerateBasis = "full" | "relay" | "none";

/** An output script and, unless it pays to a key's hash or to anyone, the witness script that it commits to. */
export interface OutputScript {
  readonly script: Uint8Array;
  readonly witnessScript?: Uint8Array;
}

/** An output script that commits to a witness script. */
export interface ScriptHashOutput extends OutputScript {
  readonly witnessScript: Uint8Array;
}

/**
 * The outputs of one commitment's HTLCs. They differ in the payment hash (32 bytes) and the expiry only: what they
 * share is hashed and laid out once.
 */
export interface HtlcScripts {
  /** Offered by the owner of the commitment (BOLT 3, "Offered HTLC Outputs"). */
  offered(paymentHash: Uint8Array): ScriptHashOutput;
  /** Received by the owner of the commitment (BOLT 3, "Received HTLC Outputs"). */
  received(paymentHash: Uint8Array, cltvExpiry: number): ScriptHashOutput;
}

/**
 * The shape of a channel's commitment transactions: all in which the formats differ, so that nothing outside of
 * `formats/` asks which one it has.
 *
 * A later format fits in here. Simple taproot: the script methods return taproot outputs with their trees, and signing
 * takes nonces: fresh ones for what we sign, derived ones (funding key, funding txid, commitment number) for what the
 * peer signs for us.
 */
export interface CommitmentFormat {
  readonly name: FormatName;
  readonly weights: FormatWeights;
  /** Transaction version of commitments and second-stage transactions. */
  readonly version: number;
  readonly feerateBasis: FeerateBasis;
  /** The most HTLCs that each side may offer: with all of them, commitments and penalties are still relayed. */
  readonly maxAcceptedHtlcs: number;
  /** What the opener pays for the anchors, besides the fee. */
  readonly anchorsCost: Sat;
  /**
   * The feerate at which a sender must still be able to pay, as a multiple of the present one (BOLT 2's fee spike
   * buffer).
   */
  readonly feeSpikeMultiple: number;
  /** Sequence of an input that spends the `to_remote` output. */
  readonly toRemoteSequence: number;
  /** Sequence of an input that spends an HTLC output by any path but the penalty. */
  readonly htlcSequence: number;
  /** How the other side signs the owner's second-stage transactions. */
  readonly htlcSighashType: number;

  /** The base fee of a commitment with `untrimmed` HTLC outputs, anchors not included. */
  commitmentFee(feerate: FeeratePerKw, untrimmed: number): Sat;
  /** The fee of a second-stage transaction. */
  htlcFee(stage: SecondStage, feerate: FeeratePerKw): Sat;
  /** HTLCs of less than this have no output (BOLT 3, "Trimmed Outputs"). */
  trimThreshold(stage: SecondStage, feerate: FeeratePerKw, dustLimit: Sat): Sat;

  /** The owner's own delayed output, which a second-stage transaction has as well. */
  toLocal(keys: CommitmentKeys, toSelfDelay: number): ScriptHashOutput;
  /** The output of the other side. */
  toRemote(keys: CommitmentKeys): OutputScript;
  /** The anchor of the side with this funding key, or `undefined` in a format without such anchors. */
  anchor(fundingKey: Point): (ScriptHashOutput & { readonly value: Sat }) | undefined;
  /**
   * The anchor that anyone may spend, which every commitment has, or `undefined` in a format without it. `rest` is what
   * all other outputs leave of the capacity.
   */
  sharedAnchor(rest: () => Sat): (OutputScript & { readonly value: Sat }) | undefined;
  htlcScripts(keys: CommitmentKeys): HtlcScripts;
}
