export type { BackupPlace } from "@fulmen/background";
export { msat, sat } from "@fulmen/lightning/util";
export type { Balances, Explained, PendingBalance, PendingReason } from "./api/balances.ts";
export type {
  ChannelConfigChange,
  ChannelHtlc,
  ChannelPhase,
  ChannelView,
  CloseChannelOptions,
  CloseStep,
  OpenChannelRequest,
  OpenedChannel,
  PeerView,
} from "./api/channels.ts";
export type { EventQuery, NodeEvent, StoredNodeEvent } from "./api/events.ts";
export type { GraphChannel, GraphNode, GraphQuery, GraphView } from "./api/graph.ts";
export { type JsonSafe, jsonSafe } from "./api/jsonSafe.ts";
export type { LedgerAccount, LedgerEntry, LedgerKind, LedgerPosting, LedgerQuery } from "./api/ledger.ts";
export type {
  MessageSignature,
  NodeApi,
  NodePhase,
  NodeStatusView,
  NodeWarning,
  OnchainApi,
  PeerBackupState,
} from "./api/nodeApi.ts";
export { type ErrorDetails, NodeError, type NodeErrorCode } from "./api/nodeError.ts";
export type {
  ChainOption,
  DevelopmentOptions,
  GossipOption,
  InboundChannelPolicy,
  ListenOption,
  NodeLogger,
  NodeNetwork,
  NodeOptions,
  RestoreFromPeers,
  RetentionOption,
  StorageOption,
  TorOption,
} from "./api/options.ts";
export type { PaymentInstructions, PaymentMethod } from "./api/paymentInstructions.ts";
export type {
  OnchainSendRequest,
  OnchainTransaction,
  Payment,
  PaymentAttempt,
  PaymentDirection,
  PaymentFailure,
  PaymentQuery,
  PaymentStatus,
  PayOptions,
  RawSendRequest,
  ReceiveOptions,
  ReceiveRequest,
  RouteExplanation,
  SpendingOptions,
} from "./api/payments.ts";
export { type ChainLook, lookAtChains } from "./chain/index.ts";
export { Node } from "./node.ts";
export type { NodeParts } from "./parts/index.ts";
export { chosenMethod } from "./paying/index.ts";
export { generateSeedWords, storeKey } from "./seed/index.ts";
export { type BackupContents, readBackup } from "./start/backupContents.ts";
