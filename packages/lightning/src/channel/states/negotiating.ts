import { printable } from "../../util/text.ts";
import type { LightningMessage } from "../../wire/index.ts";
import { refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext } from "../input.ts";
import { receiveClosing } from "../ops/closing.ts";
import { forceClose, punish } from "../ops/forceClose.ts";
import { receiveShutdown, tellShutdown } from "../ops/shutdown.ts";
import { type Outcome, refuse, unchanged } from "../outcome.ts";
import type { Negotiating } from "../state.ts";
import { closedByPeer, unexpected } from "./operating.ts";
import { recorded } from "./records.ts";

/** Ticks without a word of the peer after which it is not waited for any more. */
const patience = 2;

/** Nothing is in flight; the two sides settle on a closing fee. */
export function negotiatingMessage(
  ctx: ChannelContext,
  state: Negotiating,
  message: LightningMessage,
): Outcome {
  switch (message.type) {
    case "closing_signed":
      return receiveClosing(ctx, state, message);
    case "shutdown":
      return receiveShutdown(ctx, state, message);
    case "channel_ready":
    case "announcement_signatures":
      return unchanged(state, { kind: "log", level: "debug", text: `${message.type} while closing` });
    case "warning":
      return unchanged(state, { kind: "log", level: "warn", text: `peer warns: ${printable(message.data)}` });
    case "error":
      return closedByPeer(state, message.data);
    default:
      return punish(state, unexpected(message, state.kind));
  }
}

export function negotiatingCommand(
  ctx: ChannelContext,
  state: Negotiating,
  command: ChannelCommand,
): Outcome {
  switch (command.kind) {
    case "resume":
      return tellShutdown(ctx, { state, actions: [] });
    case "sign":
      return unchanged(state);
    case "force-close":
      return forceClose(
        state.channel,
        { kind: "holder-force-closed", broadcastedLatestTxn: true, message: command.message },
        { broadcast: true, tellPeer: command.message, proposals: state.proposals },
      );
    case "set-disposition":
    case "set-upstream":
    case "settle-on-chain":
    case "update-config":
    case "resolve-htlc":
      return recorded(state, state.channel, command);
    case "open":
    case "accept":
    case "reject":
    case "fund":
    case "add-htlc":
    case "update-fee":
    case "shutdown":
      return refuse(
        state,
        refusal("ignore", "already-closing", `the channel is closing: it cannot ${command.kind}`),
      );
  }
}

/** A peer that does not answer holds our money up: our commitment goes out. */
export function negotiatingTick(state: Negotiating): Outcome {
  const ticks = state.ticks + 1;
  if (ticks < patience) return unchanged({ ...state, ticks });
  const text = `no progress of the cooperative close for ${ticks} minutes`;
  return punish({ ...state, ticks }, refusal("close", "closing-stalled", text));
}
