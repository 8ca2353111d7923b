import { DecodeError } from "../../codec/index.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { decodeAddresses, type SocketAddress } from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";

/**
 * The addresses of a `node_announcement` (BOLT 7): port 0 is left out, unless it is an onion service's. Two host names
 * make the announcement one that must not be forwarded.
 */
export function readAddresses(bytes: Uint8Array): Result<readonly SocketAddress[], GossipRefusal> {
  try {
    const { addresses } = decodeAddresses(bytes);
    const names = addresses.filter(({ type }) => type === "dns").length;
    if (names > 1) return err({ kind: "do-not-forward", text: `a node with ${names} host names` });
    return ok(addresses.filter(({ type, port }) => port !== 0 || type === "tor-v3"));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return err({ kind: "bad-addresses", text: `addresses of a node: ${error.message}` });
  }
}
