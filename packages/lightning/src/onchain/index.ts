export {
  type AnchorReserveRefusal,
  type AnchorReserveSource,
  type AnchorReserveTerms,
  anchorReserve,
  canSupportAdditionalAnchorChannel,
  defaultAnchorReserveTerms,
  needsAnchorReserve,
  type ReserveCoin,
  reservePerChannel,
  supportableAnchorChannels,
} from "./anchorReserve.ts";
export { type Balance, type BalanceSource, claimableBalances } from "./balances.ts";
export type { SentBump } from "./bumpDraft.ts";
export {
  type BumpContext,
  type BumpOutcome,
  type BumpRefusal,
  type BumpStep,
  bumpSteps,
  textOfBumpRefusal,
} from "./bumpSteps.ts";
export type {
  AnchorDescriptor,
  BumpTransactionEvent,
  HtlcDescriptor,
  HtlcResolutionEvent,
} from "./bumpTransaction.ts";
export type {
  ChainView,
  CommitmentOutput,
  Confirmation,
  ContestedOutput,
  ContestedSpend,
  FundingSpend,
  FundingSpender,
  PendingClaim,
  SpenderOutput,
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
  closeTimeline,
  type TimelineEntry,
  type TimelineState,
  type TimelineSubject,
} from "./closeTimeline.ts";
export {
  antiReorgDelay,
  cltvClaimBuffer,
  htlcFailBackBuffer,
  latencyGracePeriod,
  shouldForceClose,
} from "./deadlines.ts";
export { identifyFundingSpend } from "./identify.ts";
export { type PenaltyOutput, penaltyOutputs, type RevokedCommitment } from "./penalty.ts";
export { SentBumps } from "./sentBumps.ts";
export { timelineLines } from "./timelineText.ts";
export type { OutputSpendStatus, SweepTransaction, TrackedSpendableOutput } from "./trackedOutput.ts";
export type { ChannelMonitorUpdateStatus, MonitorEvent, MonitorSetup, Watch } from "./watch.ts";
