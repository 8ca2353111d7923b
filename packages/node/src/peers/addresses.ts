import { isIP } from "node:net";
import type { NodeId } from "@fulmen/lightning/util";
import type { PeerAddress } from "@fulmen/net";
import { NodeError } from "../api/nodeError.ts";

const defaultPort = 9735;

/** `nodeid@host:port`, or `nodeid@host`, or the id alone. Throws `invalid-address`. */
export function parsePeer(text: string): { readonly nodeId: NodeId; readonly address?: PeerAddress } {
  const [id = "", where, ...more] = text.trim().split("@");
  const nodeId = id.toLowerCase();
  if (!/^0[23][0-9a-f]{64}$/.test(nodeId) || more.length > 0) {
    throw invalid("the node id is 66 hexadecimal digits that begin with 02 or 03");
  }
  if (where === undefined) return { nodeId: nodeId as NodeId };
  return { nodeId: nodeId as NodeId, address: { nodeId: nodeId as NodeId, ...hostAndPort(where) } };
}

/** `host:port` or `[address]:port`. Throws `invalid-address`. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]{1,255}))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  if (host === undefined || port < 1 || port > 0xffff) throw invalid("it ends in host:port");
  if (match?.[1] !== undefined && isIP(host) !== 6)
    throw invalid("what stands in brackets is an IPv6 address");
  return { host, port };
}

export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function invalid(what: string): NodeError {
  return new NodeError("invalid-address", `this is no address of a node: ${what}`, {
    remedy: "give nodeid@host:port",
  });
}
