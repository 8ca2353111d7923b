import { isIP } from "node:net";
import { type DialSocket, dialDirectly, type HostAndPort, socks5 } from "@fulmen/net";
import type { TorOption } from "../api/options.ts";

/** Milliseconds that a connection, or an answer, through Tor may take. */
export const torTimeout = 60_000;

/** Makes connections as the option says; `undefined` without one. */
export function dialOf(tor: TorOption | undefined): DialSocket | undefined {
  if (tor === undefined) return undefined;
  const throughTor = socks5(tor.socks);
  return (target, signal) => (goesThrough(tor, target) ? throughTor : dialDirectly)(target, signal);
}

/** Whether Tor makes the connection. This machine is never asked for through Tor, which could not reach it. */
export function goesThrough({ everything = false }: TorOption, { host }: Pick<HostAndPort, "host">): boolean {
  if (host.toLowerCase().endsWith(".onion")) return true;
  return everything && !isThisMachine(host.toLowerCase());
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
