import { noBytes, type Script } from "../../util/bytes.ts";
import { encodeChannelType } from "../../wire/index.ts";
import { refusal } from "../error.ts";
import type { ChannelCommand, ChannelContext } from "../input.ts";
import { send } from "../ops/commit.ts";
import { endUnfunded } from "../ops/endUnfunded.ts";
import { isAnnounced } from "../ops/openingChecks.ts";
import { allowsZeroReserve, ourLimits, termsFields, termsIn, upfrontScript } from "../ops/openingTerms.ts";
import { isShutdownScript } from "../ops/shutdownScript.ts";
import { type Outcome, refuse } from "../outcome.ts";
import type { AgreedOpening, WaitForAcceptance } from "../state.ts";

/** The user takes the channel: `accept_channel`. */
export function acceptOpening(
  ctx: ChannelContext,
  state: WaitForAcceptance,
  command: Extract<ChannelCommand, { readonly kind: "accept" }>,
): Outcome {
  const { open, remoteFeatures, channelType, format } = state;
  const { keys, zeroConf, zeroReserve = false, shutdownScript } = command;
  if (channelType.zeroConf && !zeroConf) {
    const text = "the peer asks for a channel without confirmations: accept it as such, or reject it";
    return refuse(state, refusal("ignore", "zero-conf-not-accepted", text));
  }
  if (zeroReserve && !allowsZeroReserve(format)) {
    const text = `a channel of format ${format} cannot do without the peer's reserve`;
    return refuse(state, refusal("ignore", "zero-reserve-not-possible", text));
  }
  if (!isShutdownScript(shutdownScript, ctx.ourFeatures, remoteFeatures)) {
    const text = "the peer would not take this shutdown script";
    return refuse(state, refusal("ignore", "incompatible-shutdown-script", text));
  }
  const config = ctx.config.channelHandshakeConfig;
  const capacity = open.fundingSatoshis;
  const announce = isAnnounced(open);
  const limits = ourLimits(config, { capacity, announce, format, zeroReserve });
  const upfront = upfrontScript(config, remoteFeatures, shutdownScript);
  const opening: AgreedOpening = {
    identity: {
      counterparty: state.counterparty,
      userChannelId: command.userChannelId,
      config: ctx.config.channelConfig,
      announce,
      localAlias: command.localAlias,
      scidPrivacy: channelType.scidAlias,
      shutdownScript,
      remoteFeatures,
    },
    keys,
    format,
    temporaryChannelId: open.temporaryChannelId,
    isOpener: false,
    capacity,
    pushed: open.pushMsat,
    feerate: open.feeratePerKw,
    local: { ...limits, basepoints: keys.basepoints, ...(upfront && { upfrontShutdownScript: upfront }) },
    remote: termsIn(open),
    remoteFundingKey: open.fundingPubkey,
    remoteFirstPoint: open.firstPerCommitmentPoint,
    minimumDepth: zeroConf ? 0 : Math.max(config.minimumDepth, 1),
  };
  return {
    state: { kind: "wait-for-funding-created", opening, ticks: 0 },
    actions: [
      send({
        type: "accept_channel",
        temporaryChannelId: opening.temporaryChannelId,
        ...termsFields(limits, keys),
        minimumDepth: opening.minimumDepth,
        tlvs: {
          upfrontShutdownScript: upfront ?? (noBytes as Script),
          channelType: encodeChannelType(channelType),
        },
      }),
    ],
  };
}

/** The user refuses. */
export function rejectOpening(state: WaitForAcceptance, reason: string): Outcome {
  return endUnfunded(state, {
    reason: { kind: "holder-force-closed", broadcastedLatestTxn: false, message: reason },
    tellPeer: reason,
  });
}
