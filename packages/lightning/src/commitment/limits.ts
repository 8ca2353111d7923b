import { invariant } from "../util/invariant.ts";
import {
  type FeeratePerKw,
  type Msat,
  minus,
  minusOrZero,
  plus,
  satToMsat,
  sum,
  zeroMsat,
} from "../util/units.ts";
import type { Commitments } from "./commitments.ts";
import { nextFeerate } from "./dance.ts";
import type { CommitmentFormat } from "./format.ts";
import { formatOf } from "./formats/formatOf.ts";
import type { Htlc } from "./htlc.ts";
import { ownerOf, type Side } from "./keys.ts";
import { type LimitViolation, violation } from "./limitViolation.ts";
import { type CommitmentLoad, loadOf, openerCost } from "./load.ts";
import type { ChannelParams } from "./params.ts";
import { type SpecHtlc, specOf, specWithPending } from "./spec.ts";

// Whether HTLCs and feerates keep a channel's limits (BOLT 2, "Adding an HTLC" and "Updating Fees"). Every check goes
// over all active fundings and both commitments.

/** What we risk. */
export interface LimitsContext {
  /** Highest sum of HTLCs that one commitment's confirmation may lose to miners. */
  readonly maxDustExposure: Msat;
  /** What the peer's commitment pays beyond this feerate counts as exposure; not counted when absent. */
  readonly exposureFeerate?: FeeratePerKw;
}

/** From here on a locktime is a time (BOLT 2). */
const firstNoHeight = 500_000_000;
/** For so many HTLCs that the peer may be adding while our new feerate is under way, we keep the fee. */
const concurrentIncomingHtlcs = 2;
const sides: readonly Side[] = ["local", "remote"];

/** What two parties have on a commitment before fees. */
interface Shares {
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

export function sendingState(commitments: Commitments, ctx: LimitsContext): SendingState {
  const { params } = commitments;
  const { htlcs, shares } = pendingShares(commitments);
  const feerates = new Set(commitments.feerates.map(({ feerate }) => feerate));
  const loads: CommitmentLoad[] = [];
  for (const feerate of feerates) {
    for (const side of sides)
      loads.push(loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, htlcs));
  }
  const offered = htlcs.filter(({ direction }) => direction === "outgoing");
  const inFlight = sum(offered.map(({ amount }) => amount));
  const format = formatOf(params.format);
  return { params, format, ctx, count: offered.length, inFlight, shares, loads };
}

/**
 * Whether we may offer this HTLC now: what the peer would refuse, what BOLT 2 tells senders, and what we risk.
 *
 * @ldk lightning::ln::channel::ChannelContext::get_available_balances
 */
export function checkOutgoingAdd(
  commitments: Commitments,
  add: Pick<Htlc, "amount" | "cltvExpiry">,
  ctx: LimitsContext,
): LimitViolation | undefined {
  const { amount, cltvExpiry } = add;
  if (cltvExpiry >= firstNoHeight) return violation({ kind: "expiry-not-a-height", cltvExpiry });
  return checkAmount(sendingState(commitments, ctx), amount);
}

/** `checkOutgoingAdd` of an amount. */
export function checkAmount(state: SendingState, amount: Msat): LimitViolation | undefined {
  const { count, inFlight, shares, loads } = state;
  const { htlcMinimum, maxAcceptedHtlcs, maxHtlcValueInFlight, channelReserve } = state.params.remote;
  const refused = checkOffer(
    { amount, count, inFlight },
    { htlcMinimum, maxAcceptedHtlcs, maxHtlcValueInFlight },
  );
  if (refused !== undefined) return refused;
  const reserve = satToMsat(channelReserve);
  for (const { toLocal } of shares) {
    if (toLocal < plus(amount, reserve)) {
      return violation({ kind: "below-reserve", balance: toLocal, amount, reserve });
    }
  }
  for (const load of loads) {
    const exposed = checkExposureOfAmount(state, load, amount);
    if (exposed !== undefined) return exposed;
    for (const { toLocal, toRemote } of shares) {
      const after = { toLocal: minus(toLocal, amount), toRemote };
      const short =
        checkFeeOfAmount(state, load, { ...after, amount }) ??
        checkOutputs(state, load, { ...after, amount });
      if (short !== undefined) return short;
    }
  }
  return undefined;
}

/**
 * Whether the HTLC that the peer just added, the last row of the table, keeps the limits that BOLT 2 has receivers
 * enforce. A violation is the peer's fault, whatever is under way: only what the peer knew when it sent is held
 * against it. If we are the opener, it must leave us the whole fee; that it leaves us our reserve as well is no duty,
 * see `acceptIncomingHtlc`.
 *
 * @ldk lightning::ln::channel::ChannelContext::validate_update_add_htlc
 */
export function checkIncomingAdd(commitments: Commitments): LimitViolation | undefined {
  const add = commitments.htlcs.at(-1);
  invariant(add?.state === "received-add-htlc", "the last HTLC was not just added by the peer");
  const { amount, cltvExpiry } = add;
  if (cltvExpiry >= firstNoHeight) return violation({ kind: "expiry-not-a-height", cltvExpiry });
  const { params } = commitments;
  const before = { ...commitments, htlcs: commitments.htlcs.slice(0, -1) };
  const { htlcs, shares } = nextLocalShares(before);
  const offered = htlcs.filter(({ direction }) => direction === "incoming");
  const inFlight = sum(offered.map((htlc) => htlc.amount));
  const refused = checkOffer({ amount, count: offered.length, inFlight }, params.local);
  if (refused !== undefined) return refused;
  const reserve = satToMsat(params.local.channelReserve);
  for (const { toRemote } of shares) {
    if (toRemote < plus(amount, reserve)) {
      return violation({ kind: "below-reserve", balance: toRemote, amount, reserve });
    }
  }
  const feerate = nextFeerate(commitments, "local");
  const withAdd = [...htlcs, add];
  for (const side of sides) {
    const load = loadOf({ params, side, feerate, exposureFeerate: undefined }, withAdd);
    const trimmed = amount < load.thresholds.incoming.present;
    // Who receives pays for the output of an HTLC, but not for what was short before.
    if (params.isOpener && trimmed) continue;
    for (const { toLocal, toRemote } of shares) {
      const after = { toLocal, toRemote: minus(toRemote, amount) };
      const kept = params.isOpener ? zeroMsat : reserve;
      const short = checkOpenerPays(params, load, {
        ...after,
        reserve: kept,
        feerate,
        untrimmed: load.untrimmed,
      });
      if (short !== undefined) return short;
    }
  }
  return undefined;
}

/**
 * Whether to keep an incoming HTLC that is irrevocably added, or to fail it back: it may be honest and yet put more at
 * risk than we want, or take the opener's means to pay for a rise of the feerate.
 *
 * @ldk lightning::ln::channel::FundedChannel::can_accept_incoming_htlc
 */
export function acceptIncomingHtlc(
  commitments: Commitments,
  htlc: Pick<Htlc, "amount">,
  ctx: LimitsContext,
): LimitViolation | undefined {
  const { params, loads, shares } = sendingState(commitments, ctx);
  for (const load of loads) {
    const { side, exposure, exposurePerHtlc } = load;
    const adds = htlc.amount < load.thresholds.incoming.buffered || exposurePerHtlc > 0n;
    if (adds && exposure > ctx.maxDustExposure) {
      return violation({ kind: "dust-exposure", side, exposure, maximum: ctx.maxDustExposure });
    }
    // As LDK, on the peer's commitment only when the peer pays: it is the one that it reckons with.
    if (!params.isOpener && side === "local") continue;
    const feerate = params.isOpener ? load.feerate : load.spikedFeerate;
    const reserve = params.isOpener ? zeroMsat : satToMsat(params.local.channelReserve);
    for (const share of shares) {
      const short = checkOpenerPays(params, load, {
        ...share,
        reserve,
        feerate,
        untrimmed: load.untrimmed + 1,
      });
      if (short !== undefined) return short;
    }
  }
  return undefined;
}

/**
 * Whether we, the opener, may propose `feerate`: we must be able to pay it on both commitments, with two more HTLCs on
 * them, and it must not trim more than we risk.
 *
 * @ldk lightning::ln::channel::FundedChannel::can_send_update_fee
 */
export function checkOutgoingFee(
  commitments: Commitments,
  feerate: FeeratePerKw,
  ctx: LimitsContext,
): LimitViolation | undefined {
  const { params } = commitments;
  if (!params.isOpener) return violation({ kind: "not-opener" });
  const reserve = satToMsat(params.remote.channelReserve);
  const pending = pendingShares(commitments);
  for (const side of sides) {
    const load = loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, pending.htlcs);
    const untrimmed = load.untrimmed + concurrentIncomingHtlcs;
    for (const share of pending.shares) {
      const short =
        checkOpenerPays(params, load, { ...share, reserve, feerate, untrimmed }) ??
        checkOutputs({ params, format: formatOf(params.format) }, load, share);
      if (short !== undefined) return short;
    }
    const exposed = checkExposureGrowth(commitments, load, pending.htlcs, ctx);
    if (exposed !== undefined) return exposed;
  }
  return undefined;
}

/** Which feerates of the peer we take. */
export interface FeerateBounds {
  /** Below it, a commitment might not confirm in time. */
  readonly minimum: FeeratePerKw;
  readonly maximum?: FeeratePerKw;
}

/**
 * Whether the peer may set `feerate`, before or after it is in the table: it must be the opener, within `bounds`, able
 * to pay on our commitment and keep its reserve (BOLT 2, "Updating Fees"), and not trim more than we risk.
 *
 * @ldk lightning::ln::channel::ChannelContext::validate_update_fee
 */
export function checkIncomingFee(
  commitments: Commitments,
  feerate: FeeratePerKw,
  ctx: LimitsContext & { readonly bounds: FeerateBounds },
): LimitViolation | undefined {
  const { params } = commitments;
  const { minimum, maximum } = ctx.bounds;
  if (params.isOpener) return violation({ kind: "not-opener" });
  if (feerate < minimum) return violation({ kind: "feerate-too-low", feerate, minimum });
  if (maximum !== undefined && feerate > maximum) {
    return violation({ kind: "feerate-too-high", feerate, maximum });
  }
  const { htlcs, shares } = nextLocalShares(commitments);
  for (const side of sides) {
    const load = loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, htlcs);
    const reserve = side === "local" ? satToMsat(params.local.channelReserve) : zeroMsat;
    for (const share of shares) {
      const short =
        checkOpenerPays(params, load, { ...share, reserve, feerate, untrimmed: load.untrimmed }) ??
        checkOutputs({ params, format: formatOf(params.format) }, load, share);
      if (short !== undefined) return short;
    }
    const exposed = checkExposureGrowth(commitments, load, htlcs, ctx);
    if (exposed !== undefined) return exposed;
  }
  return undefined;
}

/** What both sides will have once everything that is under way to the peer has arrived. */
function pendingShares(commitments: Commitments): {
  readonly htlcs: readonly SpecHtlc[];
  readonly shares: readonly Shares[];
} {
  const shares = commitments.fundings.map((funding) => specWithPending(commitments, funding));
  return { htlcs: shares[0]?.htlcs ?? [], shares };
}

/** What our next commitment has: what the peer knows of, and no more. */
function nextLocalShares(commitments: Commitments): {
  readonly htlcs: readonly SpecHtlc[];
  readonly shares: readonly Shares[];
} {
  const shares = commitments.fundings.map((funding) => specOf(commitments, funding, "local", "next"));
  return { htlcs: shares[0]?.htlcs ?? [], shares };
}

/** The limits that the receiver of an HTLC has set; `count` and `inFlight` are those before it. */
function checkOffer(
  offer: { readonly amount: Msat; readonly count: number; readonly inFlight: Msat },
  limits: Pick<ChannelParams["local"], "htlcMinimum" | "maxAcceptedHtlcs" | "maxHtlcValueInFlight">,
): LimitViolation | undefined {
  const { amount } = offer;
  if (amount === 0n) return violation({ kind: "amount-zero" });
  if (amount < limits.htlcMinimum) {
    return violation({ kind: "below-htlc-minimum", amount, minimum: limits.htlcMinimum });
  }
  const count = offer.count + 1;
  if (count > limits.maxAcceptedHtlcs) {
    return violation({ kind: "too-many-htlcs", count, maximum: limits.maxAcceptedHtlcs });
  }
  const inFlight = plus(offer.inFlight, amount);
  if (inFlight > limits.maxHtlcValueInFlight) {
    return violation({ kind: "too-much-in-flight", inFlight, maximum: limits.maxHtlcValueInFlight });
  }
  return undefined;
}

function checkExposureOfAmount(
  { ctx }: SendingState,
  { side, exposure, exposurePerHtlc, thresholds }: CommitmentLoad,
  amount: Msat,
): LimitViolation | undefined {
  const adds = amount < thresholds.outgoing.buffered ? amount : exposurePerHtlc;
  const risked = plus(exposure, adds);
  if (adds === 0n || risked <= ctx.maxDustExposure) return undefined;
  return violation({ kind: "dust-exposure", side, exposure: risked, maximum: ctx.maxDustExposure });
}

/**
 * Whoever opened must be able to pay for the output of our new HTLC. If it is us, then at the feerate of the fee spike
 * buffer, and for the output of one more HTLC that the peer may add.
 */
function checkFeeOfAmount(
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

function checkOpenerPays(
  params: ChannelParams,
  { side }: CommitmentLoad,
  bill: Shares & { readonly reserve: Msat; readonly feerate: FeeratePerKw; readonly untrimmed: number },
): LimitViolation | undefined {
  const balance = params.isOpener ? bill.toLocal : bill.toRemote;
  const { reserve } = bill;
  const cost = openerCost(formatOf(params.format), bill.feerate, bill.untrimmed);
  if (balance >= plus(cost, reserve)) return undefined;
  const opener = params.isOpener ? "we" : "peer";
  return violation({ kind: "opener-cannot-afford-fee", opener, side, balance, cost, reserve });
}

/**
 * A commitment must keep an output, also after a rise of the feerate: with a reserve of zero, fees and trimming could
 * leave none. `amount`, if given, is that of a new HTLC of ours.
 */
function checkOutputs(
  { params, format }: Pick<SendingState, "params" | "format">,
  load: CommitmentLoad,
  after: Shares & { readonly amount?: Msat },
): LimitViolation | undefined {
  const dustLimit = satToMsat(ownerOf(params, load.side).dustLimit);
  const { present, spiked } = load.thresholds.outgoing;
  const { amount } = after;
  const added = (threshold: Msat): number => (amount === undefined || amount < threshold ? 0 : 1);
  const cases = [
    { feerate: load.feerate, untrimmed: load.untrimmed + added(present) },
    { feerate: load.spikedFeerate, untrimmed: load.spikedUntrimmed + added(spiked) },
  ];
  for (const { feerate, untrimmed } of cases) {
    if (untrimmed > 0) continue;
    const cost = openerCost(format, feerate, 0);
    const toLocal = params.isOpener ? minusOrZero(after.toLocal, cost) : after.toLocal;
    const toRemote = params.isOpener ? after.toRemote : minusOrZero(after.toRemote, cost);
    if (toLocal < dustLimit && toRemote < dustLimit) {
      return violation({ kind: "no-output-left", side: load.side });
    }
  }
  return undefined;
}

/** A new feerate is refused for the exposure that it adds, not for the exposure that there was. */
function checkExposureGrowth(
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
  return violation({ kind: "dust-exposure", side, exposure, maximum: ctx.maxDustExposure });
}
