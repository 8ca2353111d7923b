import type { ChannelContext, ChannelInput } from "../input.ts";
import { fundingConfirmed, fundingUnconfirmed, newBlock } from "../ops/chain.ts";
import { fundingSpent, watchRefused } from "../ops/forceClose.ts";
import { forgetUnsignedUpdates } from "../ops/reestablish.ts";
import { answeredUnasked, type Outcome, unchanged } from "../outcome.ts";
import { type ConnectedState, withChannel } from "../state.ts";
import { negotiatingCommand, negotiatingMessage, negotiatingTick } from "./negotiating.ts";
import { operatingCommand, operatingMessage } from "./operating.ts";
import { waitForChannelReadyCommand, waitForChannelReadyMessage } from "./waitForChannelReady.ts";

/** A funded channel whose peer is connected and in step. */
export function stepConnected(ctx: ChannelContext, state: ConnectedState, input: ChannelInput): Outcome {
  switch (input.kind) {
    case "message":
      if (state.kind === "wait-for-channel-ready")
        return waitForChannelReadyMessage(ctx, state, input.message);
      if (state.kind === "negotiating") return negotiatingMessage(ctx, state, input.message);
      return operatingMessage(ctx, state, input.message);
    case "command":
      if (state.kind === "wait-for-channel-ready")
        return waitForChannelReadyCommand(ctx, state, input.command);
      if (state.kind === "negotiating") return negotiatingCommand(ctx, state, input.command);
      return operatingCommand(ctx, state, input.command);
    case "disconnected": {
      const { channel, actions } = forgetUnsignedUpdates(state.channel);
      return {
        state: { kind: "offline", inner: anew(withChannel(state, channel)) },
        actions: [...actions, { kind: "usability-changed" }],
      };
    }
    case "funding-confirmed":
      return fundingConfirmed(ctx, state, input, { connected: true });
    case "funding-unconfirmed":
      return fundingUnconfirmed(ctx, state);
    case "new-block":
      return newBlock(ctx, state, { connected: true });
    case "tick":
      return state.kind === "negotiating" ? negotiatingTick(state) : unchanged(state);
    case "funding-spent":
      return fundingSpent(state, input);
    case "watch-refused":
      return watchRefused(state);
    case "connected":
      return unchanged(state);
    case "signed":
      return answeredUnasked(state);
  }
}

/** Fee negotiation starts again on the next connection; what was signed stays known (BOLT 2, "Closing Negotiation"). */
function anew(state: ConnectedState): ConnectedState {
  if (state.kind !== "negotiating") return state;
  const { localFee: _fee, localRange: _range, ...rest } = state;
  return { ...rest, ticks: 0 };
}
