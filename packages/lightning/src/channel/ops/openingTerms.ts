import { formatOf } from "../../commitment/formats/formatOf.ts";
import type { FormatName, PartyParams } from "../../commitment/params.ts";
import type { Script } from "../../util/bytes.ts";
import { type Msat, maxOf, minOf, msat, type Sat, sat, satToMsat, zeroSat } from "../../util/units.ts";
import type { AcceptChannel, Features, OpenChannel } from "../../wire/index.ts";
import type { ChannelHandshakeConfig } from "../config.ts";
import type { LocalKeys } from "../localKeys.ts";

/**
 * Our dust limit, and the least that we accept: no output is relayed by Bitcoin Core that is smaller (BOLT 3, "Dust
 * Limits").
 */
export const leastDustLimit: Sat = sat(354);
/** What we demand that the peer keeps is at least that. @ldk lightning::ln::channel::MIN_THEIR_CHAN_RESERVE_SATOSHIS */
const leastReserve: Sat = sat(1_000);

/** A party's terms without its keys. */
export type PartyLimits = Omit<PartyParams, "basepoints" | "upfrontShutdownScript">;

/** What we ask for in a channel, whichever side opens it. */
export function ourLimits(
  config: ChannelHandshakeConfig,
  channel: {
    readonly capacity: Sat;
    readonly announce: boolean;
    readonly format: FormatName;
    /** The peer is trusted: it need not keep anything. */
    readonly zeroReserve?: boolean;
  },
): PartyLimits {
  const { capacity, announce, format, zeroReserve = false } = channel;
  const percent = announce
    ? config.announcedMaxInboundHtlcValueInFlightPercent
    : config.unannouncedMaxInboundHtlcValueInFlightPercent;
  return {
    dustLimit: leastDustLimit,
    maxHtlcValueInFlight: percentOf(satToMsat(capacity), percent),
    channelReserve: zeroReserve
      ? zeroSat
      : reserveOf(capacity, config.theirChannelReserveProportionalMillionths),
    htlcMinimum: maxOf(config.ourHtlcMinimum, msat(1)),
    toSelfDelay: config.ourToSelfDelay,
    maxAcceptedHtlcs: Math.min(config.ourMaxAcceptedHtlcs, formatOf(format).maxAcceptedHtlcs),
  };
}

/** The script that we commit to at the opening: only where the peer keeps to it. */
export function upfrontScript(
  config: ChannelHandshakeConfig,
  remoteFeatures: Features,
  script: Script,
): Script | undefined {
  const committed =
    config.commitUpfrontShutdownPubkey && remoteFeatures.has("option_upfront_shutdown_script");
  return committed ? script : undefined;
}

/** What the sender of an opening message says of itself. */
export function termsIn(message: OpenChannel | AcceptChannel): PartyParams {
  const upfront = message.tlvs.upfrontShutdownScript;
  return {
    dustLimit: message.dustLimitSatoshis,
    maxHtlcValueInFlight: message.maxHtlcValueInFlightMsat,
    channelReserve: message.channelReserveSatoshis,
    htlcMinimum: message.htlcMinimumMsat,
    toSelfDelay: message.toSelfDelay,
    maxAcceptedHtlcs: message.maxAcceptedHtlcs,
    basepoints: {
      revocation: message.revocationBasepoint,
      payment: message.paymentBasepoint,
      delayedPayment: message.delayedPaymentBasepoint,
      htlc: message.htlcBasepoint,
    },
    ...(upfront && upfront.length > 0 && { upfrontShutdownScript: upfront }),
  };
}

/** The fields of `open_channel` and `accept_channel` that say our limits and keys. */
export function termsFields(terms: PartyLimits, keys: LocalKeys) {
  return {
    dustLimitSatoshis: terms.dustLimit,
    maxHtlcValueInFlightMsat: terms.maxHtlcValueInFlight,
    channelReserveSatoshis: terms.channelReserve,
    htlcMinimumMsat: terms.htlcMinimum,
    toSelfDelay: terms.toSelfDelay,
    maxAcceptedHtlcs: terms.maxAcceptedHtlcs,
    fundingPubkey: keys.fundingKey,
    revocationBasepoint: keys.basepoints.revocation,
    paymentBasepoint: keys.basepoints.payment,
    delayedPaymentBasepoint: keys.basepoints.delayedPayment,
    htlcBasepoint: keys.basepoints.htlc,
    firstPerCommitmentPoint: keys.points[0],
  };
}

/**
 * Whether a party may be let off its reserve: where its peer's commitment may be without an output of its own, an
 * anchor at least must be there to pay for it.
 */
export function allowsZeroReserve(format: FormatName): boolean {
  return format !== "static-remotekey";
}

function percentOf(amount: Msat, percent: number): Msat {
  return msat((amount * BigInt(Math.min(Math.max(percent, 1), 100))) / 100n);
}

/** @ldk lightning::ln::channel::get_holder_selected_channel_reserve_satoshis */
function reserveOf(capacity: Sat, millionths: number): Sat {
  const share = sat((capacity * BigInt(millionths)) / 1_000_000n);
  return minOf(capacity, maxOf(share, leastReserve));
}
