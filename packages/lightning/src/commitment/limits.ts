import { invariant } from "../util/invariant.ts";
import {
  type FeeratePerKw,
  type Msat,
  minus,
  plus,
  satToMsat,
  sum,
  zeroMsat,
  zeroSat,
} from "../util/units.ts";
import type { Commitments } from "./commitments.ts";
import { nextFeerate } from "./dance.ts";
import { formatOf } from "./formats/formatOf.ts";
import type { Htlc } from "./htlc.ts";
import type { Side } from "./keys.ts";
import {
  checkAnyOutput,
  checkExposureGrowth,
  checkExposureOfAmount,
  checkFeeOfAmount,
  checkOffer,
  checkOpenerPays,
  checkOutputs,
  type LimitsContext,
  nextLocalShares,
  pendingShares,
  type SendingState,
} from "./limitChecks.ts";
import type { LimitViolation } from "./limitViolation.ts";
import { type CommitmentLoad, loadOf } from "./load.ts";

export type { LimitsContext } from "./limitChecks.ts";

// Whether HTLCs and feerates keep a channel's limits (BOLT 2, "Adding an HTLC" and "Updating Fees"). Every check goes
// over all active fundings and both commitments.

/** From here on a locktime is a time (BOLT 2). */
const firstNoHeight = 500_000_000;
/** For so many HTLCs that the peer may be adding while our new feerate is under way, we keep the fee. */
const concurrentIncomingHtlcs = 2;
const sides: readonly Side[] = ["local", "remote"];

/** Counts once what the limits of our next HTLC depend on, and whether one that came may stay. */
export function sendingState(commitments: Commitments, ctx: LimitsContext): SendingState {
  const { params } = commitments;
  const { htlcs, shares } = pendingShares(commitments);
  const feerates = new Set(commitments.feerates.map(({ feerate }) => feerate));
  const loads: CommitmentLoad[] = [];
  for (const feerate of feerates) {
    for (const side of sides) {
      loads.push(loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, htlcs));
    }
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
  if (cltvExpiry >= firstNoHeight) return { kind: "expiry-not-a-height", cltvExpiry };
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
      return { kind: "below-reserve", balance: toLocal, amount, reserve };
    }
  }
  for (const load of loads) {
    const exposed = checkExposureOfAmount(state, load, amount);
    if (exposed !== undefined) return exposed;
    for (const { toLocal, toRemote } of shares) {
      const after = { toLocal: minus(toLocal, amount), toRemote };
      const short =
        checkFeeOfAmount(state, load, { ...after, amount }) ??
        checkOutputs(state, load, { ...after, amount, ours: true });
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
  if (cltvExpiry >= firstNoHeight) return { kind: "expiry-not-a-height", cltvExpiry };
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
      return { kind: "below-reserve", balance: toRemote, amount, reserve };
    }
  }
  const feerate = nextFeerate(commitments, "local");
  const withAdd = [...htlcs, add];
  for (const side of sides) {
    const load = loadOf({ params, side, feerate, exposureFeerate: undefined }, withAdd);
    const trimmed = amount < load.thresholds.incoming.present;
    for (const { toLocal, toRemote } of hasSharedAnchor(params) ? [] : shares) {
      const after = { toLocal, toRemote: minus(toRemote, amount) };
      const at = { side, feerate, untrimmed: load.untrimmed };
      const none = checkAnyOutput({ params, format: formatOf(params.format) }, at, after);
      if (none !== undefined) return none;
    }
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

/** Then no commitment is without outputs: what the peer leaves of its own is its own affair, and LDK's sends so. */
function hasSharedAnchor({ format }: Commitments["params"]): boolean {
  return formatOf(format).sharedAnchor(() => zeroSat) !== undefined;
}

/**
 * Whether to keep an incoming HTLC that is irrevocably added, or to fail it back: it may be honest and yet put more at
 * risk than we want, or take the opener's means to pay for a rise of the feerate.
 *
 * @ldk lightning::ln::channel::FundedChannel::can_accept_incoming_htlc
 */
export function acceptIncomingHtlc(
  { params, loads, shares, ctx }: SendingState,
  htlc: Pick<Htlc, "amount">,
): LimitViolation | undefined {
  for (const load of loads) {
    const { side, exposure, exposurePerHtlc } = load;
    const adds = htlc.amount < load.thresholds.incoming.buffered || exposurePerHtlc > 0n;
    if (adds && exposure > ctx.maxDustExposure) {
      return { kind: "dust-exposure", side, exposure, maximum: ctx.maxDustExposure };
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
  if (formatOf(params.format).feerateBasis === "none") return { kind: "no-feerate" };
  if (!params.isOpener) return { kind: "not-opener" };
  const reserve = satToMsat(params.remote.channelReserve);
  const pending = pendingShares(commitments);
  for (const side of sides) {
    const load = loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, pending.htlcs);
    const untrimmed = load.untrimmed + concurrentIncomingHtlcs;
    for (const share of pending.shares) {
      const short =
        checkOpenerPays(params, load, { ...share, reserve, feerate, untrimmed }) ??
        checkOutputs({ params, format: formatOf(params.format) }, load, { ...share, ours: true });
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
  if (formatOf(params.format).feerateBasis === "none") return { kind: "no-feerate" };
  if (params.isOpener) return { kind: "not-opener" };
  if (feerate < minimum) return { kind: "feerate-too-low", feerate, minimum };
  if (maximum !== undefined && feerate > maximum) {
    return { kind: "feerate-too-high", feerate, maximum };
  }
  const { htlcs, shares } = nextLocalShares(commitments);
  for (const side of sides) {
    const load = loadOf({ params, side, feerate, exposureFeerate: ctx.exposureFeerate }, htlcs);
    const reserve = side === "local" ? satToMsat(params.local.channelReserve) : zeroMsat;
    for (const share of shares) {
      const short =
        checkOpenerPays(params, load, { ...share, reserve, feerate, untrimmed: load.untrimmed }) ??
        checkOutputs({ params, format: formatOf(params.format) }, load, { ...share, ours: false });
      if (short !== undefined) return short;
    }
    const exposed = checkExposureGrowth(commitments, load, htlcs, ctx);
    if (exposed !== undefined) return exposed;
  }
  return undefined;
}
