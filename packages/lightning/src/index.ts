// The front door: what a program needs that puts a node together from its parts. All else is in the subpaths.

export type {
  BlockLocator,
  BroadcasterInterface,
  ChangeDestinationSource,
  Confirm,
  ConfirmationTarget,
  EntropySource,
  FeeEstimator,
  Filter,
  KVStore,
  KVStoreError,
  KvEntry,
  KvWrite,
  Listen,
  NodeSigner,
  TransactionInBlock,
  TransactionType,
  WatchedOutput,
} from "./chain/index.ts";
export {
  type ChannelConfig,
  type ChannelHandshakeConfig,
  type ChannelHandshakeLimits,
  defaultUserConfig,
  type UserConfig,
} from "./channel/index.ts";
export {
  NetworkGraph,
  P2PGossipSync,
  type ReadOnlyNetworkGraph,
  type UtxoAnswer,
  type UtxoLookup,
} from "./gossip/index.ts";
export type {
  ChannelMessageHandler,
  ClosureReason,
  CustomMessageHandler,
  Event,
  EventsProvider,
  IndexedEvent,
  Logger,
  LogRecord,
  MessageSendEvent,
  MessageSendEventsProvider,
  OnionMessageHandler,
  PathFailure,
  PaymentFailureReason,
  PaymentPurpose,
  RoutingMessageHandler,
} from "./handlers/index.ts";
export {
  ApiError,
  type ApiErrorCode,
  type Batch,
  ChainMonitor,
  type ChannelDetails,
  ChannelManager,
  type ClaimablePayment,
  type CreateChannelRequest,
  type InvoiceRequest,
  type ManagerEnvironment,
  type ManagerRecords,
  noRecords,
  OutputSweeper,
  type PayInvoiceOptions,
  restoreManager,
} from "./manager/index.ts";
export {
  type Balance,
  type ChannelMonitor,
  type ChannelMonitorUpdate,
  type ChannelMonitorUpdateStatus,
  claimableBalances,
  type MonitorEvent,
  type MonitorSetup,
  type Watch,
} from "./onchain/index.ts";
export {
  type ConnectionChange,
  type ConnectionId,
  type PeerConnections,
  type PeerDetails,
  PeerManager,
  type PeerManagerOptions,
} from "./peer/index.ts";
export {
  DefaultRouter,
  findRoute,
  type Route,
  type RouteHop,
  type RouteParameters,
  type RouteRefusal,
  type Router,
} from "./routing/index.ts";
export {
  type ChannelSigner,
  InMemorySigner,
  KeysManager,
  type SignerProvider,
  type SigningAnswer,
  type SigningRequest,
} from "./sign/index.ts";
