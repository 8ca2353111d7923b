export { Reconnector, type ReconnectorOptions } from "./reconnector.ts";
export {
  type DialFailure,
  type Dialled,
  type HostAndPort,
  type PeerAddress,
  TcpTransport,
  type TcpTransportOptions,
} from "./tcpTransport.ts";
