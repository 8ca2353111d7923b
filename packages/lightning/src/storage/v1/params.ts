import type { ChannelConfig, MaxDustHtlcExposure } from "../../channel/config.ts";
import type { ChannelIdentity } from "../../channel/state.ts";
import type { Codec } from "../../codec/codec.ts";
import {
  bool,
  mapped,
  msat64,
  nodeId,
  point,
  rest,
  restScript,
  sat64,
  shortChannelId,
  u16,
  u32,
} from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type { Basepoints, ChannelParams, FormatName, PartyParams } from "../../commitment/params.ts";
import { Features } from "../../wire/features.ts";
import { nameOf, needed, nested, possible, union } from "./layouts.ts";
import { u128 } from "./values.ts";

const formatName: Codec<FormatName> = nameOf<FormatName>("format", {
  "static-remotekey": 0,
  "anchors-zero-fee-htlc": 1,
  "zero-fee-commitments": 2,
});

export const basepoints: Codec<Basepoints> = struct("basepoints", {
  revocation: point,
  payment: point,
  delayedPayment: point,
  htlc: point,
});

const partyParams: Codec<PartyParams> = nested<PartyParams>("party_params", {
  dustLimit: needed(0, sat64),
  maxHtlcValueInFlight: needed(2, msat64),
  channelReserve: needed(4, sat64),
  htlcMinimum: needed(6, msat64),
  toSelfDelay: needed(8, u16),
  maxAcceptedHtlcs: needed(10, u16),
  basepoints: needed(12, basepoints),
  upfrontShutdownScript: possible(14, restScript),
});

/** What both sides agreed on when the channel opened. */
export const channelParams: Codec<ChannelParams> = nested<ChannelParams>("channel_params", {
  format: needed(0, formatName),
  isOpener: needed(2, bool),
  local: needed(4, partyParams),
  remote: needed(6, partyParams),
});

const maxDustHtlcExposure: Codec<MaxDustHtlcExposure> = union<MaxDustHtlcExposure>("max_dust_htlc_exposure", {
  fixed: [0, { limit: needed(0, msat64) }],
  "feerate-multiplier": [
    1,
    {
      multiplier: needed(0, u32),
    },
  ],
});

const channelConfig: Codec<ChannelConfig> = nested<ChannelConfig>("channel_config", {
  forwardingFeeProportionalMillionths: needed(0, u32),
  forwardingFeeBase: needed(2, msat64),
  cltvExpiryDelta: needed(4, u16),
  maxDustHtlcExposure: needed(6, maxDustHtlcExposure),
  forceCloseAvoidanceMaxFee: needed(8, sat64),
  acceptUnderpayingHtlcs: needed(10, bool),
});

const features: Codec<Features> = mapped("features", rest, {
  decoded: (value) => Features.fromBytes(value),
  encoded: (value) => value.toBytes(),
});

/** Whose channel it is and how the user wants it. */
export const channelIdentity: Codec<ChannelIdentity> = nested<ChannelIdentity>("channel_identity", {
  counterparty: needed(0, nodeId),
  userChannelId: needed(2, u128),
  config: needed(4, channelConfig),
  announce: needed(6, bool),
  localAlias: needed(8, shortChannelId),
  scidPrivacy: needed(10, bool),
  shutdownScript: needed(12, restScript),
  remoteFeatures: needed(14, features),
});
