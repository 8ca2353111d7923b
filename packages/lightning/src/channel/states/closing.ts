import type { LightningMessage } from "../../wire/index.ts";
import type { ChannelAction } from "../action.ts";
import { refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext, ChannelInput } from "../input.ts";
import { noteConfirmed, paysFunding } from "../ops/chain.ts";
import { broadcastClosing } from "../ops/closing.ts";
import { send } from "../ops/commit.ts";
import { complaint, forceClose, isFundingUnproven } from "../ops/forceClose.ts";
import { broadcastFunding } from "../ops/funding.ts";
import { nextUpdate } from "../ops/monitorUpdate.ts";
import { reestablishMessage } from "../ops/reestablish.ts";
import { type Outcome, refuse, unchanged } from "../outcome.ts";
import type { Closing, WaitForRemoteClose } from "../state.ts";
import { recorded } from "./records.ts";

/**
 * Off chain, all is over. The monitor sees to the rest, and only preimages that are learnt now still matter to it; the
 * user heard of the end already.
 */
export function stepClosing(ctx: ChannelContext, state: Closing, input: ChannelInput): Outcome {
  switch (input.kind) {
    case "message":
      return message(state, input.message);
    case "command":
      if (input.command.kind === "force-close") return giveUpCooperation(state);
      return command(state, input.command);
    case "new-block":
      return unchanged(state, ...rebroadcasts(state));
    case "funding-confirmed": {
      // One that pays something else has cost the peer next to nothing: it is no stake in a channel.
      if (!paysFunding(state.channel, input)) return unchanged(state);
      const channel = noteConfirmed(state.channel, input);
      // The peer did not make it up: what was pushed to us is to be had.
      if (isFundingUnproven(state.channel) && isOursToPublish(state)) return publish({ ...state, channel });
      return { state: { ...state, channel }, actions: [{ kind: "persist", left: [] }] };
    }
    case "funding-unconfirmed": {
      const channel = {
        ...state.channel,
        fundingStatus: { kind: "unconfirmed", since: ctx.bestHeight },
      } as const;
      return { state: { ...state, channel }, actions: [{ kind: "persist", left: [] }] };
    }
    case "connected":
    case "disconnected":
    case "tick":
    case "funding-spent":
    case "watch-refused":
    case "signed":
      return unchanged(state);
  }
}

/** The peer proved that our state is old: it is asked to close, and nothing of ours may be broadcast. */
export function stepWaitForRemoteClose(
  _ctx: ChannelContext,
  state: WaitForRemoteClose,
  input: ChannelInput,
): Outcome {
  switch (input.kind) {
    case "message":
      return input.message.type === "channel_reestablish"
        ? unchanged(state, tellClosed(state, "our state of the channel is old: please close it, we will not"))
        : unchanged(state);
    case "command":
      if (input.command.kind === "force-close") {
        const text = "the peer has revoked what we have: broadcasting it would lose the channel's money";
        return refuse(state, refusal("ignore", "state-is-old", text));
      }
      return command(state, input.command);
    case "funding-spent":
      return forceClose(state.channel, { kind: "lost-channel-state" }, { broadcast: false });
    case "connected":
      // Our numbers alone make many a peer close, which waits for this message and takes no error before it.
      return unchanged(state, send(reestablishMessage(state.channel.commitments)));
    case "disconnected":
    case "tick":
    case "new-block":
    case "funding-confirmed":
    case "funding-unconfirmed":
    case "watch-refused":
    case "signed":
      return unchanged(state);
  }
}

/**
 * A peer that still counts on a closed channel is told, once for each connection (BOLT 2, "Message Retransmission").
 */
function message(state: Closing, received: LightningMessage): Outcome {
  if (received.type !== "channel_reestablish") {
    return unchanged(state, { kind: "log", level: "debug", text: `${received.type} for a closed channel` });
  }
  // A close that both signed needs no answer: the peer will see it in the chain.
  if (state.closingTransaction !== undefined) return unchanged(state, ...rebroadcasts(state));
  return unchanged(state, tellClosed(state, `the channel is closed: ${state.reason.kind}`));
}

function command(state: Closing | WaitForRemoteClose, given: ChannelCommand): Outcome {
  switch (given.kind) {
    case "resolve-htlc":
    case "set-disposition":
    case "set-upstream":
    case "settle-on-chain":
    case "update-config":
      return recorded(state, state.channel, given);
    case "sign":
    case "resume":
      return unchanged(state);
    case "open":
    case "accept":
    case "reject":
    case "fund":
    case "add-htlc":
    case "update-fee":
    case "shutdown":
    case "force-close":
      return refuse(state, refusal("ignore", "closed", `the channel is closed: it cannot ${given.kind}`));
  }
}

/** A cooperative close that does not confirm can be given up for our commitment, once. */
function giveUpCooperation(state: Closing): Outcome {
  if (state.closingTransaction === undefined) {
    return refuse(state, refusal("ignore", "closed", "the channel is force-closed already"));
  }
  const { closingTransaction: _, ...rest } = state;
  return publish(rest);
}

function isOursToPublish({ closingTransaction, reason }: Closing): boolean {
  return closingTransaction === undefined && reason.kind !== "lost-channel-state";
}

/** The monitor is to publish our commitment. */
function publish(state: Closing): Outcome {
  const next = nextUpdate(state.channel, [{ kind: "channel-force-closed", broadcast: true }]);
  return {
    state: { ...state, channel: next.channel },
    actions: [
      { kind: "persist", left: [] },
      { kind: "watch-update", update: next.update },
    ],
  };
}

function rebroadcasts({ channel, closingTransaction }: Closing): readonly ChannelAction[] {
  const { fundingTransaction, fundingStatus } = channel;
  const actions: ChannelAction[] = [];
  if (fundingStatus.kind === "unconfirmed" && fundingTransaction !== undefined) {
    actions.push(broadcastFunding(fundingTransaction));
  }
  if (closingTransaction !== undefined) actions.push(broadcastClosing(closingTransaction));
  return actions;
}

function tellClosed({ channel }: Closing | WaitForRemoteClose, text: string): ChannelAction {
  return send(complaint("error", channel.commitments.channelId, text));
}
