import type { PeerConnections } from "@fulmen/lightning/peer";

/** `peers`, calling `wake` whenever something has come in from one. */
export function wakingConnections(peers: PeerConnections, wake: () => void): PeerConnections {
  return {
    newOutboundConnection: (connection) => peers.newOutboundConnection(connection),
    newInboundConnection: (connection) => peers.newInboundConnection(connection),
    readBytes(connectionId, bytes) {
      const verdict = peers.readBytes(connectionId, bytes);
      wake();
      return verdict;
    },
    takeOutgoing: (connectionId) => peers.takeOutgoing(connectionId),
    connectionLost(connectionId) {
      peers.connectionLost(connectionId);
      wake();
    },
    takeConnectionChanges: () => peers.takeConnectionChanges(),
    processEvents: () => peers.processEvents(),
  };
}
