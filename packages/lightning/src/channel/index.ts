export type { ChannelAction, ChannelStep } from "./action.ts";
export {
  type ChannelConfig,
  type ChannelConfigUpdate,
  type ChannelFeerates,
  type ChannelHandshakeConfig,
  type ChannelHandshakeLimits,
  defaultUserConfig,
  type ForwardingBudget,
  htlcInterceptionFlags,
  type MaxDustHtlcExposure,
  type TrampolineRelayTerms,
  type UserConfig,
} from "./config.ts";
export type {
  Disposition,
  HtlcRef,
  HtlcSource,
  HtlcToSend,
  IncomingHtlc,
  OutgoingHtlc,
  Resolution,
} from "./disposition.ts";
export type { ChannelRefusal, Verdict } from "./error.ts";
export type { ChannelCommand, ChannelContext, ChannelInput, PreimageForMonitor } from "./input.ts";
export type { LocalKeys } from "./localKeys.ts";
export { openChannel } from "./openChannel.ts";
export { nextDeadline } from "./ops/chain.ts";
export { receiveOpenChannel } from "./receiveOpenChannel.ts";
export { type ChannelState, type FundedChannel, fundedChannel } from "./state.ts";
export { step } from "./step.ts";
