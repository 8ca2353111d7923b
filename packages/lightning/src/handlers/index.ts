export type {
  ClaimedHtlc,
  ClosureReason,
  Event,
  HtlcHandlingFailureReason,
  HtlcHandlingFailureType,
  HtlcLocator,
  IndexedEvent,
  LocalHtlcFailureReason,
  NetworkUpdate,
  PathFailure,
  PaymentFailureReason,
  PaymentPurpose,
  ReceivedOnionFields,
} from "./event.ts";
export type { EventsProvider } from "./eventsProvider.ts";
export { type GossipMessage, isGossipMessage, isGossipType } from "./gossipMessage.ts";
export { type Logger, type LogRecord, withPrintableText } from "./logger.ts";
export type {
  BaseMessageHandler,
  ChannelMessage,
  ChannelMessageHandler,
  CustomMessageHandler,
  OnionMessageHandler,
  PeerConnection,
  RoutingMessageHandler,
} from "./messageHandler.ts";
export type {
  ErrorAction,
  ErrorOrWarning,
  MessageSendEvent,
  MessageSendEventsProvider,
} from "./messageSendEvent.ts";
export type { SpendableOutputDescriptor } from "./spendableOutput.ts";
