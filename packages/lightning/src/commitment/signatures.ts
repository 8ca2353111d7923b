import { encodeTypedSignature } from "@fulmen/bitcoin/script";
import { segwitV0Sighash, sighashAll } from "@fulmen/bitcoin/sighash";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { compareBytes, noBytes, type Signature } from "../util/bytes.ts";
import type { Sat } from "../util/units.ts";
import type { BuiltCommitment, BuiltHtlc } from "./build.ts";
import type { CommitmentFormat } from "./format.ts";
import { formatOf } from "./formats/formatOf.ts";
import { type FundingOutput, fundingScript } from "./funding.ts";

/** What both sides sign of a commitment, 32 bytes; `capacity` is the funding's. */
export function commitmentSighash(built: BuiltCommitment, capacity: Sat): Uint8Array {
  return fundingSighash(built.transaction, built.fundingWitnessScript, capacity);
}

/**
 * What the owner's peer signs of an HTLC's second-stage transaction (`commitment_signed.htlc_signature`), 32 bytes.
 * `index` is the position among `built.htlcs`; `RangeError` when there is none.
 */
export function htlcSighash(built: BuiltCommitment, index: number): Uint8Array {
  const htlc = built.htlcs[index];
  if (htlc === undefined) throw new RangeError(`no HTLC ${index} among ${built.htlcs.length}`);
  return secondStageSighash(htlc, formatOf(built.format).htlcSighashType);
}

/** What the owner itself signs of the second-stage transaction as it was built, without inputs added, 32 bytes. */
export function ownHtlcSighash(htlc: BuiltHtlc): Uint8Array {
  return secondStageSighash(htlc, sighashAll);
}

/** What both sides sign of a closing transaction, 32 bytes. */
export function closingSighash(transaction: Transaction, funding: FundingOutput): Uint8Array {
  const { localKey, remoteKey, capacity } = funding;
  return fundingSighash(transaction, fundingScript(localKey, remoteKey), capacity);
}

/** Both sides' signatures by their funding keys, in the order of the keys (BOLT 3, "Commitment Transaction"). */
export function fundingWitness(
  funding: Pick<FundingOutput, "localKey" | "remoteKey">,
  localSignature: Signature,
  remoteSignature: Signature,
): readonly Uint8Array[] {
  const local = typed(localSignature, sighashAll);
  const remote = typed(remoteSignature, sighashAll);
  const inOrder = compareBytes(funding.localKey, funding.remoteKey) < 0;
  const script = fundingScript(funding.localKey, funding.remoteKey);
  return inOrder ? [noBytes, local, remote, script] : [noBytes, remote, local, script];
}

/** The two signatures of a second-stage transaction. */
export interface HtlcSignatures {
  /** By the commitment's owner, over everything (`ownHtlcSighash`). */
  readonly owner: Signature;
  /** By the other side (`htlcSighash`). */
  readonly other: Signature;
}

/** BOLT 3, "HTLC-Timeout and HTLC-Success Transactions". */
export function htlcTimeoutWitness(
  format: CommitmentFormat,
  htlc: BuiltHtlc,
  signatures: HtlcSignatures,
): readonly Uint8Array[] {
  return [...bothSigned(format, signatures), noBytes, htlc.witnessScript];
}

/** BOLT 3, "HTLC-Timeout and HTLC-Success Transactions"; `preimage` is 32 bytes. */
export function htlcSuccessWitness(
  format: CommitmentFormat,
  htlc: BuiltHtlc,
  signatures: HtlcSignatures,
  preimage: Uint8Array,
): readonly Uint8Array[] {
  return [...bothSigned(format, signatures), preimage, htlc.witnessScript];
}

/** `transaction` with its only input signed. */
export function withWitness(transaction: Transaction, witness: readonly Uint8Array[]): Transaction {
  return { ...transaction, inputs: transaction.inputs.map((input) => ({ ...input, witness })) };
}

function bothSigned(format: CommitmentFormat, { owner, other }: HtlcSignatures): readonly Uint8Array[] {
  return [noBytes, typed(other, format.htlcSighashType), typed(owner, sighashAll)];
}

function typed(signature: Signature, sighashType: number): Uint8Array {
  return encodeTypedSignature({ signature, sighashType });
}

function secondStageSighash(htlc: BuiltHtlc, type: number): Uint8Array {
  const { secondStage, witnessScript, value } = htlc;
  return segwitV0Sighash(secondStage, 0, { scriptCode: witnessScript, value, type });
}

function fundingSighash(transaction: Transaction, witnessScript: Uint8Array, capacity: Sat): Uint8Array {
  return segwitV0Sighash(transaction, 0, { scriptCode: witnessScript, value: capacity, type: sighashAll });
}
