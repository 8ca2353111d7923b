import { refusal } from "../error.ts";
import type { ChainInput, ChannelCommand, ChannelContext, ChannelInput } from "../input.ts";
import { fundingConfirmed, fundingUnconfirmed, newBlock } from "../ops/chain.ts";
import { forceClose, fundingSpent, watchRefused } from "../ops/forceClose.ts";
import { reestablishMessage } from "../ops/reestablish.ts";
import { rememberShutdown } from "../ops/shutdown.ts";
import { answeredUnasked, type Outcome, refuse, unchanged } from "../outcome.ts";
import { type ConnectedState, nothingExchanged, type Offline, type Syncing, withChannel } from "../state.ts";
import { recorded } from "./records.ts";

/** No connection: chain and user still have their say, and resolutions are noted for later. */
export function stepOffline(ctx: ChannelContext, state: Offline, input: ChannelInput): Outcome {
  switch (input.kind) {
    case "connected": {
      const { channel } = state.inner;
      const identity = { ...channel.identity, remoteFeatures: input.remoteFeatures };
      const inner = withChannel(state.inner, { ...channel, identity, exchanged: nothingExchanged });
      const message = reestablishMessage(channel.commitments);
      return { state: { kind: "syncing", inner }, actions: [{ kind: "send", message }] };
    }
    case "disconnected":
    case "tick":
      return unchanged(state);
    case "message":
      return unchanged(state, { kind: "log", level: "debug", text: `${input.message.type} while offline` });
    case "command":
      return idleCommand(ctx, state, input.command);
    case "funding-confirmed":
    case "funding-unconfirmed":
    case "new-block":
    case "funding-spent":
    case "watch-refused":
      return idleChainEvent(ctx, state, input);
    case "signed":
      return answeredUnasked(state);
  }
}

/** A command to a channel that the peer cannot be told of now. */
export function idleCommand(ctx: ChannelContext, state: Offline | Syncing, command: ChannelCommand): Outcome {
  const { inner } = state;
  const { channel } = inner;
  switch (command.kind) {
    case "resolve-htlc":
    case "set-disposition":
    case "set-upstream":
    case "settle-on-chain":
    case "update-config":
      return recorded(state, channel, command);
    case "shutdown": {
      const change = rememberShutdown(ctx, inner, command);
      if (!change.ok) return refuse(state, change.error);
      return { state: { ...state, inner: change.value.state }, actions: change.value.actions };
    }
    case "force-close":
      return forceClose(
        channel,
        { kind: "holder-force-closed", broadcastedLatestTxn: true, message: command.message },
        { broadcast: true, proposals: inner.kind === "negotiating" ? inner.proposals : [] },
      );
    case "sign":
    case "resume":
      return unchanged(state);
    case "add-htlc":
    case "update-fee":
    case "open":
    case "accept":
    case "reject":
    case "fund":
      return refuse(
        state,
        refusal("ignore", "peer-disconnected", `the peer is not connected: cannot ${command.kind}`),
      );
  }
}

/** What the chain does to a channel without a connection in step. */
export function idleChainEvent(ctx: ChannelContext, state: Offline | Syncing, input: ChainInput): Outcome {
  const { inner } = state;
  switch (input.kind) {
    case "funding-confirmed":
      return idle(state, fundingConfirmed(ctx, inner, input, { connected: false }));
    case "funding-unconfirmed":
      return idle(state, fundingUnconfirmed(ctx, inner));
    case "new-block":
      return idle(state, newBlock(ctx, inner, { connected: false }));
    case "funding-spent":
      return fundingSpent(inner, input);
    case "watch-refused":
      return watchRefused(inner);
  }
}

/** The outcome for the state inside, put back into the wrapper when it is still a channel that goes on. */
function idle(state: Offline | Syncing, outcome: Outcome): Outcome {
  const next = outcome.state;
  if (!isConnectedState(next)) return outcome;
  return { ...outcome, state: { ...state, inner: next } };
}

function isConnectedState(state: Outcome["state"]): state is ConnectedState {
  return (
    state.kind === "wait-for-channel-ready" ||
    state.kind === "normal" ||
    state.kind === "shutting-down" ||
    state.kind === "negotiating"
  );
}
