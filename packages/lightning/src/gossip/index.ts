export { type GossipRefusal, verdictOn } from "./gossipRefusal.ts";
export type {
  ChannelInfo,
  ChannelUpdateInfo,
  NodeAnnouncementInfo,
  NodeInfo,
  ReadOnlyNetworkGraph,
} from "./graphEntries.ts";
export type { GossipSyncStatus } from "./graphSync.ts";
export { NetworkGraph, type NetworkGraphOptions } from "./networkGraph.ts";
export { nodeAliasText } from "./nodeAlias.ts";
export { type NodeAnnouncementContents, signNodeAnnouncement } from "./nodeAnnouncement.ts";
export { P2PGossipSync, type P2PGossipSyncOptions } from "./p2pGossipSync.ts";
export type { SourcedGossip } from "./pendingChecks.ts";
export type {
  GossipOrigin,
  GraphMessage,
  PreparedGossip,
  SignatureCheck,
  SignatureVerdicts,
} from "./preparedGossip.ts";
export { decodeRapidSnapshot } from "./rapidDecode.ts";
export { rapidSnapshotSince, type SnapshotRequest } from "./rapidDelta.ts";
export { encodeRapidSnapshot } from "./rapidEncode.ts";
export { type RapidGossipRefusal, RapidGossipSync } from "./rapidGossipSync.ts";
export {
  type HistoryContents,
  type KnownChannel,
  type KnownNode,
  type KnownTerms,
  type ObservedGraph,
  RapidGossipHistory,
  type TermTimes,
} from "./rapidHistory.ts";
export { decodeRapidHistory, encodeRapidHistory } from "./rapidHistoryRecord.ts";
export type {
  RapidChannel,
  RapidChannelUpdate,
  RapidNode,
  RapidSnapshot,
  RapidTerms,
  RapidVersion,
} from "./rapidSnapshot.ts";
export { edgeAmount, edgeFlag, edgeWord, nodeFlag, type RoutingGraph } from "./routingGraph.ts";
export { signedPart, signedPartOfChannel } from "./signatures.ts";
export type {
  PartialAnnouncement,
  UnsignedChannelUpdate,
  UnsignedNodeAnnouncement,
} from "./unsignedGossip.ts";
export type { UtxoAnswer, UtxoLookup } from "./utxoLookup.ts";
export {
  type GossipSignature,
  type SignatureBatch,
  verifySignatures,
} from "./verificationQueue.ts";
