export { AnchorReserveError } from "./anchorReserveCheck.ts";
export { ApiError, type ApiErrorCode } from "./apiError.ts";
export { BackupCollector, type BackupCollectorOptions, type ReturnedBackup } from "./backupCollector.ts";
export { type Batch, type Effect, effectDurability } from "./batch.ts";
export type { BlindedPathsOptions } from "./blindedPaths.ts";
export { ChainMonitor } from "./chainMonitor.ts";
export type { ChainMonitorEnvironment } from "./chainMonitorEnvironment.ts";
export type { ChannelDetails, HtlcDetails } from "./channelDetails.ts";
export { ChannelManager, type CreateChannelRequest } from "./channelManager.ts";
export type { ClaimablePayment, FailureCode } from "./claimables.ts";
export type { ManagerEnvironment } from "./environment.ts";
export {
  type CreatedInvoice,
  createPhantomInvoice,
  type InboundPaymentRequest,
  type InvoiceRequest,
  type PhantomInvoiceMaker,
  type PhantomRouteHints,
} from "./invoices.ts";
export type { PendingSigningRequest } from "./lateSigners.ts";
export { OutputSweeper, type OutputSweeperEnvironment, type TrackOptions } from "./outputSweeper.ts";
export type {
  PayInvoiceOptions,
  PaymentOptions,
  PaymentRequest,
  SpontaneousPayment,
} from "./paymentTerms.ts";
export {
  type PeerCopy,
  PeerStorage,
  type PeerStorageOptions,
  type PeerStorageStart,
} from "./peerStorage.ts";
export { type ManagerRecords, noRecords, restoreManager } from "./restore.ts";
export type { SentProbe } from "./sending.ts";
export type { TrampolineStep } from "./trampolineTerms.ts";
