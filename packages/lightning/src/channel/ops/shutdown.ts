import { isSettled } from "../../commitment/dance.ts";
import { equalBytes, type Script } from "../../util/bytes.ts";
import { err, ok, type Result } from "../../util/result.ts";
import type { Shutdown } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext } from "../input.ts";
import { type Outcome, refuse } from "../outcome.ts";
import {
  type ConnectedState,
  type FundedChannel,
  type Negotiating,
  type Normal,
  type ShuttingDown,
  type WaitForChannelReady,
  withChannel,
} from "../state.ts";
import { firstProposal } from "./closing.ts";
import { type ChannelChange, send } from "./commit.ts";
import { punish } from "./forceClose.ts";
import { nextUpdate } from "./monitorUpdate.ts";
import { isShutdownScript } from "./shutdownScript.ts";

type ShutdownCommand = Extract<ChannelCommand, { readonly kind: "shutdown" }>;
/** A channel that may still be closed by both together. */
type Closable = WaitForChannelReady | Normal | ShuttingDown;

/** The user closes the channel (BOLT 2, "Closing Initiation: shutdown"). */
export function sendShutdown(ctx: ChannelContext, state: Closable, command: ShutdownCommand): Outcome {
  const begun = beginShutdown(ctx, state.channel, command);
  if (!begun.ok) return refuse(state, begun.error);
  return tellShutdown(ctx, {
    state: { kind: "shutting-down", channel: begun.value.channel },
    actions: begun.value.actions,
  });
}

/** The user closes the channel while the peer cannot be told: it is, as soon as both are in step again. */
export function rememberShutdown(
  ctx: ChannelContext,
  inner: ConnectedState,
  command: ShutdownCommand,
): Result<{ readonly state: ConnectedState; readonly actions: readonly ChannelAction[] }, ChannelRefusal> {
  const begun = beginShutdown(ctx, inner.channel, command);
  if (!begun.ok) return begun;
  const { channel, actions } = begun.value;
  return ok({ state: { kind: "shutting-down", channel }, actions });
}

/** The peer closes the channel, answers our `shutdown`, or repeats its own after a reconnection. */
export function receiveShutdown(
  ctx: ChannelContext,
  state: Closable | Negotiating,
  message: Shutdown,
): Outcome {
  const { channel } = state;
  const refused = checkShutdown(ctx, channel, message);
  if (refused !== undefined) return punish(state, refused);
  const { shutdown, identity, commitments } = channel;
  const told: FundedChannel = {
    ...channel,
    shutdown: { ...shutdown, remote: message.scriptpubkey },
    closeInitiator: channel.closeInitiator ?? "remote",
    exchanged: { ...channel.exchanged, shutdownReceived: true },
  };
  const answered =
    shutdown.local === undefined
      ? withScript(told, commitments.params.local.upfrontShutdownScript ?? identity.shutdownScript)
      : { channel: told, actions: [{ kind: "persist", left: [] } as const] };
  const { actions } = answered;
  if (state.kind === "negotiating") {
    return restartNegotiation(ctx, { state: withChannel(state, answered.channel), actions });
  }
  return tellShutdown(ctx, { state: { kind: "shutting-down", channel: answered.channel }, actions });
}

/**
 * Sends our `shutdown` if it is due on this connection. It must not overtake updates of ours that are not signed yet
 * (BOLT 2): then it follows the signature.
 */
export function tellShutdown(
  ctx: ChannelContext,
  outcome: { readonly state: ConnectedState; readonly actions: readonly ChannelAction[] },
): Outcome {
  const { channel } = outcome.state;
  const { local } = channel.shutdown;
  if (local === undefined || channel.exchanged.shutdownSent || hasUnsignedUpdates(channel)) {
    return whenSettled(ctx, outcome);
  }
  const exchanged = { ...channel.exchanged, shutdownSent: true };
  const { channelId } = channel.commitments;
  return whenSettled(ctx, {
    ...outcome,
    state: withChannel(outcome.state, { ...channel, exchanged }),
    actions: [...outcome.actions, send({ type: "shutdown", channelId, scriptpubkey: local })],
  });
}

/** Goes on to the closing transaction once both sides said `shutdown` and nothing is in flight any more. */
export function whenSettled(ctx: ChannelContext, outcome: Outcome): Outcome {
  const { state } = outcome;
  if (state.kind === "negotiating") return restartNegotiation(ctx, { ...outcome, state });
  if (state.kind !== "shutting-down") return outcome;
  const { channel } = state;
  if (!bothSaid(channel) || !isSettled(channel.commitments)) return outcome;
  const negotiating: Negotiating = { kind: "negotiating", channel, proposals: [], ticks: 0 };
  return restartNegotiation(ctx, {
    ...outcome,
    state: negotiating,
    actions: [...outcome.actions, { kind: "persist", left: [] }],
  });
}

/** The opener proposes the first fee of every connection. */
function restartNegotiation(
  ctx: ChannelContext,
  outcome: Outcome & { readonly state: Negotiating },
): Outcome {
  const { state } = outcome;
  const { params } = state.channel.commitments;
  if (!params.isOpener || state.localFee !== undefined || !bothSaid(state.channel)) return outcome;
  const proposal = firstProposal(ctx, state);
  if (!proposal.ok) {
    const failed = punish(state, proposal.error);
    return { ...failed, actions: [...outcome.actions, ...failed.actions] };
  }
  return { ...outcome, tasks: [...(outcome.tasks ?? []), proposal.value] };
}

function bothSaid({ exchanged }: FundedChannel): boolean {
  return exchanged.shutdownSent && exchanged.shutdownReceived;
}

function beginShutdown(
  ctx: ChannelContext,
  channel: FundedChannel,
  { script, feerate }: ShutdownCommand,
): Result<ChannelChange, ChannelRefusal> {
  const { shutdown, commitments, identity, closeInitiator } = channel;
  const refused = (code: string, text: string) => err(refusal("ignore", code, text));
  if (shutdown.local !== undefined) return refused("already-closing", "the channel is closing already");
  const upfront = commitments.params.local.upfrontShutdownScript;
  if (upfront !== undefined && !equalBytes(upfront, script)) {
    return refused("incompatible-shutdown-script", "the channel has committed to another shutdown script");
  }
  if (!isShutdownScript(script, ctx.ourFeatures, identity.remoteFeatures)) {
    return refused("incompatible-shutdown-script", "the peer would not take this shutdown script");
  }
  const initiated: FundedChannel = {
    ...channel,
    closeInitiator: closeInitiator ?? "local",
    ...(feerate !== undefined && { closingFeerate: feerate }),
  };
  return ok(withScript(initiated, script));
}

/** The channel that closes to `script`; its monitor must know where our money goes. */
function withScript(channel: FundedChannel, script: Script): ChannelChange {
  const closing = { ...channel, shutdown: { ...channel.shutdown, local: script } };
  const next = nextUpdate(closing, [{ kind: "shutdown-script", script }]);
  return {
    channel: next.channel,
    actions: [
      { kind: "persist", left: [] },
      { kind: "watch-update", update: next.update },
      { kind: "usability-changed" },
    ],
  };
}

function checkShutdown(
  ctx: ChannelContext,
  { shutdown, commitments, identity }: FundedChannel,
  { scriptpubkey }: Shutdown,
): ChannelRefusal | undefined {
  const upfront = commitments.params.remote.upfrontShutdownScript;
  if (!isShutdownScript(scriptpubkey, ctx.ourFeatures, identity.remoteFeatures)) {
    return refusal("warn", "invalid-shutdown-script", "shutdown to a script of none of the allowed forms");
  }
  if (upfront !== undefined && !equalBytes(upfront, scriptpubkey)) {
    const text = "shutdown to another script than was committed to at the opening";
    return refusal("disconnect", "not-the-upfront-script", text);
  }
  if (shutdown.remote !== undefined && !equalBytes(shutdown.remote, scriptpubkey)) {
    return refusal("disconnect", "shutdown-script-changed", "shutdown to another script than before");
  }
  if (commitments.htlcs.some(({ state }) => state === "received-add-htlc")) {
    return refusal("close", "shutdown-with-pending-adds", "shutdown before all HTLCs offered were signed");
  }
  return undefined;
}

function hasUnsignedUpdates({ commitments }: FundedChannel): boolean {
  const { htlcs, feerates } = commitments;
  return (
    htlcs.some(({ state }) => state === "sent-add-htlc" || state === "sent-remove-htlc") ||
    feerates.some(({ state }) => state === "sent-add-htlc")
  );
}
