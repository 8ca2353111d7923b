import { dustLimit, encodeTypedSignature } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import { commitmentKeys } from "../commitment/keys.ts";
import type { RemoteOutput } from "../commitment/remoteOutputs.ts";
import { remoteOutputs } from "../commitment/remoteOutputs.ts";
import { perCommitmentPoint } from "../crypto/keyDerivation.ts";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import { noBytes, type Point, toHex } from "../util/bytes.ts";
import type { CommitmentNumber } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import {
  type FeeratePerKw,
  feeOf,
  feeratePerKw,
  maxOf,
  minOf,
  minus,
  type Sat,
  sat,
  sum,
} from "../util/units.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { counterpartyClaimableSoon } from "./deadlines.ts";
import { remoteHtlcsAt } from "./htlcTable.ts";

/** A commitment that the peer revoked and published all the same. */
export interface RevokedCommitment {
  readonly transaction: Transaction;
  readonly number: CommitmentNumber;
  /** The per-commitment secret that the peer revealed. */
  readonly secret: Uint8Array;
}

/** An output of a revoked commitment that the secret makes ours. */
export interface PenaltyOutput {
  readonly index: number;
  readonly value: Sat;
  readonly witnessScript: Uint8Array;
  /** As in `RemoteOutput`: `offered` and `received` by the peer. */
  readonly kind: RemoteOutput["kind"];
  readonly htlc?: MonitoredHtlc;
}

/**
 * All outputs of a revoked commitment that its secret makes ours, in output order. Our own balance, `to_remote`, is
 * not among them: nobody contests it.
 *
 * Outputs that share a script are told apart by their values, and twins by BOLT 3's order of outputs: by expiry.
 */
export function penaltyOutputs(
  monitor: ChannelMonitor,
  revoked: RevokedCommitment,
): readonly PenaltyOutput[] {
  const { params } = monitor.setup;
  const keys = commitmentKeys(params, "remote", perCommitmentPoint(revoked.secret));
  const htlcs = [...remoteHtlcsAt(monitor, revoked.number)].sort(byExpiryAndId);
  const candidates = new Map<string, RemoteOutput[]>();
  for (const output of remoteOutputs(params, keys, htlcs)) {
    const script = toHex(output.script);
    const sharing = candidates.get(script);
    if (sharing === undefined) candidates.set(script, [output]);
    else sharing.push(output);
  }
  const found: PenaltyOutput[] = [];
  for (const [index, { script, value }] of revoked.transaction.outputs.entries()) {
    const sharing = candidates.get(toHex(script));
    const [first] = sharing ?? [];
    if (sharing === undefined || first === undefined) continue;
    const at = sharing.findIndex((one) => one.kind !== "to-local" && one.value === value);
    const [match = first] = at < 0 ? [] : sharing.splice(at, 1);
    const { kind, witnessScript } = match;
    found.push({ index, value, witnessScript, kind, ...(match.kind !== "to-local" && { htlc: match.htlc }) });
  }
  return found;
}

/** Most inputs of one penalty transaction: it stays small enough to be relayed and quick to sign. */
const maxInputs = 200;

/**
 * Which outputs are claimed together at `height`: those that only we can spend for now in one transaction, apart from
 * those that the peer can spend at once, or soon, by a second-stage transaction: with one of these the peer could
 * hold up all that is claimed together with it.
 */
export function penaltyGroups(
  outputs: readonly PenaltyOutput[],
  height: number,
): readonly (readonly PenaltyOutput[])[] {
  const safe: PenaltyOutput[] = [];
  const contested: PenaltyOutput[] = [];
  for (const output of outputs) {
    const expiry = output.htlc?.cltvExpiry ?? height;
    const isSafe =
      output.kind === "to-local" ||
      (output.kind === "offered" && expiry > height + counterpartyClaimableSoon);
    (isSafe ? safe : contested).push(output);
  }
  return [...inParts(safe), ...inParts(contested)];
}

export interface PenaltyTerms {
  /** Where the funds go. */
  readonly destination: Uint8Array;
  /** Wished; never more than half of what is claimed becomes fee. */
  readonly feerate: FeeratePerKw;
  /** The best block: no block before the next can have the transaction. */
  readonly height: number;
  readonly signer: OutputSpendSigner;
}

/**
 * One transaction that takes all of `outputs` (BOLT 5, "Revoked Transaction Close Handling"). `undefined` when they
 * are not worth their fee, or the signer does not sign now.
 */
export function penaltyTransaction(
  monitor: ChannelMonitor,
  revoked: RevokedCommitment,
  of: { readonly outputs: readonly PenaltyOutput[]; readonly terms: PenaltyTerms },
): Transaction | undefined {
  const { outputs, terms } = of;
  const { destination, signer, height } = terms;
  const commitmentTxid = txid(revoked.transaction);
  const { params } = monitor.setup;
  const { revocation } = commitmentKeys(params, "remote", perCommitmentPoint(revoked.secret));
  const total = sum(outputs.map(({ value }) => value));
  const unsigned = (value: Sat): Transaction => ({
    version: 2,
    inputs: outputs.map(({ index }) => ({
      outPoint: { txid: commitmentTxid, index },
      scriptSig: noBytes,
      sequence: replaceable,
      witness: [],
    })),
    outputs: [{ value, script: destination }],
    locktime: height,
  });
  const value = worthTaking(total, {
    ...terms,
    weight: weight(withWitnesses(unsigned(total), outputs, { signatures: [], revocation })),
  });
  if (value === undefined) return undefined;
  const transaction = unsigned(value);
  const signatures: Uint8Array[] = [];
  for (const [inputIndex, output] of outputs.entries()) {
    const signature = signer.signSpend({
      transaction,
      inputIndex,
      value: output.value,
      scriptCode: output.witnessScript,
      sighashType: sighashAll,
      key: { kind: "revocation", secret: revoked.secret },
    });
    if (signature === undefined) return undefined;
    signatures.push(encodeTypedSignature({ signature, sighashType: sighashAll }));
  }
  return withWitnesses(transaction, outputs, { signatures, revocation });
}

/** Opts in to replacement (BIP 125). */
const replaceable = 0xffff_fffd;
const lowestFeerate = feeratePerKw(253);
/** As long as a signature with its sighash type can be. */
const longestSignature = new Uint8Array(73);
const one = Uint8Array.of(1);

function withWitnesses(
  transaction: Transaction,
  outputs: readonly PenaltyOutput[],
  by: { readonly signatures: readonly Uint8Array[]; readonly revocation: Point },
): Transaction {
  const inputs = transaction.inputs.map((input, i) => {
    const { kind, witnessScript } = present(outputs[i], "an output for each input");
    const signature = by.signatures[i] ?? longestSignature;
    const path = kind === "to-local" ? one : by.revocation;
    return { ...input, witness: [signature, path, witnessScript] };
  });
  return { ...transaction, inputs };
}

/** What is left of `total` after a fee, or `undefined` when that would be dust. */
function worthTaking(
  total: Sat,
  {
    feerate,
    weight,
    destination,
  }: Pick<PenaltyTerms, "feerate" | "destination"> & { readonly weight: number },
): Sat | undefined {
  const least = feeOf(lowestFeerate, weight);
  const fee = maxOf(minOf(feeOf(feerate, weight), sat(total / 2n)), least);
  if (fee >= total) return undefined;
  const value = minus(total, fee);
  return value < dustLimit(destination) ? undefined : value;
}

function inParts(outputs: readonly PenaltyOutput[]): readonly (readonly PenaltyOutput[])[] {
  const parts: (readonly PenaltyOutput[])[] = [];
  for (let at = 0; at < outputs.length; at += maxInputs) parts.push(outputs.slice(at, at + maxInputs));
  return parts;
}

function byExpiryAndId(a: MonitoredHtlc, b: MonitoredHtlc): number {
  if (a.cltvExpiry !== b.cltvExpiry) return a.cltvExpiry - b.cltvExpiry;
  return a.id < b.id ? -1 : 1;
}
