import type { ChannelContext } from "../channel/input.ts";
import { confirmations, realShortChannelId } from "../channel/ops/confirmations.ts";
import { feeLimits } from "../channel/ops/limits.ts";
import type { ChannelState, FundedChannel } from "../channel/state.ts";
import { fundedChannel } from "../channel/state.ts";
import { availableToSend } from "../commitment/balances.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { FormatName } from "../commitment/params.ts";
import type { ChannelId, NodeId, OutPoint, ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { type Msat, type Sat, zeroMsat } from "../util/units.ts";

/**
 * An HTLC as the user of its channel sees it.
 *
 * @ldk lightning::ln::channel_state::InboundHTLCDetails, OutboundHTLCDetails
 */
export interface HtlcDetails
  extends Pick<Htlc, "direction" | "id" | "amount" | "paymentHash" | "cltvExpiry"> {
  /** How it is going to end, once its receiver has said so. */
  readonly ending?: "fulfilled" | "failed";
}

/** What a user sees of a channel. @ldk lightning::ln::channel_state::ChannelDetails */
export interface ChannelDetails {
  readonly channelId: ChannelId;
  readonly counterparty: NodeId;
  readonly userChannelId: bigint;
  /** The state's name: see `ChannelState`. */
  readonly state: string;
  readonly format: FormatName;
  readonly isOutbound: boolean;
  readonly isAnnounced: boolean;
  readonly capacity: Sat;
  readonly funding: OutPoint;
  /** Of the funding, 1 in the block that has it, and how many we wait for before the channel is used. */
  readonly confirmations: number;
  readonly confirmationsRequired: number;
  /** The real one, once the funding is confirmed. */
  readonly shortChannelId?: ShortChannelId;
  /** By which our peer calls the channel towards payers; by which we are paid over it. */
  readonly inboundAlias?: ShortChannelId;
  readonly localBalance: Msat;
  readonly remoteBalance: Msat;
  /** The bounds of one HTLC that we may offer now; both zero when none may be. */
  readonly nextOutboundHtlcMinimum: Msat;
  readonly nextOutboundHtlcLimit: Msat;
  readonly pendingHtlcs: number;
  /** Those, until their removal is irrevocable. */
  readonly htlcs: readonly HtlcDetails[];
  /** What we must leave on our side, and the peer on its own. */
  readonly localReserve: Sat;
  readonly remoteReserve: Sat;
  readonly isChannelReady: boolean;
  /** Ready, connected and in step. */
  readonly isUsable: boolean;
}

export function channelDetails(ctx: ChannelContext, state: ChannelState): ChannelDetails | undefined {
  const channel = fundedChannel(state);
  if (channel === undefined) return undefined;
  const { commitments, identity } = channel;
  const funding = present(commitments.fundings[0], "a funding");
  const usable = isUsable(state);
  const sendable = usable ? availableToSend(commitments, feeLimits(ctx, channel)) : undefined;
  const real = realShortChannelId(channel);
  return {
    channelId: commitments.channelId,
    counterparty: identity.counterparty,
    userChannelId: identity.userChannelId,
    state: state.kind === "awaiting-signer" ? state.before.kind : state.kind,
    format: commitments.params.format,
    isOutbound: commitments.params.isOpener,
    isAnnounced: identity.announce,
    capacity: funding.capacity,
    funding: funding.outPoint,
    confirmations: confirmations(ctx, channel),
    confirmationsRequired: channel.minimumDepth,
    ...(real !== undefined && { shortChannelId: real }),
    ...(channel.remoteAlias !== undefined && { inboundAlias: channel.remoteAlias }),
    localBalance: funding.localBalance,
    remoteBalance: funding.remoteBalance,
    nextOutboundHtlcMinimum: sendable?.min ?? zeroMsat,
    nextOutboundHtlcLimit: sendable?.max ?? zeroMsat,
    pendingHtlcs: commitments.htlcs.length,
    htlcs: commitments.htlcs.map(htlcDetails),
    localReserve: commitments.params.remote.channelReserve,
    remoteReserve: commitments.params.local.channelReserve,
    isChannelReady: channel.localReady && channel.remoteReady,
    isUsable: usable,
  };
}

function htlcDetails({ direction, id, amount, paymentHash, cltvExpiry, removal }: Htlc): HtlcDetails {
  const ending = removal && (removal.kind === "fulfill" ? "fulfilled" : "failed");
  return { direction, id, amount, paymentHash, cltvExpiry, ...(ending && { ending }) };
}

/** Whether HTLCs can be offered: `normal`, whether the signer is being asked or not. */
export function isUsable(state: ChannelState): boolean {
  return state.kind === "normal" || (state.kind === "awaiting-signer" && state.before.kind === "normal");
}

/**
 * All names by which an onion may call the channel on its way out: the alias that we gave, and the real one unless that
 * is to stay private (BOLT 2, `option_scid_alias`).
 */
export function shortChannelIdsOf(channel: FundedChannel): readonly ShortChannelId[] {
  const { localAlias, scidPrivacy } = channel.identity;
  const real = scidPrivacy ? undefined : realShortChannelId(channel);
  return real === undefined ? [localAlias] : [real, localAlias];
}

/**
 * Whether the channel has cost the peer nothing so far: a signature for a funding that is in no block is free, and we
 * store and watch the channel all the same.
 *
 * @ldk ChannelManager::unfunded_channel_count
 */
export function isUnfunded(channel: FundedChannel | undefined): boolean {
  if (channel === undefined) return true;
  const { commitments, fundingStatus, minimumDepth } = channel;
  return !commitments.params.isOpener && fundingStatus.kind === "unconfirmed" && minimumDepth > 0;
}
