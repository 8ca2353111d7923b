import type { FormatName } from "../commitment/params.ts";
import { noBytes, type Script } from "../util/bytes.ts";
import type { ChannelId } from "../util/ids.ts";
import { err, ok, type Result } from "../util/result.ts";
import type { Msat, Sat } from "../util/units.ts";
import { encodeChannelType, type OpenChannel } from "../wire/index.ts";
import type { ChannelStep } from "./action.ts";
import type { UserConfig } from "./config.ts";
import { type ChannelRefusal, refusal } from "./error.ts";
import type { ChannelCommand, ChannelContext } from "./input.ts";
import type { LocalKeys } from "./localKeys.ts";
import { channelTypeOf, supportsChannelType } from "./ops/channelType.ts";
import { send } from "./ops/commit.ts";
import { commitmentFeerate } from "./ops/fee.ts";
import { checkOurOpen, checkOurTerms } from "./ops/openingChecks.ts";
import { ourLimits, termsFields, upfrontScript } from "./ops/openingTerms.ts";
import { isShutdownScript } from "./ops/shutdownScript.ts";
import type { ChannelIdentity, WaitForAcceptChannel } from "./state.ts";

/**
 * A new channel that we open: `open_channel` asks for the best of the command's formats that both nodes support, and
 * the others are kept for the case that the peer refuses it. Nothing is stored before the funding is signed.
 *
 * @ldk lightning::ln::channel::OutboundV1Channel::new
 */
export function openChannel(
  ctx: ChannelContext,
  command: Extract<ChannelCommand, { readonly kind: "open" }>,
): Result<ChannelStep<WaitForAcceptChannel>, ChannelRefusal> {
  const { remoteFeatures, config, shutdownScript } = command;
  const announce = config.channelHandshakeConfig.announceForForwarding;
  const scidPrivacy =
    config.channelHandshakeConfig.negotiateScidPrivacy &&
    !announce &&
    ctx.ourFeatures.has("option_scid_alias") &&
    remoteFeatures.has("option_scid_alias");
  const [format, ...fallbacks] = command.formats.filter((candidate) => {
    const type = channelTypeOf(candidate, { scidAlias: false, zeroConf: false });
    return supportsChannelType(ctx.ourFeatures, type) && supportsChannelType(remoteFeatures, type);
  });
  if (format === undefined) {
    const text = `none of the formats ${command.formats.join(", ")} is supported by both nodes`;
    return err(refusal("ignore", "no-common-format", text));
  }
  if (!isShutdownScript(shutdownScript, ctx.ourFeatures, remoteFeatures)) {
    const text = "the peer would not take this shutdown script";
    return err(refusal("ignore", "incompatible-shutdown-script", text));
  }
  const identity: ChannelIdentity = {
    counterparty: command.counterparty,
    userChannelId: command.userChannelId,
    config: config.channelConfig,
    announce,
    localAlias: command.localAlias,
    scidPrivacy,
    shutdownScript,
    remoteFeatures,
  };
  const { zeroReserve = false } = command;
  const asked = askFor(ctx, { ...command, identity, format, zeroReserve });
  if (!asked.ok) return asked;
  const open = asked.value;
  return ok({
    state: {
      kind: "wait-for-accept-channel",
      identity,
      keys: command.keys,
      open,
      format,
      fallbacks,
      config,
      ticks: 0,
    },
    actions: [send(open)],
  });
}

/** The same channel in the next format, once the peer refused the last one; `undefined` when there is none left. */
export function askForFallback(
  ctx: ChannelContext,
  state: WaitForAcceptChannel,
): WaitForAcceptChannel | undefined {
  const [format, ...fallbacks] = state.fallbacks;
  if (format === undefined) return undefined;
  const { temporaryChannelId, fundingSatoshis, pushMsat, channelReserveSatoshis } = state.open;
  const asked = askFor(ctx, {
    identity: state.identity,
    keys: state.keys,
    config: state.config,
    format,
    temporaryChannelId,
    funding: fundingSatoshis,
    push: pushMsat,
    zeroReserve: channelReserveSatoshis === 0n,
  });
  return asked.ok ? { ...state, open: asked.value, format, fallbacks } : undefined;
}

interface Asked {
  readonly identity: ChannelIdentity;
  readonly keys: LocalKeys;
  readonly config: UserConfig;
  readonly format: FormatName;
  readonly temporaryChannelId: ChannelId;
  readonly funding: Sat;
  readonly push: Msat;
  readonly zeroReserve: boolean;
}

function askFor(ctx: ChannelContext, asked: Asked): Result<OpenChannel, ChannelRefusal> {
  const { identity, keys, config, format, funding, push, zeroReserve } = asked;
  const { announce, remoteFeatures, scidPrivacy } = identity;
  const handshake = config.channelHandshakeConfig;
  const upfront = upfrontScript(handshake, remoteFeatures, identity.shutdownScript);
  const ours = ourLimits(handshake, { capacity: funding, announce, format, zeroReserve });
  const feerate = commitmentFeerate(ctx.feerates, format);
  const refused =
    checkOurOpen(ctx, remoteFeatures, { capacity: funding, pushed: push, feerate, format }) ??
    checkOurTerms(handshake, ours, funding);
  if (refused !== undefined) return err({ ...refused, verdict: "ignore" });
  return ok({
    type: "open_channel",
    chainHash: ctx.chainHash,
    temporaryChannelId: asked.temporaryChannelId,
    fundingSatoshis: funding,
    pushMsat: push,
    ...termsFields(ours, keys),
    feeratePerKw: feerate,
    channelFlags: announce ? 1 : 0,
    tlvs: {
      upfrontShutdownScript: upfront ?? (noBytes as Script),
      channelType: encodeChannelType(channelTypeOf(format, { scidAlias: scidPrivacy, zeroConf: false })),
    },
  });
}
