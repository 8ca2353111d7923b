export { type GossipRefusal, verdictOn } from "./gossipRefusal.ts";
export type {
  ChannelInfo,
  ChannelUpdateInfo,
  NodeAnnouncementInfo,
  NodeInfo,
  ReadOnlyNetworkGraph,
} from "./graph/graphEntries.ts";
export { NetworkGraph, type NetworkGraphOptions } from "./graph/networkGraph.ts";
export type { SourcedGossip } from "./graph/pendingChecks.ts";
export { edgeAmount, edgeFlag, edgeWord, nodeFlag, type RoutingGraph } from "./graph/routingGraph.ts";
export type {
  PartialAnnouncement,
  UnsignedChannelUpdate,
  UnsignedNodeAnnouncement,
} from "./graph/unsignedGossip.ts";
export { nodeAliasText } from "./nodeAlias.ts";
export { type NodeAnnouncementContents, signNodeAnnouncement } from "./nodeAnnouncement.ts";
export type {
  GossipOrigin,
  GraphMessage,
  PreparedGossip,
  SignatureCheck,
  SignatureVerdicts,
} from "./preparedGossip.ts";
export { decodeRapidSnapshot } from "./rapid/rapidDecode.ts";
export { rapidSnapshotSince, type SnapshotRequest } from "./rapid/rapidDelta.ts";
export { encodeRapidSnapshot } from "./rapid/rapidEncode.ts";
export { type RapidGossipRefusal, RapidGossipSync } from "./rapid/rapidGossipSync.ts";
export {
  type HistoryContents,
  type KnownChannel,
  type KnownNode,
  type KnownTerms,
  type ObservedGraph,
  RapidGossipHistory,
  type TermTimes,
} from "./rapid/rapidHistory.ts";
export { decodeRapidHistory, encodeRapidHistory } from "./rapid/rapidHistoryRecord.ts";
export type {
  RapidChannel,
  RapidChannelUpdate,
  RapidNode,
  RapidSnapshot,
  RapidTerms,
  RapidVersion,
} from "./rapid/rapidSnapshot.ts";
export { signedPart, signedPartOfChannel } from "./signatures.ts";
export { SpentChannels } from "./spentChannels.ts";
export type { GossipSyncStatus } from "./sync/graphSync.ts";
export { P2PGossipSync, type P2PGossipSyncOptions } from "./sync/p2pGossipSync.ts";
export {
  type GossipSignature,
  type SignatureBatch,
  verifySignatures,
} from "./sync/verificationQueue.ts";
export type { UtxoAnswer, UtxoLookup } from "./utxoLookup.ts";
