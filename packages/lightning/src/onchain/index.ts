export { type Balance, type BalanceSource, claimableBalances } from "./balances.ts";
export type {
  ChainView,
  Confirmation,
  ContestedOutput,
  ContestedSpend,
  FundingSpend,
  FundingSpender,
  ValidCommitment,
} from "./chainView.ts";
export {
  applyUpdate,
  type ChannelMonitor,
  type CounterpartyCommitment,
  type HolderCommitment,
  type KnownPreimage,
  type LockCause,
  type MonitorLock,
  newMonitor,
  type UpdateOutcome,
} from "./channelMonitor.ts";
export type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStep,
  CommitmentBalances,
  HtlcChanges,
  IncomingHtlcRef,
  MonitoredHtlc,
  UpdateRef,
} from "./channelMonitorUpdate.ts";
export {
  antiReorgDelay,
  cltvClaimBuffer,
  htlcFailBackBuffer,
  latencyGracePeriod,
  shouldForceClose,
} from "./deadlines.ts";
export { identifyFundingSpend } from "./identify.ts";
export {
  type PenaltyOutput,
  type PenaltyTerms,
  penaltyGroups,
  penaltyOutputs,
  penaltyTransaction,
  type RevokedCommitment,
} from "./penalty.ts";
export type { ChannelMonitorUpdateStatus, MonitorEvent, MonitorSetup, Watch } from "./watch.ts";
