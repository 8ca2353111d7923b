import type { NodeId } from "../util/ids.ts";
import type { Init, LightningMessage, UnknownMessage } from "../wire/index.ts";
import type { GossipMessage } from "./gossipMessage.ts";
import type { MessageSendEventsProvider } from "./messageSendEvent.ts";

/** A new connection, once both sides' `init` are exchanged and fit together. */
export interface PeerConnection {
  readonly init: Init;
  /** Whether the peer connected to us. */
  readonly inbound: boolean;
  /** Rises with each connection of this node; names this connection in effects and events (from 1). */
  readonly epoch: number;
}

/**
 * What all message handlers have in common. Calls are synchronous and carry plain data, so that a proxy, or another
 * process, may stand in between. No method may throw on account of what a peer has sent.
 *
 * @ldk lightning::ln::msgs::BaseMessageHandler
 */
export interface BaseMessageHandler extends MessageSendEventsProvider {
  /**
   * A peer is there; messages from it follow. When one handler refuses it, the connection is closed, and those that
   * had accepted it get `peerDisconnected`. A newer connection of a node is announced only after the older one's end.
   */
  peerConnected(nodeId: NodeId, connection: PeerConnection): "accept" | "refuse";
  /** Called once for each `peerConnected` that was accepted. */
  peerDisconnected(nodeId: NodeId): void;
  /** What this handler adds to our `init`, as `Features.toBytes` gives it. Asked for each connection anew. */
  providedInitFeatures(): Uint8Array;
}

/** What a `ChannelMessageHandler` may get: all that belongs to no other handler and not to the connection itself. */
export type ChannelMessage = Exclude<
  LightningMessage,
  { type: "init" | "ping" | "pong" | "onion_message" | Exclude<GossipMessage["type"], "channel_update"> }
>;

/** @ldk lightning::ln::msgs::ChannelMessageHandler */
export interface ChannelMessageHandler extends BaseMessageHandler {
  /**
   * A message about channels; also `error`, `warning` and peer storage, and each `channel_update`, since that of an
   * unannounced channel is for us alone. Answers come by `takeMessageSendEvents`.
   */
  handleMessage(nodeId: NodeId, message: ChannelMessage): void;
  /** Whether so much of this peer waits to be written that no more should be read from it for now. */
  wantsToPause(nodeId: NodeId): boolean;
  /** Whether we have a funded channel with this node: others are limited in number, and make room first. */
  hasChannelWith(nodeId: NodeId): boolean;
}

/** @ldk lightning::ln::msgs::RoutingMessageHandler */
export interface RoutingMessageHandler extends BaseMessageHandler {
  handleMessage(nodeId: NodeId, message: GossipMessage): void;
  /**
   * What this node itself says of its channels, as another handler asked to broadcast it: for our own graph. It goes
   * to the peers when `takeMessageSendEvents` gives it back.
   */
  handleOwnMessage(message: GossipMessage): void;
  /** Whether verification lags behind so far that no more should be read from this peer for now. */
  wantsToPause(nodeId: NodeId): boolean;
  /** Whether the peer has asked, by a `gossip_timestamp_filter`, for messages such as this one. */
  wantsGossip(nodeId: NodeId, message: GossipMessage): boolean;
  /** A broadcast that the peer wants was dropped, as it does not read: it is to be part of its backlog. */
  gossipDropped(nodeId: NodeId): void;
  /**
   * The next few encoded messages of what the peer has asked for: the stored graph, or the answer to a query. Called
   * only when all that was queued for the peer before has left, so that a peer that does not read costs nothing.
   * Empty when nothing is left, at most `maxBytes` together unless the first message alone is longer.
   *
   * @ldk lightning::ln::msgs::RoutingMessageHandler::get_next_channel_announcement
   */
  takeGossipBacklog(nodeId: NodeId, maxBytes: number): readonly Uint8Array[];
}

/** @ldk lightning::ln::msgs::OnionMessageHandler */
export interface OnionMessageHandler extends BaseMessageHandler {
  handleMessage(nodeId: NodeId, message: Extract<LightningMessage, { type: "onion_message" }>): void;
}

/**
 * Messages of types that the BOLTs do not define, 32768 and above by custom.
 *
 * @ldk lightning::ln::peer_handler::CustomMessageHandler
 */
export interface CustomMessageHandler extends BaseMessageHandler {
  /** `unknown` when no such type is known here: an even one then ends the connection (BOLT 1, "it's ok to be odd"). */
  handleMessage(nodeId: NodeId, message: UnknownMessage): "handled" | "unknown";
}
