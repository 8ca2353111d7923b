import type { ChannelDetails } from "@fulmen/lightning/manager";
import { zeroMsat } from "@fulmen/lightning/util";
import type { ChannelPhase, ChannelView } from "../api/channels.ts";
import { receivableOf, sidesOf } from "../balances/index.ts";
import { closeSteps } from "../closes/index.ts";
import { isClosing, isStateLost, type NodeParts, phaseOf } from "../parts/index.ts";
import { type HtlcContext, htlcContext, htlcView } from "./htlcViews.ts";

type ViewParts = Pick<NodeParts, "manager" | "chainMonitor" | "peerManager" | "keys">;

/** All channels that are not forgotten, closed ones included. */
export function channelViews(parts: ViewParts): readonly ChannelView[] {
  const { manager } = parts;
  const channels = manager.listChannels();
  const htlcs = htlcContext(channels, manager.listClaimablePayments());
  return channels.map((channel) => viewOf(channel, parts, htlcs));
}

function viewOf(
  channel: ChannelDetails,
  { manager, chainMonitor, peerManager, keys }: ViewParts,
  htlcs: HtlcContext,
): ChannelView {
  const { channelId, counterparty: peer, shortChannelId } = channel;
  const phase = phaseOf(channel);
  const isConnected = peerManager.peer(peer) !== undefined;
  const monitor = chainMonitor.monitor(channelId);
  const destination = keys.destinationScript(new Uint8Array(32));
  const isClosed = phase === "closed";
  const { local, remote } = sidesOf(channel);
  return {
    channelId,
    peer,
    phase,
    state: channel.state,
    isUsable: channel.isUsable,
    isConnected,
    isOutbound: channel.isOutbound,
    isAnnounced: channel.isAnnounced,
    capacity: channel.capacity,
    local: isClosed ? zeroMsat : local,
    remote: isClosed ? zeroMsat : remote,
    spendable: channel.nextOutboundHtlcLimit,
    receivable: receivableOf(channel),
    htlcs: isClosed ? [] : channel.htlcs.map((htlc) => htlcView(htlc, isConnected, htlcs)),
    format: channel.format,
    funding: channel.funding,
    ...(phase === "opening" && {
      confirmations: { have: channel.confirmations, need: channel.confirmationsRequired },
    }),
    ...(shortChannelId !== undefined && { shortChannelId }),
    closing: monitor === undefined ? [] : closeSteps(monitor, manager.bestBlock.height, destination),
    explanation: explanationOf(channel, phase, isConnected, isClosing(channel, { chainMonitor })),
  };
}

function explanationOf(
  channel: ChannelDetails,
  phase: ChannelPhase,
  isConnected: boolean,
  isWaitingForBlock: boolean,
): string {
  const { isUsable, htlcs, confirmations, confirmationsRequired: needed } = channel;
  switch (phase) {
    case "opening":
      return confirmations < needed
        ? `its funding transaction has ${confirmations} of ${needed} confirmations`
        : "the peer has to say that it is ready, too";
    case "open":
      if (isUsable) return "it can carry payments";
      return isConnected ? "both sides are getting in step again" : "the peer is not connected";
    case "closing":
      return htlcs.length > 0
        ? `both sides agree to close it once ${htlcs.length} payments on it have ended`
        : "both sides are agreeing on the closing transaction";
    case "closed":
      if (isWaitingForBlock && isStateLost(channel))
        return "its newest state is lost: the peer has to publish its commitment, which says what of it is ours";
      if (isWaitingForBlock) return "it is closed; the transaction that closes it waits for a block";
      return "it is closed; what is left of it is a matter of the chain";
  }
}
