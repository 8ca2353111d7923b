export type { BackgroundProcessorOptions, NodeStatus } from "./backgroundOptions.ts";
export { BackgroundProcessor } from "./backgroundProcessor.ts";
export { type BackupPlace, StaticBackups, type StaticBackupsOptions } from "./backup/staticBackups.ts";
export { BumpTransactionHandler, type BumpTransactionHandlerOptions } from "./bumpTransactionHandler.ts";
export { type Clock, risingMilliseconds, systemClock } from "./clock.ts";
export type { EventHandler } from "./eventPump.ts";
export type { DeliveredEvent } from "./eventStream.ts";
export { type FencedBroadcasterOptions, fencedBroadcaster } from "./fencedBroadcaster.ts";
export { randomForwardDelay } from "./forwardDelay.ts";
export { GossipVerifier, type GossipVerifierOptions, type SignatureVerifier } from "./gossipVerifier.ts";
export {
  loadNetworkGraph,
  loadScores,
  type NetworkKnowledgeOptions,
  type TaughtScorer,
} from "./networkKnowledge.ts";
export { type CommittedParts, NodeCommits } from "./nodeCommits.ts";
export { pagesBelow } from "./pagesBelow.ts";
export { readStoredRecords, type StoredRecords } from "./storedRecords.ts";
