import type { Point } from "../../util/bytes.ts";
import type { ChannelReestablish } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import type { ChannelContext, ChannelInput } from "../input.ts";
import { send } from "../ops/commit.ts";
import { complaint, punish } from "../ops/forceClose.ts";
import { nextUpdate } from "../ops/monitorUpdate.ts";
import { readyMessage } from "../ops/ready.ts";
import { compareCounters } from "../ops/reestablish.ts";
import { type Outcome, unchanged } from "../outcome.ts";
import type { Syncing } from "../state.ts";
import { idleChainEvent, idleCommand } from "./offline.ts";
import { closedByPeer, unexpected } from "./operating.ts";

/**
 * `channel_reestablish` is on its way: the peer's decides how the channel goes on (BOLT 2, "Message Retransmission").
 */
export function stepSyncing(ctx: ChannelContext, state: Syncing, input: ChannelInput): Outcome {
  switch (input.kind) {
    case "message":
      switch (input.message.type) {
        case "channel_reestablish":
          return reestablish(state, input.message, input.ourPoint);
        case "error":
          return closedByPeer(state.inner, input.message.data);
        case "warning":
          return unchanged(state, {
            kind: "log",
            level: "warn",
            text: "the peer warns while the channel syncs",
          });
        default:
          return stillSyncing(state, punish(state.inner, unexpected(input.message, state.kind)));
      }
    case "disconnected":
      return unchanged({ kind: "offline", inner: state.inner });
    case "connected":
    case "tick":
    case "signed":
      return unchanged(state);
    case "command":
      return idleCommand(ctx, state, input.command);
    case "funding-confirmed":
    case "funding-unconfirmed":
    case "new-block":
    case "funding-spent":
    case "watch-refused":
      return idleChainEvent(ctx, state, input);
  }
}

function reestablish(state: Syncing, message: ChannelReestablish, ourPoint: Point | undefined): Outcome {
  const { inner } = state;
  const { channel } = inner;
  const compared = compareCounters(channel.commitments, message, ourPoint);
  if (!compared.ok) return stillSyncing(state, punish(inner, compared.error));
  if (compared.value.kind === "we-are-behind") {
    const text = "our state of the channel is old: please close it, we will not";
    // The monitor is as old: no deadline of an HTLC that it knows may have it publish what the peer can punish.
    const next = nextUpdate(channel, [{ kind: "channel-force-closed", broadcast: false }]);
    return {
      state: { kind: "wait-for-remote-close", channel: next.channel },
      actions: [
        { kind: "persist", left: [] },
        { kind: "watch-update", update: next.update },
        send(complaint("error", channel.commitments.channelId, text)),
        { kind: "log", level: "error", text: "the peer proved that our state of this channel is old" },
        { kind: "usability-changed" },
      ],
    };
  }
  const { tasks, resendReady } = compared.value;
  const ready: readonly ChannelAction[] =
    resendReady && channel.localReady ? [send(readyMessage(channel))] : [];
  return { state: inner, actions: [...ready, { kind: "usability-changed" }], tasks, resume: true };
}

/** A refusal that leaves the channel as it was does not end the synchronisation. */
function stillSyncing(state: Syncing, outcome: Outcome): Outcome {
  return outcome.state === state.inner ? { ...outcome, state } : outcome;
}
