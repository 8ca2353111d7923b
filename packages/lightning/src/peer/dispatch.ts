import {
  type ChannelMessageHandler,
  type CustomMessageHandler,
  isGossipMessage,
  type OnionMessageHandler,
  type RoutingMessageHandler,
} from "../handlers/index.ts";
import type { NodeId } from "../util/ids.ts";
import type { HandledMessage } from "./receive.ts";

/**
 * Who takes care of the peers' messages; known messages that have nobody are ignored.
 *
 * @ldk lightning::ln::peer_handler::MessageHandler
 */
export interface MessageHandlers {
  readonly channel: ChannelMessageHandler;
  readonly routing?: RoutingMessageHandler;
  readonly onion?: OnionMessageHandler;
  readonly custom?: CustomMessageHandler;
}

/** Hands a message to its handler. `unknown-even`: nobody knows it, and its sender counts on us to (BOLT 1). */
export function dispatchMessage(
  { channel, routing, onion, custom }: MessageHandlers,
  nodeId: NodeId,
  message: HandledMessage,
): "done" | "unknown-even" {
  if (message.type === "unknown") {
    if (custom?.handleMessage(nodeId, message) === "handled") return "done";
    return message.typeNumber % 2 === 0 ? "unknown-even" : "done";
  }
  if (message.type === "onion_message") {
    onion?.handleMessage(nodeId, message);
    return "done";
  }
  if (isGossipMessage(message)) {
    routing?.handleMessage(nodeId, message);
    if (message.type !== "channel_update") return "done";
  }
  channel.handleMessage(nodeId, message);
  return "done";
}
