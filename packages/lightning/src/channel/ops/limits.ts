import type { LimitsContext } from "../../commitment/limits.ts";
import { type Msat, msat } from "../../util/units.ts";
import type { MaxDustHtlcExposure } from "../config.ts";
import type { ChannelContext } from "../input.ts";
import type { FundedChannel } from "../state.ts";

/** What we risk on this channel, for the checks of `commitment/limits.ts`. */
export function feeLimits(ctx: ChannelContext, channel: FundedChannel): LimitsContext {
  const { maximumFeeEstimate } = ctx.feerates;
  return {
    maxDustExposure: maxDustExposure(channel.identity.config.maxDustHtlcExposure, maximumFeeEstimate),
    exposureFeerate: maximumFeeEstimate,
  };
}

/** @ldk lightning::ln::channel::ChannelContext::get_max_dust_htlc_exposure_msat */
function maxDustExposure(
  exposure: MaxDustHtlcExposure,
  estimate: ChannelContext["feerates"]["maximumFeeEstimate"],
): Msat {
  return exposure.kind === "fixed" ? exposure.limit : msat(estimate * BigInt(exposure.multiplier));
}
