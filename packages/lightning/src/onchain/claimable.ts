import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { BuiltHtlc } from "../commitment/build.ts";
import { formatOf } from "../commitment/formats/formatOf.ts";
import { type CommitmentKeys, commitmentKeys } from "../commitment/keys.ts";
import { perCommitmentPoint } from "../crypto/keyDerivation.ts";
import type { OutputSpendKey } from "../sign/outputSpend.ts";
import { noBytes, type Point, type Signature } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { plus, type Sat, sum, zeroSat } from "../util/units.ts";
import type { ContestedOutput, FundingSpend, FundingSpender, ValidCommitment } from "./chainView.ts";
import { type ChannelMonitor, preimageOf } from "./channelMonitor.ts";
import { isContested } from "./commitmentOutputs.ts";
import { secondStageOutputs } from "./confirmations.ts";
import { commitmentDeadline, counterpartyClaimableSoon, timeoutMargin } from "./deadlines.ts";
import { revokedDelayedOutput } from "./penalty.ts";
import { holderCommitments } from "./validCommitments.ts";

interface ClaimableOutput {
  readonly outPoint: OutPoint;
  /** Of the output; for our commitment, of all that is or may become ours on it. */
  readonly value: Sat;
  /** By this height its claim should be confirmed: afterwards the peer may have it, or an HTLC upstream is lost. */
  readonly deadline: number;
  /** Whether the peer can spend it now or soon: claimed together with others, it could hold these up. */
  readonly isContested: boolean;
}

/** An output that our signature alone spends, from now on. */
export interface DirectClaimable extends ClaimableOutput {
  readonly kind: "direct";
  readonly witnessScript: Uint8Array;
  /** The witness between our signature and the script. */
  readonly path: readonly Uint8Array[];
  readonly key: OutputSpendKey;
  readonly sequence: number;
}

/** An HTLC on our commitment: its second-stage transaction, which the peer has signed, takes it from now on. */
export interface HolderHtlcClaimable extends ClaimableOutput {
  readonly kind: "holder-htlc";
  readonly built: BuiltHtlc;
  /** Of an incoming HTLC. */
  readonly preimage?: Uint8Array;
  readonly peerSignature: Signature;
  /** Of our commitment. */
  readonly point: Point;
}

/** Our commitment, which is to be published: it spends the funding output. */
export interface HolderFundingClaimable extends ClaimableOutput {
  readonly kind: "holder-funding";
  readonly commitment: ValidCommitment;
  /** Of those HTLCs on it that we can claim: our balance is not lost when it comes late. */
  readonly htlcValue: Sat;
  /** Whether HTLCs depend on it. */
  readonly isUrgent: boolean;
}

export type Claimable = DirectClaimable | HolderHtlcClaimable | HolderFundingClaimable;

/**
 * What can be claimed in the next block, `height` being that of the best one, and nobody has spent yet (BOLT 5): our
 * commitment, when it is to be published; then whatever a confirmed one holds for us but our own balance, which waits
 * for nobody.
 */
export function claimables(monitor: ChannelMonitor, height: number): readonly Claimable[] {
  const { fundingSpend, spends } = monitor.chain;
  if (fundingSpend === undefined) return monitor.lock?.broadcast === true ? holderFunding(monitor) : [];
  const spent = new Set(spends.map(({ outPoint }) => outPointKey(outPoint)));
  const claim = claimerFor(monitor, fundingSpend, height);
  const found: Claimable[] = [];
  for (const output of fundingSpend.outputs) {
    if (!isContested(output) || spent.has(outPointKey(output.outPoint))) continue;
    const claimable = claim(output);
    if (claimable !== undefined) found.push(claimable);
  }
  for (const claimable of revokedSecondStages(monitor, fundingSpend)) {
    if (!spent.has(outPointKey(claimable.outPoint))) found.push(claimable);
  }
  return found;
}

function holderFunding(monitor: ChannelMonitor): readonly HolderFundingClaimable[] {
  const deadline = commitmentDeadline(monitor);
  return holderCommitments(monitor).map((commitment) => ({
    kind: "holder-funding",
    commitment,
    outPoint: commitment.funding.outPoint,
    value: stakeOf(commitment),
    htlcValue: htlcValueOf(monitor, commitment),
    deadline: deadline ?? Number.POSITIVE_INFINITY,
    isContested: true,
    isUrgent: deadline !== undefined,
  }));
}

/** Of all that may become ours. */
function stakeOf({ built }: ValidCommitment): Sat {
  return built.htlcs.reduce((total, { value }) => plus(total, value), built.toOwner?.value ?? zeroSat);
}

function htlcValueOf(monitor: ChannelMonitor, { built }: ValidCommitment): Sat {
  const isOurs = ({ direction, paymentHash }: BuiltHtlc): boolean =>
    direction === "outgoing" || preimageOf(monitor, paymentHash) !== undefined;
  return sum(built.htlcs.filter(isOurs).map(({ value }) => value));
}

/** How outputs of the confirmed commitment are claimed; `undefined` for one that cannot be claimed now. */
function claimerFor(
  monitor: ChannelMonitor,
  fundingSpend: FundingSpend,
  height: number,
): (output: ContestedOutput) => Claimable | undefined {
  const { spender } = fundingSpend;
  switch (spender.kind) {
    case "holder-commitment":
      return (output) => holderHtlc(monitor, output, height);
    case "counterparty-commitment": {
      const { number } = spender.commitment;
      const { point } = present(
        monitor.counterparty.find((one) => one.number === number),
        "the peer's commitment",
      );
      return (output) => counterpartyHtlc(monitor, output, { point, height });
    }
    case "revoked-commitment":
      return penaltyFor(monitor, { spender, since: fundingSpend.height, height });
    case "cooperative-close":
    case "lost-holder-commitment":
    case "future-commitment":
    case "unknown-commitment":
      return () => undefined;
  }
}

function holderHtlc(
  monitor: ChannelMonitor,
  output: ContestedOutput,
  height: number,
): HolderHtlcClaimable | undefined {
  if (output.kind !== "holder-htlc") return undefined;
  const { htlc, built, outPoint, value } = output;
  const { direction, id, cltvExpiry } = htlc;
  const { point, commitments } = monitor.holder;
  const txid = outPoint.txid;
  const signatures = present(
    commitments.find((one) => one.txid === txid),
    "the signatures of our commitment",
  ).htlcSignatures;
  const { signature: peerSignature } = present(
    signatures.find((one) => one.direction === direction && one.id === id),
    "the peer's signature of an HTLC transaction",
  );
  const common = { kind: "holder-htlc", outPoint, value, built, peerSignature, point } as const;
  if (direction === "outgoing") {
    if (cltvExpiry > height) return undefined;
    return { ...common, deadline: cltvExpiry + timeoutMargin, isContested: true };
  }
  const preimage = preimageOf(monitor, htlc.paymentHash);
  if (preimage === undefined) return undefined;
  return { ...common, preimage, deadline: cltvExpiry, isContested: isSoon(cltvExpiry, height) };
}

function counterpartyHtlc(
  monitor: ChannelMonitor,
  output: ContestedOutput,
  at: { readonly point: Point; readonly height: number },
): DirectClaimable | undefined {
  if (output.kind !== "counterparty-htlc") return undefined;
  const { htlc, outPoint, value, witnessScript } = output;
  const { cltvExpiry } = htlc;
  const { point, height } = at;
  const sequence = formatOf(monitor.setup.params.format).htlcSequence;
  const common = {
    kind: "direct",
    outPoint,
    value,
    witnessScript,
    sequence,
    key: { kind: "htlc", point },
  } as const;
  if (htlc.direction === "outgoing") {
    if (cltvExpiry > height) return undefined;
    return { ...common, path: [noBytes], deadline: cltvExpiry + timeoutMargin, isContested: true };
  }
  const preimage = preimageOf(monitor, htlc.paymentHash);
  if (preimage === undefined) return undefined;
  return { ...common, path: [preimage], deadline: cltvExpiry, isContested: isSoon(cltvExpiry, height) };
}

const one = Uint8Array.of(1);

/**
 * What the revocation key takes. The peer could take an HTLC by its second stage and then has to wait once more: the
 * delay is what we have in any case.
 */
function penaltyFor(
  monitor: ChannelMonitor,
  of: {
    readonly spender: Extract<FundingSpender, { kind: "revoked-commitment" }>;
    readonly since: number;
    readonly height: number;
  },
): (output: ContestedOutput) => DirectClaimable | undefined {
  const { params } = monitor.setup;
  const { secret } = of.spender;
  // Derived for what is left to take only.
  let keys: CommitmentKeys | undefined;
  const revocation = (): Point => {
    keys ??= commitmentKeys(params, "remote", perCommitmentPoint(secret));
    return keys.revocation;
  };
  const deadline = of.since + params.local.toSelfDelay;
  return (output) => {
    if (output.kind !== "revoked") return undefined;
    const { htlc, outPoint, value, witnessScript } = output;
    return {
      kind: "direct",
      outPoint,
      value,
      witnessScript,
      deadline,
      path: [htlc === undefined ? one : revocation()],
      key: { kind: "revocation", secret },
      sequence: replaceable,
      isContested:
        htlc !== undefined && (htlc.direction === "outgoing" || isSoon(htlc.cltvExpiry, of.height)),
    };
  };
}

/** The outputs of HTLC transactions that the peer made on a commitment which it had revoked. */
function revokedSecondStages(monitor: ChannelMonitor, { spender }: FundingSpend): readonly DirectClaimable[] {
  const delayed = revokedDelayedOutput(monitor, spender);
  if (spender.kind !== "revoked-commitment" || delayed === undefined) return [];
  const { witnessScript } = delayed;
  const { toSelfDelay } = monitor.setup.params.local;
  return secondStageOutputs(monitor.chain.spends).map(({ outPoint, spend, output }) => ({
    kind: "direct",
    outPoint,
    value: output.value,
    witnessScript,
    path: [one],
    key: { kind: "revocation", secret: spender.secret },
    sequence: replaceable,
    deadline: spend.height + toSelfDelay,
    isContested: false,
  }));
}

/** Opts in to replacement (BIP 125). */
const replaceable = 0xffff_fffd;

function isSoon(expiry: number, height: number): boolean {
  return expiry <= height + counterpartyClaimableSoon;
}
