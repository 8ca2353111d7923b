import type { P2PGossipSync } from "@fulmen/lightning/gossip";
import type {
  ChannelMessageHandler,
  GossipMessage,
  Logger,
  MessageSendEvent,
} from "@fulmen/lightning/handlers";
import type { ChannelManager } from "@fulmen/lightning/manager";
import type { RemoteUtxoLookup } from "./chainFollower.ts";

/**
 * The manager as the `PeerManager` shall see it: what it says of its own channels goes into the graph as well, which
 * then tells the peers.
 */
export function gossipOfChannels(
  manager: ChannelManager,
  gossip: P2PGossipSync,
  { outputs, logger }: { readonly outputs: RemoteUtxoLookup; readonly logger: Logger },
): ChannelMessageHandler {
  const announce = (message: GossipMessage): void => {
    const taken = announceOwn(message);
    if (taken?.ok !== false) return;
    const text = `our own ${message.type} is refused: ${taken.error.kind}: ${taken.error.text}`;
    logger.log({ level: "warn", module: "gossip", text });
  };
  const announceOwn = (message: GossipMessage): ReturnType<P2PGossipSync["announceOwn"]> | undefined => {
    switch (message.type) {
      case "channel_announcement": {
        const id = message.shortChannelId;
        const channel = manager.listChannels().find(({ shortChannelId }) => shortChannelId === id);
        if (channel !== undefined) outputs.know(id, channel.funding);
        return gossip.announceOwn(message, channel?.capacity);
      }
      case "channel_update":
      case "node_announcement":
        return gossip.announceOwn(message);
      default:
        return undefined;
    }
  };
  return {
    providedInitFeatures: () => manager.providedInitFeatures(),
    peerConnected: (nodeId, connection) => manager.peerConnected(nodeId, connection),
    peerDisconnected: (nodeId) => manager.peerDisconnected(nodeId),
    handleMessage: (nodeId, message) => manager.handleMessage(nodeId, message),
    wantsToPause: (nodeId) => manager.wantsToPause(nodeId),
    hasChannelWith: (nodeId) => manager.hasChannelWith(nodeId),
    takeMessageSendEvents() {
      const others: MessageSendEvent[] = [];
      for (const event of manager.takeMessageSendEvents()) {
        if (event.kind === "broadcast") announce(event.message);
        else others.push(event);
      }
      return others;
    },
  };
}
