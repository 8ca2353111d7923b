export { formatAddress, hostAndPort } from "./addresses.ts";
export { Peers } from "./peers.ts";
