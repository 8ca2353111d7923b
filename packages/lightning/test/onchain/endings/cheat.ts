import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { ClaimId } from "#src/chain/coinSelection";
import type { BuiltHtlc } from "#src/commitment/build";
import { formatOf } from "#src/commitment/formats/formatOf";
import {
  fundingWitness,
  htlcSuccessWitness,
  htlcTimeoutWitness,
  withWitness,
} from "#src/commitment/signatures";
import type { HtlcDescriptor } from "#src/onchain/bumpTransaction";
import { feeratePerKw } from "#src/util/units";
import { hashes, type MonitoredParty, preimages } from "../monitoredPair.ts";
import type { BumpWallet } from "./bumpWallet.ts";

type OwnCommitment = MonitoredParty["ownCommitments"][number];

/** A commitment of `party`'s own, signed by both: whether it revoked it or not. */
export function signedCommitment(party: MonitoredParty, commitment: OwnCommitment): Transaction {
  const [active] = party.commitments.fundings;
  if (active === undefined) throw new Error("no funding");
  const { outPoint, capacity, localKey, remoteKey } = active;
  const funding = { outPoint, capacity, localKey, remoteKey };
  const answer = party.signer.sign({
    kind: "holder-commitment",
    number: commitment.number,
    funding,
    built: commitment,
  });
  if (answer.kind !== "holder-commitment") throw new Error(answer.kind);
  const witness = fundingWitness(funding, answer.signature, commitment.signature);
  return withWitness(commitment.transaction, witness);
}

/** The transaction by which `party` takes one HTLC of a commitment of its own, revoked or not. */
export function signedSecondStage(
  party: MonitoredParty,
  commitment: OwnCommitment,
  htlc: BuiltHtlc,
  wallet: BumpWallet,
): Transaction {
  const { params, channelId } = party.commitments;
  const format = formatOf(params.format);
  const peerSignature = commitment.htlcSignatures[commitment.htlcs.indexOf(htlc)];
  if (peerSignature === undefined) throw new Error("no signature");
  const preimage = htlc.stage === "success" ? preimages[hashes.indexOf(htlc.paymentHash)] : undefined;
  const { secondStage, witnessScript, value, stage, outputIndex } = htlc;
  const perCommitmentPoint = party.signer.point(commitment.number);
  if (format.htlcSighashType === sighashAll) {
    const owner = party.signer.signSpend({
      transaction: secondStage,
      inputIndex: 0,
      value,
      scriptCode: witnessScript,
      sighashType: sighashAll,
      key: { kind: "htlc", point: perCommitmentPoint },
    });
    const signatures = { owner, other: peerSignature };
    const witness =
      preimage === undefined
        ? htlcTimeoutWitness(format, htlc, signatures)
        : htlcSuccessWitness(format, htlc, signatures, preimage);
    return withWitness(secondStage, witness);
  }
  const [input] = secondStage.inputs;
  const [output] = secondStage.outputs;
  if (input === undefined || output === undefined) throw new Error("no HTLC transaction");
  const descriptor: HtlcDescriptor = {
    ...{ stage, outPoint: { txid: commitment.txid, index: outputIndex }, value, witnessScript, output },
    ...{ peerSignature, peerSighashType: format.htlcSighashType, perCommitmentPoint },
    sequence: input.sequence,
    ...(preimage && { preimage }),
  };
  const [bump] = wallet.answer({
    kind: "htlc-resolution",
    channelId,
    counterparty: party.keysManager.nodeId,
    channelKeysId: new Uint8Array(32),
    claimId: `cheat ${txid(secondStage)}` as ClaimId,
    version: format.version,
    targetFeerate: feeratePerKw(1000),
    htlcs: [descriptor],
    locktime: secondStage.locktime,
  });
  const [transaction] = bump?.transactions ?? [];
  if (transaction === undefined) throw new Error("no transaction");
  return transaction;
}
