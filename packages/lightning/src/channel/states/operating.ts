import type { Result } from "../../util/result.ts";
import { printable } from "../../util/text.ts";
import type { LightningMessage } from "../../wire/index.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext } from "../input.ts";
import {
  announcementTasks,
  receiveAnnouncementSignatures,
  resendAnnouncementSignatures,
} from "../ops/announce.ts";
import {
  type ChannelChange,
  canSign,
  receiveCommitment,
  receiveRevocation,
  signCommitment,
} from "../ops/commit.ts";
import { receiveFee, sendFee } from "../ops/fee.ts";
import { forceClose, punish } from "../ops/forceClose.ts";
import {
  receiveAdd,
  receiveFail,
  receiveFailMalformed,
  receiveFulfill,
  sendAdd,
  sendResolutions,
} from "../ops/htlcs.ts";
import { noteReady } from "../ops/ready.ts";
import { receiveShutdown, sendShutdown, tellShutdown, whenSettled } from "../ops/shutdown.ts";
import { type Outcome, refuse, unchanged } from "../outcome.ts";
import { type ConnectedState, type Normal, type ShuttingDown, withChannel } from "../state.ts";
import { record } from "./records.ts";

/** A channel that both sides use: `normal`, or `shutting-down` as long as HTLCs are left. */
export type Operating = Normal | ShuttingDown;

/** A message of the peer to an operating channel (BOLT 2, "Normal Operation"). */
export function operatingMessage(ctx: ChannelContext, state: Operating, message: LightningMessage): Outcome {
  const { channel } = state;
  if (isUpdate(message) && !(channel.localReady && channel.remoteReady)) {
    return punish(state, unexpected(message, "of a channel that is not ready"));
  }
  switch (message.type) {
    case "update_add_htlc":
      if (channel.shutdown.remote !== undefined) {
        return punish(state, refusal("close", "add-after-shutdown", "update_add_htlc after shutdown"));
      }
      return changed(state, receiveAdd(channel, message));
    case "update_fulfill_htlc":
      return changed(state, receiveFulfill(channel, message));
    case "update_fail_htlc":
      return changed(state, receiveFail(channel, message));
    case "update_fail_malformed_htlc":
      return changed(state, receiveFailMalformed(channel, message));
    case "update_fee":
      return changed(state, receiveFee(ctx, channel, message));
    case "commitment_signed": {
      const task = receiveCommitment(channel.commitments, [message]);
      return task.ok ? { state, actions: [], tasks: [task.value] } : punish(state, task.error);
    }
    case "revoke_and_ack":
      return whenSettled(ctx, changed(state, receiveRevocation(channel, message)));
    case "shutdown":
      return receiveShutdown(ctx, state, message);
    case "announcement_signatures":
      return receiveAnnouncementSignatures(ctx, state, message);
    case "channel_ready": {
      // The first one when a shutdown overtook it; otherwise sent again, perhaps with a new alias (BOLT 2).
      const told = noteReady(channel, message);
      return told === channel
        ? unchanged(state)
        : withChange(state, { channel: told, actions: [{ kind: "persist", left: [] }] });
    }
    case "warning":
      return unchanged(state, { kind: "log", level: "warn", text: `peer warns: ${printable(message.data)}` });
    case "error":
      return closedByPeer(state, message.data);
    default:
      return punish(state, unexpected(message, state.kind));
  }
}

/** A command to an operating channel. */
export function operatingCommand(ctx: ChannelContext, state: Operating, command: ChannelCommand): Outcome {
  const { channel } = state;
  switch (command.kind) {
    case "add-htlc": {
      if (state.kind !== "normal") {
        return refuse(
          state,
          refusal("ignore", "shutting-down", "the channel is closing: it takes no new HTLCs"),
        );
      }
      const added = sendAdd(ctx, channel, command.htlc);
      return added.ok ? changed(state, added) : refuse(state, added.error);
    }
    case "resolve-htlc":
    case "set-disposition":
    case "set-upstream":
    case "settle-on-chain":
    case "update-config": {
      const noted = record(channel, command);
      if (!noted.ok) return refuse(state, noted.error);
      if (command.kind !== "resolve-htlc" || command.later) return withChange(state, noted.value);
      // Others were told when they became known, or with the connection.
      const told = sendResolutions(noted.value.channel, command.htlcId);
      return withChange(state, { channel: told.channel, actions: [...noted.value.actions, ...told.actions] });
    }
    case "sign":
      return canSign(channel.commitments, ctx.bestHeight)
        ? { state, actions: [], tasks: [signCommitment(channel.commitments)] }
        : unchanged(state);
    case "update-fee": {
      const fee = sendFee(ctx, channel, command.feerate);
      return fee.ok ? changed(state, fee) : refuse(state, fee.error);
    }
    case "resume":
      return resume(ctx, state);
    case "shutdown":
      return sendShutdown(ctx, state, command);
    case "force-close":
      return forceClose(
        channel,
        { kind: "holder-force-closed", broadcastedLatestTxn: true, message: command.message },
        { broadcast: true, tellPeer: command.message },
      );
    case "open":
    case "accept":
    case "reject":
    case "fund":
      return refuse(
        state,
        refusal("ignore", "already-open", `the channel is ${state.kind}: it cannot ${command.kind}`),
      );
  }
}

/** A message that a state has no use for. */
export function unexpected(message: LightningMessage, state: string): ChannelRefusal {
  return refusal("disconnect", "unexpected-message", `${message.type} in state ${state}`);
}

/** The peer gave up the channel with an `error`. */
export function closedByPeer(state: ConnectedState, data: Uint8Array): Outcome {
  const peerMessage = printable(data);
  return forceClose(
    state.channel,
    { kind: "counterparty-force-closed", peerMessage },
    { broadcast: true, proposals: state.kind === "negotiating" ? state.proposals : [] },
  );
}

/** A shutdown may come before the channel is ready; then there is nothing to update. */
function isUpdate({ type }: LightningMessage): boolean {
  return type.startsWith("update_") || type === "commitment_signed" || type === "revoke_and_ack";
}

/** The state after a change of its channel, or what the refusal asks for. */
function changed(state: Operating, result: Result<ChannelChange, ChannelRefusal>): Outcome {
  return result.ok ? withChange(state, result.value) : punish(state, result.error);
}

function withChange(state: Operating, { channel, actions }: ChannelChange): Outcome {
  return { state: withChannel(state, channel), actions };
}

/** In step again: the peer is told what it was not told, or may have missed, while the connection was down. */
function resume(ctx: ChannelContext, state: Operating): Outcome {
  const resolved = sendResolutions(state.channel);
  const announced = resendAnnouncementSignatures(resolved.channel);
  const resumed = withChannel(state, announced.channel);
  const actions = [...resolved.actions, ...announced.actions];
  const outcome = tellShutdown(ctx, { state: resumed, actions });
  return outcome.state.kind === "normal"
    ? { ...outcome, tasks: announcementTasks(ctx, outcome.state) }
    : outcome;
}
