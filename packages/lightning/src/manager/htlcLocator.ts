import type { HtlcRef } from "../channel/disposition.ts";
import type { HtlcLocator } from "../handlers/event.ts";
import type { Msat } from "../util/units.ts";
import type { Channels } from "./channels.ts";

/** An HTLC as events name it; without the peer and the user's id where its channel is gone. */
export function htlcLocator(channels: Channels, { channelId, htlcId }: HtlcRef, amount: Msat): HtlcLocator {
  const identity = channels.funded(channelId)?.identity;
  return {
    channelId,
    amount,
    htlcId,
    ...(identity && { userChannelId: identity.userChannelId, nodeId: identity.counterparty }),
  };
}
