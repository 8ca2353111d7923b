import { defaultUserConfig, type UserConfig } from "@fulmen/lightning/channel";

/** What test nodes are set to unless told otherwise: channels that are announced, and ready after one confirmation. */
export const testConfig: UserConfig = {
  ...defaultUserConfig,
  channelHandshakeConfig: {
    ...defaultUserConfig.channelHandshakeConfig,
    minimumDepth: 1,
    announceForForwarding: true,
    negotiateAnchorZeroFeeCommitments: true,
  },
};
