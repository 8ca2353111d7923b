export { type DialSocket, dialDirectly, type HostAndPort } from "./dial.ts";
export { type Fetch, fetchThrough } from "./fetchThrough.ts";
export { Reconnector, type ReconnectorOptions } from "./reconnector.ts";
export { type Socks5Options, socks5 } from "./socks5.ts";
export { Socks5Error, type Socks5ErrorCode } from "./socks5Error.ts";
export type { Socks5Credentials } from "./socks5Handshake.ts";
export {
  type DialFailure,
  type Dialled,
  type PeerAddress,
  TcpTransport,
  type TcpTransportOptions,
} from "./tcpTransport.ts";
