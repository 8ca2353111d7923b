import type { ChannelDetails } from "@fulmen/lightning/manager";
import type { ChannelPhase } from "../api/channels.ts";
import type { StoredParts } from "./nodeParts.ts";

const phases: Readonly<Record<string, ChannelPhase>> = {
  "wait-for-channel-ready": "opening",
  "shutting-down": "closing",
  negotiating: "closing",
  closing: "closed",
  "wait-for-remote-close": "closed",
  ended: "closed",
};

/** `closed` from the moment that its money is a matter of the chain. */
export function phaseOf({ state, isChannelReady }: ChannelDetails): ChannelPhase {
  return phases[state] ?? (isChannelReady ? "open" : "opening");
}

/** Channels whose balance is in their commitments, and not in the wallet still or on the chain already. */
export function liveChannels({
  manager,
  wallet,
}: Pick<StoredParts, "manager" | "wallet">): readonly ChannelDetails[] {
  return manager.listChannels().filter((channel) => {
    if (phaseOf(channel) === "closed") return false;
    const isFunded = channel.shortChannelId !== undefined || channel.isChannelReady;
    return isFunded || !channel.isOutbound || wallet.isActive(channel.funding.txid);
  });
}
