import { nextFeerate, updateFee } from "../../commitment/dance.ts";
import { formatOf } from "../../commitment/formats/formatOf.ts";
import { checkIncomingFee, checkOutgoingFee } from "../../commitment/limits.ts";
import { violationText } from "../../commitment/limitViolation.ts";
import type { FormatName } from "../../commitment/params.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { type FeeratePerKw, feeratePerKw, maxOf, minOf, times } from "../../util/units.ts";
import type { UpdateFee } from "../../wire/index.ts";
import type { ChannelFeerates } from "../config.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelContext } from "../input.ts";
import type { FundedChannel } from "../state.ts";
import { type ChannelChange, send } from "./commit.ts";
import { feeLimits } from "./limits.ts";

/** An opener may ask for ten times what we would call much, and in any case for that. */
const alwaysTakenFeerate: FeeratePerKw = feeratePerKw(25_000);
const noFeerate: FeeratePerKw = feeratePerKw(0);

/** The feerate that we ask for in a channel of this format: with anchors, the fee can be raised when it matters. */
export function commitmentFeerate(feerates: ChannelFeerates, format: FormatName): FeeratePerKw {
  switch (formatOf(format).feerateBasis) {
    case "full":
      return feerates.nonAnchorChannelFee;
    case "relay":
      return feerates.anchorChannelFee;
    case "none":
      return noFeerate;
  }
}

/** The least feerate that we take from a peer in a channel of this format. */
export function leastRemoteFeerate(feerates: ChannelFeerates, format: FormatName): FeeratePerKw {
  switch (formatOf(format).feerateBasis) {
    case "full":
      return feerates.minAllowedNonAnchorChannelRemoteFee;
    case "relay":
      return feerates.minAllowedAnchorChannelRemoteFee;
    case "none":
      return noFeerate;
  }
}

/** The highest feerate at which we take a new channel of this format. */
export function mostRemoteFeerate(feerates: ChannelFeerates, format: FormatName): FeeratePerKw {
  if (formatOf(format).feerateBasis === "none") return noFeerate;
  return maxOf(times(feerates.maximumFeeEstimate, 10), alwaysTakenFeerate);
}

/** Proposes a feerate for the commitments (BOLT 2, "Updating Fees"); only the opener may. */
export function sendFee(
  ctx: ChannelContext,
  channel: FundedChannel,
  feerate: FeeratePerKw,
): Result<ChannelChange, ChannelRefusal> {
  const violation = checkOutgoingFee(channel.commitments, feerate, feeLimits(ctx, channel));
  if (violation !== undefined) return err(refusal("ignore", violation.kind, violationText(violation)));
  const { channelId } = channel.commitments;
  return ok({
    channel: { ...channel, commitments: updateFee(channel.commitments, feerate) },
    actions: [send({ type: "update_fee", channelId, feeratePerKw: feerate })],
  });
}

/**
 * The opener's new feerate. There is no upper bound but what the opener can pay and what we risk in dust: a high
 * feerate is the opener's loss, and a bad estimate of ours must not close a channel. Nor is there a lower one for what
 * is no worse than before: fees may have risen faster than the opener follows.
 */
export function receiveFee(
  ctx: ChannelContext,
  channel: FundedChannel,
  message: UpdateFee,
): Result<ChannelChange, ChannelRefusal> {
  const { commitments } = channel;
  const feerate = message.feeratePerKw;
  const minimum = leastRemoteFeerate(ctx.feerates, commitments.params.format);
  const present = nextFeerate(commitments, "local");
  const limits = { ...feeLimits(ctx, channel), bounds: { minimum: minOf(minimum, present) } };
  const violation = checkIncomingFee(commitments, feerate, limits);
  if (violation === undefined) {
    return ok({ channel: { ...channel, commitments: updateFee(commitments, feerate) }, actions: [] });
  }
  // BOLT 2, "Updating Fees": ignored, with a warning; once reconnected, the peer may do without it.
  const verdict = violation.kind === "no-feerate" ? "disconnect" : "close";
  const refused = refusal(verdict, violation.kind, violationText(violation));
  if (violation.kind !== "feerate-too-low") return err(refused);
  return err({
    ...refused,
    reason: { kind: "peer-feerate-too-low", peerFeerate: feerate, requiredFeerate: minimum },
  });
}
