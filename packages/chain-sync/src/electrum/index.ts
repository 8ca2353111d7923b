export { ElectrumSource, type ElectrumSourceOptions } from "./electrumSource.ts";
export type { DialSocket, SocketTarget } from "./nodeSockets.ts";
export type { ElectrumServerOptions } from "./serverAddress.ts";
export type { WebSocketConstructor, WebSocketLike } from "./webSockets.ts";
