import type { ChannelConfig, UserConfig } from "../channel/config.ts";
import { minCltvExpiryDelta } from "../channel/deadlines.ts";
import { ApiError } from "./apiError.ts";

/** Throws `ApiError` when what forwarding goes by is out of its range. */
export function checkUserConfig({
  channelConfig,
  htlcInterceptionFlags,
  forwardingBudget,
}: UserConfig): void {
  checkChannelConfig(channelConfig);
  requireInRange("htlcInterceptionFlags", htlcInterceptionFlags, [0, 0xff]);
  requireInRange("forwardingBudget.maxSlotsPercent", forwardingBudget.maxSlotsPercent, [0, 100]);
  requireInRange("forwardingBudget.maxLiquidityPercent", forwardingBudget.maxLiquidityPercent, [0, 100]);
}

/**
 * Throws `ApiError` for what a `channel_update` cannot say, or when a `cltvExpiryDelta` would put forwarded funds at
 * risk.
 */
export function checkChannelConfig(config: ChannelConfig): void {
  const { cltvExpiryDelta, forwardingFeeBase, forwardingFeeProportionalMillionths } = config;
  requireInRange("cltvExpiryDelta", cltvExpiryDelta, [minCltvExpiryDelta, 0xffff]);
  requireInRange("forwardingFeeBase", Number(forwardingFeeBase), [0, 0xffff_ffff]);
  requireInRange(
    "forwardingFeeProportionalMillionths",
    forwardingFeeProportionalMillionths,
    [0, 0xffff_ffff],
  );
}

function requireInRange(name: string, value: number, [least, most]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ApiError("api-misuse", `${name} is ${value}: it must be from ${least} to ${most}`);
}
