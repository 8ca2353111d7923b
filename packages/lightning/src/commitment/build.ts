import { type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { noBytes } from "../util/bytes.ts";
import type { HtlcId, OutPoint, PaymentHash, Txid } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { minus, type Sat, sum } from "../util/units.ts";
import type { CommitmentFormat, OutputScript, SecondStage } from "./format.ts";
import { formatOf } from "./formats/formatOf.ts";
import { fundingScript } from "./funding.ts";
import type { HtlcDirection } from "./htlc.ts";
import { otherOf } from "./keys.ts";
import { obscuredNumber } from "./obscuredNumber.ts";
import type { FormatName } from "./params.ts";
import { type CommitmentTerms, type MainOutput, type PlacedHtlc, placeOutputs } from "./placeOutputs.ts";
import type { CommitmentSpec } from "./spec.ts";

export type { FundingOutput } from "./funding.ts";
export type { CommitmentTerms } from "./placeOutputs.ts";

/** An output of a commitment that is not an HTLC's. */
export interface BuiltOutput extends OutputScript {
  readonly index: number;
  readonly value: Sat;
}

/**
 * An HTLC output and the transaction by which the commitment's owner takes it.
 *
 * @ldk lightning::ln::chan_utils::HTLCOutputInCommitment
 */
export interface BuiltHtlc {
  /** From our view, also on the peer's commitment. */
  readonly direction: HtlcDirection;
  readonly id: HtlcId;
  readonly paymentHash: PaymentHash;
  readonly cltvExpiry: number;
  /** How the owner takes it: "timeout" when the owner offered it. */
  readonly stage: SecondStage;
  readonly outputIndex: number;
  readonly value: Sat;
  readonly witnessScript: Uint8Array;
  /** Without witness. Its output is locked like `toOwner`. */
  readonly secondStage: Transaction;
}

/**
 * A commitment transaction without witness, and where everything is on it. *Owner* and *other* as in
 * `CommitmentKeys`: `toOwner` is BOLT 3's `to_local`, the delayed one, `toOther` its `to_remote`.
 *
 * @ldk lightning::ln::chan_utils::CommitmentTransaction
 */
export interface BuiltCommitment {
  readonly format: FormatName;
  readonly transaction: Transaction;
  readonly txid: Txid;
  readonly fundingWitnessScript: Uint8Array;
  /** In output order, the order of `commitment_signed.htlc_signature`. */
  readonly htlcs: readonly BuiltHtlc[];
  readonly toOwner?: BuiltOutput;
  readonly toOther?: BuiltOutput;
  readonly ownerAnchor?: BuiltOutput;
  readonly otherAnchor?: BuiltOutput;
  readonly sharedAnchor?: BuiltOutput;
  /** Capacity less outputs: the fee by the feerate, and what was trimmed or rounded off and is in no shared anchor. */
  readonly fee: Sat;
}

/**
 * The commitment transaction that `spec` describes (BOLT 3, "Commitment Transaction Construction"). An opener that
 * cannot pay the whole fee pays what it has, as two updates that cross may have it ("Fee Payment").
 */
export function buildCommitment(terms: CommitmentTerms): BuiltCommitment {
  const { params, side, funding, keys, spec } = terms;
  const format = formatOf(params.format);
  let delayedScript: OutputScript | undefined;
  const delayed = (): OutputScript => {
    delayedScript ??= format.toLocal(keys, otherOf(params, side).toSelfDelay);
    return delayedScript;
  };
  const placed = placeOutputs(terms, format, delayed);
  const outputs: TxOut[] = placed.map(({ value, script }) => ({ value, script }));
  const total = sum(outputs.map(({ value }) => value));
  invariant(total <= funding.capacity, `outputs of ${total} sat on a capacity of ${funding.capacity} sat`);
  const { sequence, locktime } = obscuredNumber(params, terms.number);
  const transaction: Transaction = {
    version: format.version,
    inputs: [{ outPoint: funding.outPoint, scriptSig: noBytes, sequence, witness: [] }],
    outputs,
    locktime,
  };
  const id = txid(transaction);
  const htlcs: BuiltHtlc[] = [];
  const others: { -readonly [K in MainOutput]?: BuiltOutput } = {};
  for (const [index, output] of placed.entries()) {
    if (output.kind === "htlc") {
      htlcs.push(builtHtlc(output, { txid: id, index }, { format, spec, delayed }));
    } else {
      const { kind, ...rest } = output;
      others[kind] = { index, ...rest };
    }
  }
  return {
    format: params.format,
    transaction,
    txid: id,
    fundingWitnessScript: fundingScript(funding.localKey, funding.remoteKey),
    htlcs,
    ...others,
    fee: minus(funding.capacity, total),
  };
}

/** An HTLC output with its HTLC-timeout or HTLC-success transaction (BOLT 3). */
function builtHtlc(
  { htlc, stage, value, witnessScript }: PlacedHtlc,
  outPoint: OutPoint,
  on: {
    readonly format: CommitmentFormat;
    readonly spec: CommitmentSpec;
    readonly delayed: () => OutputScript;
  },
): BuiltHtlc {
  const { format, spec, delayed } = on;
  const { direction, id, paymentHash, cltvExpiry } = htlc;
  const secondStage: Transaction = {
    version: format.version,
    inputs: [{ outPoint, scriptSig: noBytes, sequence: format.htlcSequence, witness: [] }],
    outputs: [{ value: minus(value, format.htlcFee(stage, spec.feerate)), script: delayed().script }],
    locktime: stage === "timeout" ? cltvExpiry : 0,
  };
  const outputIndex = outPoint.index;
  return { direction, id, paymentHash, cltvExpiry, stage, outputIndex, value, witnessScript, secondStage };
}
