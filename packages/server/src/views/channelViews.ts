import type { OutputOf } from "@fulmen/api";
import { formatShortChannelId } from "@fulmen/lightning/util";
import type { ChannelView } from "@fulmen/node";

/** The output of a transaction as JSON. */
export function outPointView({ txid, index }: ChannelView["funding"]): { txid: string; output: number } {
  return { txid, output: index };
}

/** A channel as JSON. */
export function channelView(channel: ChannelView): OutputOf<"channels">["channels"][number] {
  const {
    capacity,
    local,
    remote,
    spendable,
    receivable,
    htlcs,
    shortChannelId,
    closing,
    funding,
    confirmations,
  } = channel;
  return {
    channelId: channel.channelId,
    peer: channel.peer,
    phase: channel.phase,
    state: channel.state,
    isUsable: channel.isUsable,
    isConnected: channel.isConnected,
    isOutbound: channel.isOutbound,
    isAnnounced: channel.isAnnounced,
    capacitySat: capacity.toString(),
    localMsat: local.toString(),
    remoteMsat: remote.toString(),
    spendableMsat: spendable.toString(),
    receivableMsat: receivable.toString(),
    htlcs: htlcs.map(({ amount, ...rest }) => ({ ...rest, amountMsat: amount.toString() })),
    format: channel.format,
    funding: outPointView(funding),
    ...(shortChannelId !== undefined && { shortChannelId: formatShortChannelId(shortChannelId) }),
    ...(confirmations !== undefined && { confirmations: { ...confirmations } }),
    closing: closing.map(({ amount, ...rest }) => ({
      ...rest,
      ...(amount !== undefined && { amountSat: amount.toString() }),
    })),
    explanation: channel.explanation,
  };
}
