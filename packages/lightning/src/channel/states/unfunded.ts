import { printable } from "../../util/text.ts";
import type { LightningMessage } from "../../wire/index.ts";
import { refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext, ChannelInput } from "../input.ts";
import { endUnfunded, failUnfunded } from "../ops/endUnfunded.ts";
import { answeredUnasked, type Outcome, refuse, unchanged } from "../outcome.ts";
import type { UnfundedState } from "../state.ts";
import { acceptOpening, rejectOpening } from "./waitForAcceptance.ts";
import { acceptChannelReceived, askAgain } from "./waitForAcceptChannel.ts";
import { fundingCreatedReceived } from "./waitForFundingCreated.ts";
import { fundingSignedReceived } from "./waitForFundingSigned.ts";
import { fundingGiven } from "./waitForFundingTransaction.ts";

/** Ticks after which the user has not accepted a peer's request. @ldk UNACCEPTED_INBOUND_CHANNEL_AGE_LIMIT_TICKS */
const unacceptedTicks = 2;
/** Ticks after which an opening that makes no progress is given up. @ldk UNFUNDED_CHANNEL_AGE_LIMIT_TICKS */
const unfundedTicks = 60;

/**
 * A channel whose funding is not signed yet (BOLT 2, "Channel Establishment v1"). It does not outlive its connection.
 */
export function stepUnfunded(ctx: ChannelContext, state: UnfundedState, input: ChannelInput): Outcome {
  switch (input.kind) {
    case "message":
      return message(ctx, state, input.message);
    case "command":
      return command(ctx, state, input.command);
    case "disconnected":
      return endUnfunded(state, { reason: { kind: "disconnected-peer" } });
    case "tick":
      return tick(state);
    case "connected":
    case "new-block":
    case "funding-confirmed":
    case "funding-unconfirmed":
    case "funding-spent":
    case "watch-refused":
      return unchanged(state);
    case "signed":
      return answeredUnasked(state);
  }
}

function message(ctx: ChannelContext, state: UnfundedState, received: LightningMessage): Outcome {
  switch (received.type) {
    case "accept_channel":
      if (state.kind === "wait-for-accept-channel") return acceptChannelReceived(ctx, state, received);
      break;
    case "funding_created":
      if (state.kind === "wait-for-funding-created") return fundingCreatedReceived(state, received);
      break;
    case "funding_signed":
      if (state.kind === "wait-for-funding-signed") return fundingSignedReceived(ctx, state, received);
      break;
    case "error": {
      const again = state.kind === "wait-for-accept-channel" ? askAgain(ctx, state, received) : undefined;
      const peerMessage = printable(received.data);
      return again ?? endUnfunded(state, { reason: { kind: "counterparty-force-closed", peerMessage } });
    }
    case "warning":
      return unchanged(state, {
        kind: "log",
        level: "warn",
        text: `peer warns: ${printable(received.data)}`,
      });
    case "shutdown":
      return endUnfunded(state, {
        reason: { kind: "counterparty-coop-closed-unfunded-channel" },
        tellPeer: "shutdown of a channel that is not funded",
      });
    default:
      break;
  }
  return failUnfunded(
    state,
    refusal("close", "unexpected-message", `${received.type} in state ${state.kind}`),
  );
}

function command(ctx: ChannelContext, state: UnfundedState, given: ChannelCommand): Outcome {
  switch (given.kind) {
    case "accept":
      if (state.kind === "wait-for-acceptance") return acceptOpening(ctx, state, given);
      break;
    case "reject":
      if (state.kind === "wait-for-acceptance") return rejectOpening(state, given.reason);
      break;
    case "fund":
      if (state.kind === "wait-for-funding-transaction") return fundingGiven(ctx, state, given.transaction);
      break;
    case "force-close":
      return endUnfunded(state, {
        reason: { kind: "holder-force-closed", broadcastedLatestTxn: false, message: given.message },
        tellPeer: given.message,
      });
    case "shutdown":
      return endUnfunded(state, {
        reason: { kind: "locally-coop-closed-unfunded-channel" },
        tellPeer: "the channel is closed before it was funded",
      });
    case "sign":
    case "resume":
      return unchanged(state);
    case "open":
    case "add-htlc":
    case "set-disposition":
    case "resolve-htlc":
    case "set-upstream":
    case "settle-on-chain":
    case "update-fee":
    case "update-config":
      break;
  }
  return refuse(
    state,
    refusal("ignore", "not-funded", `the channel is ${state.kind}: it cannot ${given.kind}`),
  );
}

function tick(state: UnfundedState): Outcome {
  const ticks = state.ticks + 1;
  if (state.kind === "wait-for-acceptance") {
    if (ticks < unacceptedTicks) return unchanged({ ...state, ticks });
    return endUnfunded(state, {
      reason: { kind: "disconnected-peer" },
      tellPeer: "the request was not accepted in time",
    });
  }
  if (ticks < unfundedTicks) return unchanged({ ...state, ticks });
  const text = `the channel was not funded within ${ticks} minutes`;
  return endUnfunded(state, { reason: { kind: "processing-error", error: text }, tellPeer: text });
}
