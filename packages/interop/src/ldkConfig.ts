import {
  ChannelConfig,
  ChannelHandshakeConfig,
  ChannelHandshakeLimits,
  MaxDustHTLCExposure,
  UserConfig,
} from "lightningdevkit";
import type { LdkOptions } from "./ldkOptions.ts";

/** LDK's configuration for `options`. Getters of a `UserConfig` hand out copies: every part is set back whole. */
export function ldkUserConfig(options: LdkOptions): UserConfig {
  const config = UserConfig.constructor_default();
  config.set_channel_handshake_config(handshakeConfig(options));
  const limits = ChannelHandshakeLimits.constructor_default();
  limits.set_force_announced_channel_preference(false);
  config.set_channel_handshake_limits(limits);
  config.set_channel_config(channelConfig(options));
  // LDK refuses inbound anchor channels unless each one is accepted by hand.
  config.set_manually_accept_inbound_channels(true);
  config.set_accept_forwards_to_priv_channels(options.forwardToPrivateChannels);
  return config;
}

function handshakeConfig(options: LdkOptions): ChannelHandshakeConfig {
  const config = ChannelHandshakeConfig.constructor_default();
  config.set_minimum_depth(options.minimumDepth);
  config.set_our_to_self_delay(options.toSelfDelay);
  config.set_announce_for_forwarding(options.announce);
  config.set_negotiate_anchors_zero_fee_htlc_tx(options.anchors);
  config.set_max_inbound_htlc_value_in_flight_percent_of_channel(100);
  config.set_our_max_accepted_htlcs(options.maxAcceptedHtlcs);
  return config;
}

function channelConfig(options: LdkOptions): ChannelConfig {
  const config = ChannelConfig.constructor_default();
  config.set_forwarding_fee_base_msat(options.forwarding.baseMsat);
  config.set_forwarding_fee_proportional_millionths(options.forwarding.proportionalMillionths);
  config.set_cltv_expiry_delta(options.forwarding.cltvExpiryDelta);
  if (options.maxDustExposureMsat !== undefined) {
    config.set_max_dust_htlc_exposure(
      MaxDustHTLCExposure.constructor_fixed_limit_msat(BigInt(options.maxDustExposureMsat)),
    );
  }
  return config;
}
