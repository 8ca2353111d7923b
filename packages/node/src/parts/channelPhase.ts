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

/** Whether it is to end, and no transaction in a block has ended it yet. */
export function isClosing(
  channel: ChannelDetails,
  { chainMonitor }: Pick<StoredParts, "chainMonitor">,
): boolean {
  const phase = phaseOf(channel);
  if (phase !== "closed") return phase === "closing";
  const monitor = chainMonitor.monitor(channel.channelId);
  return monitor !== undefined && monitor.chain.fundingSpend === undefined;
}

/** Whether a newer state than ours is lost, by the peer's proof or a restore: only the peer can close it. */
export function isStateLost({ state }: ChannelDetails): boolean {
  return state === "wait-for-remote-close";
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
