import { inflateSync } from "node:zlib";
import { concatBytes } from "@fulmen/bitcoin/primitives";
import type { ChannelMessageHandler, GossipMessage, RoutingMessageHandler } from "@fulmen/lightning/handlers";
import { Features } from "@fulmen/lightning/wire";

/** Of an inflated list of channels, so that no few bytes become many. */
const maxInflated = 65_535;

/**
 * Electrum 4.3 looks for gossip by connections that do not know `option_channel_type`, and leaves those who require it.
 * With this we only offer it.
 */
export function offeringChannelType(handler: ChannelMessageHandler): ChannelMessageHandler {
  return {
    handleMessage: (nodeId, message) => handler.handleMessage(nodeId, message),
    takeMessageSendEvents: () => handler.takeMessageSendEvents(),
    peerConnected: (nodeId, connection) => handler.peerConnected(nodeId, connection),
    peerDisconnected: (nodeId) => handler.peerDisconnected(nodeId),
    wantsToPause: (nodeId) => handler.wantsToPause(nodeId),
    hasChannelWith: (nodeId) => handler.hasChannelWith(nodeId),
    providedInitFeatures: () =>
      Features.fromBytes(handler.providedInitFeatures()).set("option_channel_type", "optional").toBytes(),
  };
}

/**
 * Electrum 4.3 asks for channels by lists that zlib has compressed, which BOLT 7 ("Query Messages") allowed once and
 * forbids now. This unpacks them.
 */
export function unpackingQueries(handler: RoutingMessageHandler): RoutingMessageHandler {
  return {
    handleMessage: (nodeId, message) => handler.handleMessage(nodeId, unpacked(message)),
    handleOwnMessage: (message) => handler.handleOwnMessage(message),
    wantsToPause: (nodeId) => handler.wantsToPause(nodeId),
    wantsGossip: (nodeId, message) => handler.wantsGossip(nodeId, message),
    gossipDropped: (nodeId) => handler.gossipDropped(nodeId),
    takeGossipBacklog: (nodeId, maxBytes) => handler.takeGossipBacklog(nodeId, maxBytes),
    takeMessageSendEvents: () => handler.takeMessageSendEvents(),
    peerConnected: (nodeId, connection) => handler.peerConnected(nodeId, connection),
    peerDisconnected: (nodeId) => handler.peerDisconnected(nodeId),
    providedInitFeatures: () => handler.providedInitFeatures(),
  };
}

function unpacked(message: GossipMessage): GossipMessage {
  if (message.type !== "query_short_channel_ids" || message.encodedShortIds[0] !== 1) return message;
  const ids = inflateSync(message.encodedShortIds.subarray(1), { maxOutputLength: maxInflated });
  return { ...message, encodedShortIds: concatBytes(Uint8Array.of(0), ids) };
}
