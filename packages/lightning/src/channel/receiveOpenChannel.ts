import type { NodeId } from "../util/ids.ts";
import type { Features, OpenChannel } from "../wire/index.ts";
import type { ChannelStep } from "./action.ts";
import type { ChannelContext } from "./input.ts";
import { channelTypeText } from "./ops/channelType.ts";
import { send } from "./ops/commit.ts";
import { complaint } from "./ops/forceClose.ts";
import { checkOpenChannel, isAnnounced } from "./ops/openingChecks.ts";
import type { Ended, WaitForAcceptance } from "./state.ts";

/**
 * A peer's `open_channel`: checked, and put to the user as an `open-channel-request`. One that is refused has ended
 * already, and the peer is told why.
 *
 * @ldk lightning::ln::channel::InboundV1Channel::new
 */
export function receiveOpenChannel(
  ctx: ChannelContext,
  counterparty: NodeId,
  remoteFeatures: Features,
  open: OpenChannel,
): ChannelStep<WaitForAcceptance | Ended> {
  const { temporaryChannelId } = open;
  const checked = checkOpenChannel(ctx, open, remoteFeatures);
  if (!checked.ok) {
    const text = `${checked.error.code}: ${checked.error.text}`;
    return {
      state: { kind: "ended" },
      actions: [
        { kind: "log", level: "warn", text },
        send(complaint("error", temporaryChannelId, text)),
        { kind: "closed", reason: { kind: "processing-error", error: text } },
      ],
    };
  }
  const { format, type } = checked.value;
  return {
    state: {
      kind: "wait-for-acceptance",
      counterparty,
      remoteFeatures,
      open,
      format,
      channelType: type,
      ticks: 0,
    },
    actions: [
      {
        kind: "event",
        event: {
          kind: "open-channel-request",
          temporaryChannelId,
          counterparty,
          funding: open.fundingSatoshis,
          pushed: open.pushMsat,
          channelType: channelTypeText(format, type),
          announced: isAnnounced(open),
        },
      },
    ],
  };
}
