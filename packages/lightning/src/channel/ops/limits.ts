import { formatOf } from "../../commitment/formats/formatOf.ts";
import type { LimitsContext } from "../../commitment/limits.ts";
import { type FeeratePerKw, feeratePerKw, type Msat, msat } from "../../util/units.ts";
import type { MaxDustHtlcExposure } from "../config.ts";
import type { ChannelContext } from "../input.ts";
import type { FundedChannel } from "../state.ts";

/** One sat/vB: what a limit in multiples of a feerate is reckoned by where dust does not depend on feerates. As LDK. */
const relayFeerate: FeeratePerKw = feeratePerKw(250);

/** What we risk on this channel, for the checks of `commitment/limits.ts`. */
export function feeLimits(ctx: ChannelContext, channel: FundedChannel): LimitsContext {
  const { maxDustHtlcExposure } = channel.identity.config;
  if (formatOf(channel.commitments.params.format).feerateBasis === "none") {
    return { maxDustExposure: maxDustExposure(maxDustHtlcExposure, relayFeerate) };
  }
  const { maximumFeeEstimate } = ctx.feerates;
  return {
    maxDustExposure: maxDustExposure(maxDustHtlcExposure, maximumFeeEstimate),
    exposureFeerate: maximumFeeEstimate,
  };
}

/** @ldk lightning::ln::channel::ChannelContext::get_max_dust_htlc_exposure_msat */
function maxDustExposure(exposure: MaxDustHtlcExposure, feerate: FeeratePerKw): Msat {
  return exposure.kind === "fixed" ? exposure.limit : msat(feerate * BigInt(exposure.multiplier));
}
