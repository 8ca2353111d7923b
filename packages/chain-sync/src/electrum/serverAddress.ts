import { printable } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";

/** An Electrum server as the user names it. */
export interface ElectrumServerOptions {
  /** `ssl://host:50002`, `tcp://host:50001`, `wss://host:50004` or `ws://host:50003`; other ports as they are. */
  readonly url: string;
  /**
   * SHA-256 of the server's certificate in hex, with or without colons. With it any certificate but this one is
   * refused, and who signed it does not matter: most servers' are self-signed. Only for `ssl:`, since browsers do not
   * let anybody see certificates.
   */
  readonly certificateSha256?: string;
}

/** How bytes get to a server. */
export type ElectrumProtocol = "tcp" | "ssl" | "ws" | "wss";

/** Where a server is, and how it is known. */
export interface ServerAddress {
  readonly protocol: ElectrumProtocol;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** As it was given, for a WebSocket, which may have a path. */
  readonly url: string;
  /** `ssl://host:50002`: without user, password, path and query. */
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly certificateSha256?: string;
}

/** The ports that most servers use. */
const usualPorts: Readonly<Record<ElectrumProtocol, number>> = {
  tcp: 50_001,
  ssl: 50_002,
  ws: 50_003,
  wss: 50_004,
};

/** Reads what a user configured; throws `ChainSourceError` (`unsupported`) where it makes no sense. */
export function serverAddress(server: string | ElectrumServerOptions): ServerAddress {
  const { url, certificateSha256 } = typeof server === "string" ? { url: server } : server;
  const shown = printable(url, 100);
  const match = /^([a-z]+):\/\/(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?(\/[^\s]*)?$/i.exec(url);
  if (match === null) throw misconfigured(`"${shown}" is not the address of an Electrum server`);
  const [, scheme = "", v6, name, portText, path] = match;
  const protocol = protocolOf(scheme);
  if (protocol === undefined) throw misconfigured(`"${shown}" begins with an unknown protocol`);
  const host = (v6 ?? name ?? "").toLowerCase();
  const port = portText === undefined ? usualPorts[protocol] : Number(portText);
  if (port < 1 || port > 65_535) throw misconfigured(`"${shown}" has no such port: ${port}`);
  const isWeb = protocol === "ws" || protocol === "wss";
  if (!isWeb && path !== undefined && path !== "/")
    throw misconfigured(`"${shown}" has a path, which only WebSockets have`);
  const authority = v6 === undefined ? host : `[${host}]`;
  const address = {
    protocol,
    host,
    port,
    url: `${protocol}://${authority}:${port}${isWeb ? (path ?? "") : ""}`,
    name: `${protocol}://${authority}:${port}`,
  };
  if (certificateSha256 === undefined) return address;
  if (protocol !== "ssl") throw misconfigured(`"${shown}" cannot have its certificate pinned, only ssl: can`);
  return { ...address, certificateSha256: fingerprint(certificateSha256) };
}

function fingerprint(text: string): string {
  const digits = text.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new ChainSourceError(
    "unsupported",
    "the fingerprint of an Electrum server's certificate is not 64 hex digits",
    "give the SHA-256 of the certificate: openssl x509 -noout -fingerprint -sha256 -in cert.pem",
  );
}

function protocolOf(scheme: string): ElectrumProtocol | undefined {
  switch (scheme.toLowerCase()) {
    case "tcp":
      return "tcp";
    case "ssl":
    case "tls":
      return "ssl";
    case "ws":
      return "ws";
    case "wss":
      return "wss";
    default:
      return undefined;
  }
}

function misconfigured(message: string): ChainSourceError {
  return new ChainSourceError(
    "unsupported",
    message,
    "write it as ssl://host:50002, tcp://host:50001 or wss://host:50004",
  );
}
