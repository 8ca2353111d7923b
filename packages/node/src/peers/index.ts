export { formatAddress, hostAndPort, parsePeer } from "./addresses.ts";
export { dial } from "./dial.ts";
export { Peers } from "./peers.ts";
