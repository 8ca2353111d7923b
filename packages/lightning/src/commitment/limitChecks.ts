import {
  type FeeratePerKw,
  type Msat,
  maxOf,
  minusOrZero,
  plus,
  satToMsat,
  times,
  zeroMsat,
} from "../util/units.ts";
import type { Commitments } from "./commitments.ts";
import { nextFeerate } from "./dance.ts";
import type { CommitmentFormat } from "./format.ts";
import { formatOf } from "./formats/formatOf.ts";
import type { Side } from "./keys.ts";
import { ownerOf } from "./keys.ts";
import type { LimitViolation } from "./limitViolation.ts";
import { type CommitmentLoad, loadOf, openerCost } from "./load.ts";
import type { ChannelParams } from "./params.ts";
import { type SpecHtlc, specOf, specWithPending } from "./spec.ts";

// The single conditions that `limits.ts` puts together.

/** What we risk. */
export interface LimitsContext {
  /** Highest sum of HTLCs that one commitment's confirmation may lose to miners. */
  readonly maxDustExposure: Msat;
  /** What the peer's commitment pays beyond this feerate counts as exposure; not counted when absent. */
  readonly exposureFeerate?: FeeratePerKw;
}

/** What two parties have on a commitment before fees. */
export interface Shares {
  readonly toLocal: Msat;
  readonly toRemote: Msat;
}

/** All that the limits of our next HTLC depend on, so that any amount is checked without counting again. */
export interface SendingState {
  readonly params: ChannelParams;
  readonly format: CommitmentFormat;
  readonly ctx: LimitsContext;
  /** HTLCs that we offer. */
  readonly count: number;
  readonly inFlight: Msat;
  /** One for each active funding. */
  readonly shares: readonly Shares[];
  /** Of both sides, at every feerate that is in force or under way. */
  readonly loads: readonly CommitmentLoad[];
}

/** What both sides will have once everything that is under way to the peer has arrived. */
export function pendingShares(commitments: Commitments): {
  readonly htlcs: readonly SpecHtlc[];
  readonly shares: readonly Shares[];
} {
  const shares = commitments.fundings.map((funding) => specWithPending(commitments, funding));
  return { htlcs: shares[0]?.htlcs ?? [], shares };
}

/**
 * What our next commitment has of what the peer knew when it sent the update at hand: no more is held against it. It
 * may have sent it before, to learn now that it was lost, and have revoked in between to HTLCs of ours (BOLT 2,
 * "Message Retransmission"). It surely knew of those only that are in a commitment of ours that it signed: the update
 * is not.
 */
export function nextLocalShares(commitments: Commitments): {
  readonly htlcs: readonly SpecHtlc[];
  readonly shares: readonly Shares[];
} {
  const htlcs = commitments.htlcs.filter(({ state }) => state !== "received-add-revocation");
  const known = { ...commitments, htlcs };
  const shares = commitments.fundings.map((funding) => specOf(known, funding, "local", "next"));
  return { htlcs: shares[0]?.htlcs ?? [], shares };
}

/** The limits that the receiver of an HTLC has set; `count` and `inFlight` are those before it. */
export function checkOffer(
  offer: { readonly amount: Msat; readonly count: number; readonly inFlight: Msat },
  limits: Pick<ChannelParams["local"], "htlcMinimum" | "maxAcceptedHtlcs" | "maxHtlcValueInFlight">,
): LimitViolation | undefined {
  const { amount } = offer;
  if (amount === 0n) return { kind: "amount-zero" };
  if (amount < limits.htlcMinimum) {
    return { kind: "below-htlc-minimum", amount, minimum: limits.htlcMinimum };
  }
  const count = offer.count + 1;
  if (count > limits.maxAcceptedHtlcs) {
    return { kind: "too-many-htlcs", count, maximum: limits.maxAcceptedHtlcs };
  }
  const inFlight = plus(offer.inFlight, amount);
  if (inFlight > limits.maxHtlcValueInFlight) {
    return { kind: "too-much-in-flight", inFlight, maximum: limits.maxHtlcValueInFlight };
  }
  return undefined;
}

/** An HTLC of ours is refused for what it adds to the exposure, be it itself or a fee. */
export function checkExposureOfAmount(
  { ctx }: SendingState,
  { side, exposure, exposurePerHtlc, thresholds }: CommitmentLoad,
  amount: Msat,
): LimitViolation | undefined {
  const adds = amount < thresholds.outgoing.buffered ? amount : exposurePerHtlc;
  const risked = plus(exposure, adds);
  if (adds === 0n || risked <= ctx.maxDustExposure) return undefined;
  return { kind: "dust-exposure", side, exposure: risked, maximum: ctx.maxDustExposure };
}

/**
 * Whoever opened must be able to pay for the output of our new HTLC. If it is us, then at the feerate of the fee spike
 * buffer, and for the output of one more HTLC that the peer may add.
 */
export function checkFeeOfAmount(
  { params }: SendingState,
  load: CommitmentLoad,
  after: Shares & { readonly amount: Msat },
): LimitViolation | undefined {
  const trimmed = after.amount < load.thresholds.outgoing.present;
  const untrimmed = load.untrimmed + (trimmed ? 0 : 1);
  if (params.isOpener) {
    const reserve = satToMsat(params.remote.channelReserve);
    return checkOpenerPays(params, load, {
      ...after,
      reserve,
      feerate: load.spikedFeerate,
      untrimmed: untrimmed + 1,
    });
  }
  if (trimmed) return undefined;
  const reserve = satToMsat(params.local.channelReserve);
  return checkOpenerPays(params, load, { ...after, reserve, feerate: load.feerate, untrimmed });
}

/**
 * Whether the opener can pay for `untrimmed` HTLC outputs at `feerate`, anchors too, and keep `reserve`. Where nothing
 * is to be paid, nothing is asked: that who adds an HTLC keeps a reserve is another rule.
 */
export function checkOpenerPays(
  params: ChannelParams,
  { side }: CommitmentLoad,
  bill: Shares & { readonly reserve: Msat; readonly feerate: FeeratePerKw; readonly untrimmed: number },
): LimitViolation | undefined {
  const balance = params.isOpener ? bill.toLocal : bill.toRemote;
  const { reserve } = bill;
  const cost = openerCost(formatOf(params.format), bill.feerate, bill.untrimmed);
  if (cost === 0n || balance >= plus(cost, reserve)) return undefined;
  const opener = params.isOpener ? "we" : "peer";
  return { kind: "opener-cannot-afford-fee", opener, side, balance, cost, reserve };
}

/**
 * A commitment must keep an output, also after a rise of the feerate: with a reserve of zero, fees and trimming could
 * leave none, or none but a shared anchor, which is nobody's money. `amount`, if given, is that of a new HTLC of ours.
 * When the update is `ours`, others of the peer's may cross it: of what it does not have to keep it may spend all in
 * trimmed HTLCs, after it has taken those that we offered.
 */
export function checkOutputs(
  { params, format }: Pick<SendingState, "params" | "format">,
  load: CommitmentLoad,
  after: Shares & { readonly ours: boolean; readonly amount?: Msat },
): LimitViolation | undefined {
  if (keepsOurOutput({ params, format }, load, after)) return undefined;
  const { incoming, outgoing } = load.thresholds;
  const { amount, ours } = after;
  const added = (threshold: Msat): number => (amount === undefined || amount < threshold ? 0 : 1);
  const cases = [
    {
      at: { feerate: load.feerate, untrimmed: load.untrimmed },
      kept: load.kept.present,
      thresholds: { ours: outgoing.present, theirs: incoming.present },
    },
    {
      at: { feerate: load.spikedFeerate, untrimmed: load.spikedUntrimmed },
      kept: load.kept.spiked,
      thresholds: { ours: outgoing.spiked, theirs: incoming.spiked },
    },
  ];
  for (const { at, kept, thresholds } of cases) {
    const lasting = ours ? kept.offered : at.untrimmed;
    const where = {
      side: load.side,
      feerate: at.feerate,
      untrimmed: lasting + added(thresholds.ours),
      ...(ours && { crossing: thresholds.theirs }),
    };
    // As long as one of ours is there it has an output: the peer has to take all of them.
    const shares = ours ? { ...after, toRemote: plus(after.toRemote, kept.ours) } : after;
    const none = checkAnyOutput({ params, format }, where, shares);
    if (none !== undefined) return none;
  }
  return undefined;
}

/**
 * Whether our own share has an output at either feerate, though every HTLC were trimmed: mostly, nothing else is asked.
 */
function keepsOurOutput(
  { params, format }: Pick<SendingState, "params" | "format">,
  { side, spikedFeerate }: CommitmentLoad,
  { toLocal }: Shares,
): boolean {
  const cost = params.isOpener ? openerCost(format, spikedFeerate, 0) : zeroMsat;
  return toLocal >= plus(cost, satToMsat(ownerOf(params, side).dustLimit));
}

/** Which commitment is asked for its outputs. */
interface OutputsOf {
  readonly side: Side;
  readonly feerate: FeeratePerKw;
  /** HTLCs with an output. */
  readonly untrimmed: number;
  /** HTLCs of the peer's below this amount may be under way to us, as many as we take. */
  readonly crossing?: Msat;
}

/** Whether a commitment has any output. */
export function checkAnyOutput(
  { params, format }: Pick<SendingState, "params" | "format">,
  { side, feerate, untrimmed, crossing }: OutputsOf,
  shares: Shares,
): LimitViolation | undefined {
  if (untrimmed > 0) return undefined;
  const dustLimit = satToMsat(ownerOf(params, side).dustLimit);
  const cost = openerCost(format, feerate, 0);
  const toLocal = params.isOpener ? minusOrZero(shares.toLocal, cost) : shares.toLocal;
  const toRemote = params.isOpener ? shares.toRemote : minusOrZero(shares.toRemote, cost);
  const kept = crossing === undefined ? toRemote : keptByPeer(params, toRemote, crossing);
  return toLocal < dustLimit && kept < dustLimit ? { kind: "no-output-left", side } : undefined;
}

/** What stays with the peer, whatever it spends in trimmed HTLCs before it learns of ours. */
function keptByPeer({ local }: ChannelParams, toRemote: Msat, trimThreshold: Msat): Msat {
  const left = minusOrZero(toRemote, times(trimThreshold, local.maxAcceptedHtlcs));
  const reserve = satToMsat(local.channelReserve);
  return maxOf(left, toRemote < reserve ? toRemote : reserve);
}

/** A new feerate is refused for the exposure that it adds, not for the exposure that there was. */
export function checkExposureGrowth(
  commitments: Commitments,
  { side, exposure }: CommitmentLoad,
  htlcs: readonly SpecHtlc[],
  ctx: LimitsContext,
): LimitViolation | undefined {
  if (exposure <= ctx.maxDustExposure) return undefined;
  const { params } = commitments;
  const feerate = nextFeerate(commitments, side);
  const present = loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, htlcs);
  if (exposure <= present.exposure) return undefined;
  return { kind: "dust-exposure", side, exposure, maximum: ctx.maxDustExposure };
}
