import type { ChannelMessageHandler, MessageSendEvent } from "@fulmen/lightning/handlers";

/**
 * Stands between a channel handler and the `PeerManager`: what the handler wants to be sent goes out when it is handed
 * over, one by one.
 */
export function handingOver(handler: ChannelMessageHandler): {
  readonly channel: ChannelMessageHandler;
  readonly handOver: (event: MessageSendEvent) => void;
} {
  let events: MessageSendEvent[] = [];
  const channel: ChannelMessageHandler = {
    peerConnected: (nodeId, connection) => handler.peerConnected(nodeId, connection),
    peerDisconnected: (nodeId) => handler.peerDisconnected(nodeId),
    providedInitFeatures: () => handler.providedInitFeatures(),
    handleMessage: (nodeId, message) => handler.handleMessage(nodeId, message),
    wantsToPause: (nodeId) => handler.wantsToPause(nodeId),
    hasChannelWith: (nodeId) => handler.hasChannelWith(nodeId),
    takeMessageSendEvents() {
      const taken = events;
      events = [];
      return taken;
    },
  };
  return { channel, handOver: (event) => void events.push(event) };
}
