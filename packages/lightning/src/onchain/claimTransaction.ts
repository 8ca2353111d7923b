import { dustLimit, encodeTypedSignature } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, weight } from "@fulmen/bitcoin/transaction";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import { noBytes } from "../util/bytes.ts";
import { present } from "../util/invariant.ts";
import { type FeeratePerKw, feeOf, minus, type Sat, sum } from "../util/units.ts";
import type { DirectClaimable } from "./claimable.ts";
import { directWitness } from "./claimWeight.ts";

/** What a claim pays, and where the rest goes. */
export interface ClaimTerms {
  readonly feerate: FeeratePerKw;
  /** No block below the next one can have it; the HTLCs that it takes back have expired by then. */
  readonly locktime: number;
  readonly destination: Uint8Array;
}

/**
 * One transaction that takes all of `inputs` to the destination (BOLT 5). `undefined` when they are not worth its fee,
 * or the signer does not sign now.
 */
export function claimTransaction(
  inputs: readonly DirectClaimable[],
  { feerate, locktime, destination }: ClaimTerms,
  signer: OutputSpendSigner,
): Transaction | undefined {
  const unsigned = (value: Sat): Transaction => ({
    version: 2,
    inputs: inputs.map(({ outPoint, sequence }) => ({ outPoint, scriptSig: noBytes, sequence, witness: [] })),
    outputs: [{ value, script: destination }],
    locktime,
  });
  const total = sum(inputs.map(({ value }) => value));
  const fee = feeOf(feerate, weight(withWitnesses(unsigned(total), inputs)));
  if (fee + dustLimit(destination) > total) return undefined;
  const transaction = unsigned(minus(total, fee));
  const signatures: Uint8Array[] = [];
  for (const [inputIndex, { value, witnessScript, key }] of inputs.entries()) {
    const signature = signer.signSpend({
      transaction,
      inputIndex,
      value,
      key,
      scriptCode: witnessScript,
      sighashType: sighashAll,
    });
    if (signature === undefined) return undefined;
    signatures.push(encodeTypedSignature({ signature, sighashType: sighashAll }));
  }
  return withWitnesses(transaction, inputs, signatures);
}

function withWitnesses(
  transaction: Transaction,
  claimed: readonly DirectClaimable[],
  signatures: readonly Uint8Array[] = [],
): Transaction {
  const inputs = transaction.inputs.map((input, i) => ({
    ...input,
    witness: directWitness(present(claimed[i], "what an input claims"), signatures[i]),
  }));
  return { ...transaction, inputs };
}
