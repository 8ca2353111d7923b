import type { UserConfig } from "../channel/config.ts";
import { Features } from "../wire/index.ts";

/** What a node of this kit offers in `init` and `node_announcement`. @ldk ChannelManager::init_features */
export function ourFeatures(config: UserConfig): Features {
  const features = Features.of({
    option_data_loss_protect: "required",
    option_upfront_shutdown_script: "optional",
    var_onion_optin: "required",
    option_static_remotekey: "required",
    payment_secret: "required",
    basic_mpp: "optional",
    option_support_large_channel: "optional",
    option_route_blinding: "optional",
    option_shutdown_anysegwit: "optional",
    option_channel_type: "required",
    option_scid_alias: "optional",
    option_zeroconf: "optional",
    option_attribution_data: "optional",
  });
  const { negotiateAnchorsZeroFeeHtlcTx, negotiateAnchorZeroFeeCommitments } = config.channelHandshakeConfig;
  return features
    .set("option_anchors", negotiateAnchorsZeroFeeHtlcTx ? "optional" : undefined)
    .set("trampoline_routing", config.acceptTrampolineForwards ? "optional" : undefined)
    .set("zero_fee_commitments", negotiateAnchorZeroFeeCommitments ? "optional" : undefined);
}

/** What our invoices ask of a payer. */
export const invoiceFeatures: Features = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  basic_mpp: "optional",
  option_attribution_data: "optional",
});
