import { encodeTypedSignature } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { compareBytes, noBytes, type Signature } from "../util/bytes.ts";
import type { BuiltHtlc } from "./build.ts";
import type { CommitmentFormat } from "./format.ts";
import { type FundingOutput, fundingScript } from "./funding.ts";

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
