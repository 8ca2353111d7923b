export type { MessageHandlers } from "./dispatch.ts";
export { defaultPeerLimits, type PeerLimits } from "./limits.ts";
export type {
  ConnectionChange,
  ConnectionId,
  ConnectRefusal,
  InboundConnection,
  OutboundConnection,
  PeerConnections,
} from "./peerConnections.ts";
export { type PeerDetails, PeerManager, type PeerManagerOptions } from "./peerManager.ts";
