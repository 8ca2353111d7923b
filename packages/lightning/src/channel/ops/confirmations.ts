import type { ShortChannelId } from "../../util/ids.ts";
import { present } from "../../util/invariant.ts";
import { shortChannelId } from "../../util/shortChannelId.ts";
import type { ChannelContext } from "../input.ts";
import type { FundedChannel } from "../state.ts";

/** How many blocks deep the funding is, 1 in the block that has it; 0 when it is not confirmed. */
export function confirmations(ctx: ChannelContext, { fundingStatus }: FundedChannel): number {
  return fundingStatus.kind === "confirmed" ? Math.max(ctx.bestHeight - fundingStatus.height + 1, 0) : 0;
}

/** The channel's place in the chain, or `undefined` as long as its funding is not confirmed. */
export function realShortChannelId({
  fundingStatus,
  commitments,
}: FundedChannel): ShortChannelId | undefined {
  if (fundingStatus.kind === "unconfirmed") return undefined;
  const { height, txIndex } = fundingStatus;
  const { index } = present(commitments.fundings[0], "a funding").outPoint;
  return shortChannelId({ height, txIndex, outputIndex: index });
}
