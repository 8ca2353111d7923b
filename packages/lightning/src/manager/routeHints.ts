import { confirmations, realShortChannelId } from "../channel/ops/confirmations.ts";
import { fundedChannel } from "../channel/state.ts";
import type { RouteHintHop } from "../invoice/index.ts";
import type { NodeId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { type Msat, minusOrZero, satToMsat } from "../util/units.ts";
import { isAnnounced } from "./announcer.ts";
import { isUsable } from "./channelDetails.ts";
import type { ManagerCore } from "./managerCore.ts";

/** What is to be known of a channel over which we may be paid. Plain data: it may be sent to another process. */
export interface HintChannel {
  readonly counterparty: NodeId;
  /** How the peer passes payments on to us; absent as long as it has not said, or it has no name for the channel. */
  readonly hop?: RouteHintHop;
  /** What can come in, once all that is on its way has failed. */
  readonly inboundCapacity: Msat;
  readonly isUsable: boolean;
  readonly isAnnounced: boolean;
  /** Payers find it by themselves. */
  readonly isWellKnown: boolean;
}

/** Hints in an invoice at most. @ldk MAX_CHANNEL_HINTS */
export const maxRouteHints = 3;
/** Confirmations at which an announced channel is known: the announcement has had a block's time to spread. */
const confirmationsUntilKnown = 7;

/** Our channels that are ready. Nothing is computed for any of them that takes long: there may be thousands. */
export function hintChannels({ channels, counterpartyTerms }: ManagerCore): readonly HintChannel[] {
  const found: HintChannel[] = [];
  for (const [channelId, { state }] of channels.all()) {
    const channel = fundedChannel(state);
    if (channel === undefined || !channel.localReady || !channel.remoteReady) continue;
    if (state.kind === "closing" || state.kind === "wait-for-remote-close") continue;
    const { commitments, identity, remoteAlias } = channel;
    const { counterparty: nodeId } = identity;
    const shortChannelId = remoteAlias ?? realShortChannelId(channel);
    const terms = counterpartyTerms.of(channelId);
    const { remoteBalance } = present(commitments.fundings[0], "a funding");
    const reserve = satToMsat(commitments.params.local.channelReserve);
    const depth = confirmations(channels.context, channel);
    found.push({
      counterparty: nodeId,
      ...(shortChannelId !== undefined &&
        terms !== undefined && { hop: { nodeId, shortChannelId, ...terms } }),
      inboundCapacity: minusOrZero(remoteBalance, reserve),
      isUsable: isUsable(state),
      isAnnounced: identity.announce,
      isWellKnown: isAnnounced(channel) && depth >= confirmationsUntilKnown,
    });
  }
  return found;
}

/**
 * The ways that an invoice names, by LDK's rules. None when payers find us by a public channel; public channels only
 * while one of them is about to become known. Otherwise one channel of each peer, of those that are connected and can
 * take the amount, the smallest first; where there are none, of those that come nearest to that, the largest first.
 *
 * @ldk lightning::ln::invoice_utils::sort_and_filter_channels
 */
export function chooseRouteHints(
  channels: readonly HintChannel[],
  amount: Msat | undefined,
): readonly RouteHintHop[] {
  if (channels.some(({ isWellKnown }) => isWellKnown)) return [];
  const hinted = channels.filter(({ hop }) => hop !== undefined);
  const least = amount ?? 0n;
  const takesAmount = ({ inboundCapacity }: HintChannel) => inboundCapacity >= least;
  const isBest = (channel: HintChannel) => takesAmount(channel) && channel.isUsable;
  const hasBest = hinted.some(isBest);
  const isEligible = eligible(hinted, { takesAmount, isBest });
  return onePerPeer(hinted, amount)
    .filter(isEligible)
    .sort((a, b) => (hasBest ? byCapacity(a, b) : byCapacity(b, a)))
    .slice(0, maxRouteHints)
    .map(({ hop }) => present(hop, "the hop of a hint"));
}

type Test = (channel: HintChannel) => boolean;

/** Which channels come nearest to what a hint should be. */
function eligible(
  channels: readonly HintChannel[],
  { takesAmount, isBest }: { readonly takesAmount: Test; readonly isBest: Test },
): Test {
  // Private channels are not told of by those who will be found by a public one.
  if (channels.some(({ isAnnounced: announced }) => announced))
    return ({ isAnnounced: announced }) => announced;
  if (channels.some(isBest)) return isBest;
  if (channels.some(takesAmount)) return takesAmount;
  if (channels.some((channel) => channel.isUsable)) return (channel) => channel.isUsable;
  return () => true;
}

function onePerPeer(channels: readonly HintChannel[], amount: Msat | undefined): readonly HintChannel[] {
  const chosen = new Map<NodeId, HintChannel>();
  for (const channel of channels) {
    const current = chosen.get(channel.counterparty);
    const isBetter =
      current === undefined ||
      (channel.isAnnounced && !current.isAnnounced) ||
      (channel.isAnnounced === current.isAnnounced && !isPreferred(current, channel, amount));
    if (isBetter) chosen.set(channel.counterparty, channel);
  }
  return [...chosen.values()];
}

/**
 * Whether the first of two channels with the same peer is the one to name: the smaller, where both have a tenth more
 * room than the amount, so that large ones keep theirs; else the larger.
 *
 * @ldk prefer_current_channel
 */
function isPreferred(
  { inboundCapacity: current }: HintChannel,
  { inboundCapacity: candidate }: HintChannel,
  amount: Msat | undefined,
): boolean {
  if (amount === undefined) return current > candidate;
  const suffices = (capacity: Msat) => capacity * 100n >= amount * 110n;
  if (suffices(current) && suffices(candidate)) return current < candidate;
  if (suffices(current) || suffices(candidate)) return suffices(current);
  return current > candidate;
}

function byCapacity({ inboundCapacity: a }: HintChannel, { inboundCapacity: b }: HintChannel): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
