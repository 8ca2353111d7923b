import { printable } from "../../util/text.ts";
import type { LightningMessage } from "../../wire/index.ts";
import { refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext } from "../input.ts";
import { receiveAnnouncementSignatures } from "../ops/announce.ts";
import { forceClose, punish } from "../ops/forceClose.ts";
import { receiveReady } from "../ops/ready.ts";
import { receiveShutdown, sendShutdown } from "../ops/shutdown.ts";
import { type Outcome, refuse, unchanged } from "../outcome.ts";
import type { WaitForChannelReady } from "../state.ts";
import { closedByPeer, unexpected } from "./operating.ts";
import { recorded } from "./records.ts";

/** The funding is signed; both sides wait until it is deep enough to count on. */
export function waitForChannelReadyMessage(
  ctx: ChannelContext,
  state: WaitForChannelReady,
  message: LightningMessage,
): Outcome {
  switch (message.type) {
    case "channel_ready":
      return receiveReady(ctx, state, message);
    case "shutdown":
      return receiveShutdown(ctx, state, message);
    case "announcement_signatures":
      return receiveAnnouncementSignatures(ctx, state, message);
    case "warning":
      return unchanged(state, { kind: "log", level: "warn", text: `peer warns: ${printable(message.data)}` });
    case "error":
      return closedByPeer(state, message.data);
    default:
      return punish(state, unexpected(message, state.kind));
  }
}

export function waitForChannelReadyCommand(
  ctx: ChannelContext,
  state: WaitForChannelReady,
  command: ChannelCommand,
): Outcome {
  switch (command.kind) {
    case "shutdown":
      return sendShutdown(ctx, state, command);
    case "force-close":
      return forceClose(
        state.channel,
        { kind: "holder-force-closed", broadcastedLatestTxn: true, message: command.message },
        { broadcast: true, tellPeer: command.message },
      );
    case "resume":
    case "sign":
      return unchanged(state);
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
      return refuse(
        state,
        refusal("ignore", "not-ready", `the channel is not ready yet: it cannot ${command.kind}`),
      );
  }
}
