import type { NodeId } from "../util/ids.ts";
import type { DecodedMessage, LightningMessage } from "../wire/index.ts";
import type { GossipMessage } from "./gossipMessage.ts";

/**
 * What to do about a peer that has done something wrong. `message` is sent before anything else happens; a
 * disconnection comes after all that was queued before it has been written.
 *
 * @ldk lightning::ln::msgs::ErrorAction
 */
export type ErrorAction =
  | { readonly kind: "disconnect"; readonly message?: ErrorOrWarning }
  | { readonly kind: "send"; readonly message: ErrorOrWarning }
  /** Nothing is sent. `text` is for the log and may hold words of the peer; it is escaped there. */
  | { readonly kind: "ignore-and-log"; readonly text: string };

/** `error` fails a channel (or, with an id of zeros, all with this peer); `warning` fails nothing. */
export type ErrorOrWarning = Extract<LightningMessage, { type: "error" | "warning" }>;

/**
 * What a handler wants the `PeerManager` to do: plain data, so that the two may stand in different processes. Events
 * of one handler for one peer are carried out in order. Where `epoch` is given and the peer's connection is another
 * one by now, the event is dropped; events for a peer that is not connected are dropped, too.
 *
 * @ldk lightning::ln::msgs::MessageSendEvent
 */
export type MessageSendEvent =
  | {
      readonly kind: "send-message";
      readonly nodeId: NodeId;
      readonly epoch?: number;
      readonly message: DecodedMessage;
    }
  /**
   * To all peers. Without `except`, the message is our own and goes to everyone (by way of the routing handler, if
   * there is one: `RoutingMessageHandler.handleOwnMessage`); with it, it came from that peer, and
   * goes to those others for whom `RoutingMessageHandler.wantsGossip` (BOLT 7, "Rebroadcasting"). For peers
   * whose buffers are full it is dropped, and `gossipDropped` says so.
   */
  | { readonly kind: "broadcast"; readonly message: GossipMessage; readonly except?: NodeId }
  | {
      readonly kind: "handle-error";
      readonly nodeId: NodeId;
      readonly epoch?: number;
      readonly action: ErrorAction;
    };

/** @ldk lightning::ln::msgs::MessageSendEventsProvider */
export interface MessageSendEventsProvider {
  /** What has come up since the last call, in order; the caller must carry it out. */
  takeMessageSendEvents(): readonly MessageSendEvent[];
}
