export type { StorageError } from "./storageError.ts";
export { broadcastWrite, readBroadcast, type StoredBroadcast } from "./v1/broadcast.ts";
export { channelPrefixes, channelWrites } from "./v1/channel.ts";
export { encodeEventAck, encodeIndexedEvent, readEventAck, readIndexedEvent } from "./v1/event.ts";
export {
  exportMonitor,
  type ImportedMonitor,
  importMonitor,
  type MonitorRecords,
} from "./v1/exportedMonitor.ts";
export {
  batchSequenceKey,
  broadcastPrefix,
  chainPositionKey,
  channelPrefix,
  channelsPrefix,
  coreKey,
  eventAckKey,
  eventPrefix,
  htlcPrefix,
  keyDescriptions,
  monitorPrefix,
  monitorsPrefix,
  monitorUpdatesPrefix,
  networkGraphKey,
  nodeKey,
  outboxPrefix,
  paymentPrefix,
  peerStoragePrefix,
  scoresKey,
  settledAfter,
  settledPrefix,
  sweeperPrefix,
} from "./v1/keys.ts";
export { encodeMonitorSetup, readMonitorSetup } from "./v1/monitor.ts";
export {
  encodeBatchSequence,
  encodeChainPosition,
  movedNodeRecord,
  type NodeRecord,
  type NodeRecordCheck,
  openNodeRecord,
  readBatchSequence,
  readChainPosition,
  readNodeRecord,
} from "./v1/node.ts";
export { type OutboxRow, outboxWrite, readOutboxRow } from "./v1/outbox.ts";
export { encodePayment, readPayment } from "./v1/payment.ts";
export { readChannel, readChannels, type StoredState } from "./v1/readChannel.ts";
export { type RestoredMonitor, restoreMonitors } from "./v1/readMonitors.ts";
export { type RestoredStore, type RestoreTerms, restoredStore } from "./v1/restoredChannels.ts";
export { type RevokedCommitment, revokedCommitment } from "./v1/revokedCommitment.ts";
export {
  type BackedUpPeer,
  backupForPeer,
  openOwnBackup,
  openStaticBackup,
  type StaticBackup,
  sealStaticBackup,
} from "./v1/staticBackup.ts";
export { readSweeper, type StoredSweeper } from "./v1/sweeper.ts";
