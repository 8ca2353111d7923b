import { equalBytes } from "../../util/bytes.ts";
import { present } from "../../util/invariant.ts";
import type { ChannelReady, LightningMessage } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { refusal } from "../error.ts";
import type { ChannelContext } from "../input.ts";
import type { Outcome } from "../outcome.ts";
import type { ConnectedState, FundedChannel, WaitForChannelReady } from "../state.ts";
import { announcementTasks } from "./announce.ts";
import { channelTypeText } from "./channelType.ts";
import { send } from "./commit.ts";
import { confirmations } from "./confirmations.ts";
import { punish } from "./forceClose.ts";

/** `channel_ready` (BOLT 2), the first time or again: nothing was signed since the first commitments. */
export function readyMessage({ commitments, identity }: FundedChannel): LightningMessage {
  return {
    type: "channel_ready",
    channelId: commitments.channelId,
    secondPerCommitmentPoint: present(
      commitments.localPoints[1 - commitments.localNumber],
      "our second point",
    ),
    tlvs: { shortChannelId: identity.localAlias },
  };
}

/**
 * Goes on once the funding is deep enough. Without a connection the message is only owed: it is sent when the channel
 * is in step again, as one that may have been lost.
 */
export function whenDeepEnough(
  ctx: ChannelContext,
  state: ConnectedState,
  { connected }: { readonly connected: boolean },
): Outcome {
  const { channel } = state;
  if (state.kind !== "wait-for-channel-ready" || channel.localReady || !isDeepEnough(ctx, channel)) {
    return { state, actions: [] };
  }
  const ready = { ...channel, localReady: true };
  const actions: ChannelAction[] = [{ kind: "persist", left: [] }];
  if (connected) actions.push(send(readyMessage(ready)));
  return whenBothReady(ctx, { state: { ...state, channel: ready }, actions }, { connected });
}

/** The peer's `channel_ready`. */
export function receiveReady(
  ctx: ChannelContext,
  state: WaitForChannelReady,
  message: ChannelReady,
): Outcome {
  const { channel } = state;
  const { commitments } = channel;
  const point = message.secondPerCommitmentPoint;
  const known = commitments.remoteNextPoint;
  if (known !== undefined && !equalBytes(known, point)) {
    return punish(state, refusal("close", "second-point-changed", "channel_ready with another point"));
  }
  const told = noteReady(channel, message);
  const outcome = { state: { ...state, channel: told }, actions: [{ kind: "persist", left: [] }] } as const;
  return whenBothReady(ctx, outcome, { connected: true });
}

/** What a `channel_ready` says: the first one the next point, and each one an alias, which may be a new one. */
export function noteReady(channel: FundedChannel, message: ChannelReady): FundedChannel {
  const { commitments, remoteReady, remoteAlias } = channel;
  const alias = message.tlvs.shortChannelId ?? remoteAlias;
  if (remoteReady && alias === remoteAlias) return channel;
  return {
    ...channel,
    ...(alias !== undefined && { remoteAlias: alias }),
    ...(!remoteReady && {
      remoteReady: true,
      commitments: { ...commitments, remoteNextPoint: message.secondPerCommitmentPoint },
    }),
  };
}

function isDeepEnough(ctx: ChannelContext, channel: FundedChannel): boolean {
  return channel.minimumDepth === 0 || confirmations(ctx, channel) >= channel.minimumDepth;
}

function whenBothReady(
  ctx: ChannelContext,
  before: { readonly state: WaitForChannelReady; readonly actions: readonly ChannelAction[] },
  { connected }: { readonly connected: boolean },
): Outcome {
  const { channel } = before.state;
  const { identity, commitments, localReady, remoteReady, minimumDepth } = channel;
  if (!localReady || !remoteReady) return before;
  const state = { kind: "normal", channel } as const;
  const types = { scidAlias: identity.scidPrivacy, zeroConf: minimumDepth === 0 };
  return {
    state,
    actions: [
      ...before.actions,
      { kind: "usability-changed" },
      {
        kind: "event",
        event: {
          kind: "channel-ready",
          channelId: commitments.channelId,
          counterparty: identity.counterparty,
          userChannelId: identity.userChannelId,
          channelType: channelTypeText(commitments.params.format, types),
        },
      },
    ],
    tasks: connected ? announcementTasks(ctx, state) : [],
  };
}
