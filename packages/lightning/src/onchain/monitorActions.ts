import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, weight } from "@fulmen/bitcoin/transaction";
import type { TransactionType } from "../chain/chainInterface.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { htlcSuccessWitness, htlcTimeoutWitness, withWitness } from "../commitment/signatures.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import { present } from "../util/invariant.ts";
import { feeOf } from "../util/units.ts";
import type {
  AnchorDescriptor,
  BumpSubject,
  BumpTransactionEvent,
  HtlcDescriptor,
} from "./bumpTransaction.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import type { DirectClaimable, HolderFundingClaimable, HolderHtlcClaimable } from "./claimable.ts";
import type { ActiveClaim, ClaimPlan } from "./claims.ts";
import { claimTransaction } from "./claimTransaction.ts";
import { lowestFeerate } from "./feeSchedule.ts";
import { signedHolderCommitment } from "./validCommitments.ts";

/** What a monitor wants done now. */
export type MonitorAction =
  | {
      readonly kind: "broadcast";
      readonly transactions: readonly Transaction[];
      readonly type: TransactionType;
    }
  /** Coins of a wallet are needed. */
  | { readonly kind: "bump"; readonly event: BumpTransactionEvent }
  /** The signer does not sign now: the monitor asks again. */
  | { readonly kind: "unsigned"; readonly what: string };

/** What the monitor's claims are carried out with. */
export interface ClaimContext {
  readonly height: number;
  readonly destination: Uint8Array;
  readonly signer: Pick<ChannelSigner, "sign"> & OutputSpendSigner;
}

/** Carries out claims as they stand: the same each time, until a claim is raised or something is spent. */
export function monitorActions(
  { monitor, active }: ClaimPlan,
  context: ClaimContext,
): readonly MonitorAction[] {
  return active.flatMap((claim) => claimActions(monitor, claim, context));
}

function claimActions(
  monitor: ChannelMonitor,
  claim: ActiveClaim,
  context: ClaimContext,
): readonly MonitorAction[] {
  const direct: DirectClaimable[] = [];
  const htlcs: HolderHtlcClaimable[] = [];
  const actions: MonitorAction[] = [];
  for (const claimable of claim.claimables) {
    if (claimable.kind === "direct") direct.push(claimable);
    else if (claimable.kind === "holder-htlc") htlcs.push(claimable);
    else actions.push(...publish(monitor, { claim, claimable }, context));
  }
  if (direct.length > 0) {
    const { destination, signer } = context;
    const terms = { feerate: claim.feerate, locktime: claim.setAt, destination };
    const transaction = claimTransaction(direct, terms, signer);
    if (transaction !== undefined)
      actions.push({ kind: "broadcast", transactions: [transaction], type: "claim" });
  }
  if (htlcs.length > 0) actions.push(...takeHtlcs(monitor, { claim, htlcs }, context));
  return actions;
}

/**
 * Our commitment, and what raises its fee where it has an anchor for that. It is broadcast alone as well, unless what
 * it pays itself is too little to be relayed and a child can pay.
 */
function publish(
  monitor: ChannelMonitor,
  of: { readonly claim: ActiveClaim; readonly claimable: HolderFundingClaimable },
  { signer }: ClaimContext,
): readonly MonitorAction[] {
  const { claim, claimable } = of;
  const { commitment, htlcValue: atStake } = claimable;
  const { built } = commitment;
  const transaction = signedHolderCommitment(monitor, commitment, signer);
  if (transaction === undefined) return [{ kind: "unsigned", what: "our commitment" }];
  const actions: MonitorAction[] = [];
  const anchor = built.ownerAnchor ?? built.sharedAnchor;
  if (anchor === undefined || built.fee >= feeOf(lowestFeerate, weight(transaction))) {
    actions.push({ kind: "broadcast", transactions: [transaction], type: "unilateral-close" });
  }
  if (anchor === undefined) return actions;
  const { index, value, script, witnessScript } = anchor;
  const descriptor: AnchorDescriptor = {
    outPoint: { txid: built.txid, index },
    output: { value, script },
    ...(witnessScript && { witnessScript }),
  };
  actions.push({
    kind: "bump",
    event: {
      kind: "channel-close",
      ...subjectOf(monitor, claim),
      locktime: claim.setAt,
      packageTargetFeerate: claim.feerate,
      commitment: transaction,
      commitmentFee: built.fee,
      atStake,
      anchor: descriptor,
    },
  });
  return actions;
}

/** HTLC transactions that carry their fee are broadcast as the peer signed them; others need coins. */
function takeHtlcs(
  monitor: ChannelMonitor,
  of: { readonly claim: ActiveClaim; readonly htlcs: readonly HolderHtlcClaimable[] },
  { signer }: ClaimContext,
): readonly MonitorAction[] {
  const format = formatOf(monitor.setup.params.format);
  const { claim, htlcs } = of;
  if (format.htlcSighashType === sighashAll) {
    return htlcs.map((htlc) => {
      const transaction = signedSecondStage(monitor, htlc, signer);
      if (transaction === undefined) return { kind: "unsigned", what: "an HTLC transaction" };
      return { kind: "broadcast", transactions: [transaction], type: "claim" };
    });
  }
  const event: BumpTransactionEvent = {
    kind: "htlc-resolution",
    ...subjectOf(monitor, claim),
    locktime: present(htlcs[0], "an HTLC").built.secondStage.locktime,
    targetFeerate: claim.feerate,
    htlcs: htlcs.map((htlc) => descriptorOf(htlc, format.htlcSighashType)),
  };
  return [{ kind: "bump", event }];
}

function signedSecondStage(
  monitor: ChannelMonitor,
  { built, preimage, peerSignature, point }: HolderHtlcClaimable,
  signer: OutputSpendSigner,
): Transaction | undefined {
  const { secondStage, value, witnessScript } = built;
  const owner = signer.signSpend({
    transaction: secondStage,
    inputIndex: 0,
    value,
    scriptCode: witnessScript,
    sighashType: sighashAll,
    key: { kind: "htlc", point },
  });
  if (owner === undefined) return undefined;
  const format = formatOf(monitor.setup.params.format);
  const signatures = { owner, other: peerSignature };
  const witness =
    preimage === undefined
      ? htlcTimeoutWitness(format, built, signatures)
      : htlcSuccessWitness(format, built, signatures, preimage);
  return withWitness(secondStage, witness);
}

function descriptorOf(
  { built, outPoint, value, preimage, peerSignature, point }: HolderHtlcClaimable,
  peerSighashType: number,
): HtlcDescriptor {
  const { stage, witnessScript, secondStage } = built;
  return {
    stage,
    outPoint,
    value,
    witnessScript,
    peerSignature,
    peerSighashType,
    sequence: present(secondStage.inputs[0], "the input of an HTLC transaction").sequence,
    output: present(secondStage.outputs[0], "the output of an HTLC transaction"),
    ...(preimage && { preimage }),
    perCommitmentPoint: point,
  };
}

function subjectOf({ setup }: ChannelMonitor, { id }: ActiveClaim): Omit<BumpSubject, "locktime"> {
  const { channelId, counterparty, channelKeysId, params } = setup;
  return { channelId, counterparty, channelKeysId, claimId: id, version: formatOf(params.format).version };
}
