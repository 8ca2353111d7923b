import type { Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { messageOf, printable } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { LineReader } from "./lineReader.ts";
import type { LineStream, LineStreamRequest, OpenLineStream } from "./lineStream.ts";
import type { ServerAddress } from "./serverAddress.ts";

/** Where a socket is to lead. */
export interface SocketTarget {
  readonly host: string;
  readonly port: number;
}

/** Makes a TCP connection some other way, such as through a SOCKS5 proxy, which then also resolves the host's name. */
export type DialSocket = (target: SocketTarget, signal: AbortSignal) => Promise<Socket>;

/**
 * Connections over TCP and TLS by Node's own modules. These are asked for when a connection is made, and imported
 * nowhere, so that a page's bundle has nothing of them.
 */
export function nodeSockets(dial: DialSocket | undefined): OpenLineStream {
  return async (request) => {
    const { address, signal } = request;
    if (dial === undefined && address.host.endsWith(".onion")) throw needsProxy(address);
    const modules = nodeModules();
    if (modules === undefined) throw needsNode(address);
    const { net, tls } = modules;
    const { host, port, protocol } = address;
    const socket = dial === undefined ? undefined : await dialled(dial, address, signal);
    if (protocol !== "ssl")
      return opened(socket ?? net.connect({ host, port, noDelay: true }), "connect", request);
    const secure = tls.connect({
      ...(socket === undefined ? { port } : { socket }),
      host,
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      // Looked at below, so that the refusal can tell the fingerprint to a user whose server it is.
      rejectUnauthorized: false,
    });
    secure.setNoDelay(true);
    socket?.on("error", (error) => secure.destroy(error));
    return opened(secure, "secureConnect", request, () => checkCertificate(secure, address));
  };
}

async function dialled(dial: DialSocket, address: ServerAddress, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial({ host: address.host, port: address.port }, signal);
  } catch (error) {
    throw unreachable(address, error);
  }
}

function nodeModules():
  | { readonly net: typeof import("node:net"); readonly tls: typeof import("node:tls") }
  | undefined {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return undefined;
  return { net: process.getBuiltinModule("node:net"), tls: process.getBuiltinModule("node:tls") };
}

/** Waits until the socket can be used, and from then on tells the listener of what comes. */
function opened(
  socket: Socket,
  event: "connect" | "secureConnect",
  { address, listener, maxLineLength, signal }: LineStreamRequest,
  check: () => void = () => {},
): Promise<LineStream> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    let fail = (error: ChainSourceError): void => reject(error);
    const end = (): void => {
      isOver = true;
      reader.stop();
      signal.removeEventListener("abort", abort);
      socket.destroy();
    };
    const lose = (error: unknown): void => {
      if (isOver) return;
      end();
      fail(error instanceof ChainSourceError ? error : unreachable(address, error));
    };
    const abort = (): void => lose(signal.reason);
    const reader = new LineReader(maxLineLength, (line) => listener.line(line));
    signal.addEventListener("abort", abort);
    socket.on("error", lose);
    socket.on("close", () => lose(new Error("it has closed the connection")));
    const ready = (): void => {
      if (isOver) return;
      signal.removeEventListener("abort", abort);
      try {
        check();
      } catch (error) {
        lose(error);
        return;
      }
      fail = (error) => listener.lost(error);
      socket.on("data", (bytes: Uint8Array) => {
        if (isOver) return;
        listener.heard();
        try {
          reader.read(bytes);
        } catch (error) {
          lose(error);
        }
      });
      resolve({
        send: (lines) => {
          if (!isOver) socket.write(lines.map((line) => `${line}\n`).join(""));
        },
        close: end,
      });
    };
    if (signal.aborted) abort();
    // What a proxy's client gives is connected already.
    else if (event === "connect" && !socket.connecting) ready();
    else socket.once(event, ready);
  });
}

/**
 * Throws unless the certificate is the pinned one or, where none is, one that a known authority signed for the host.
 */
function checkCertificate(socket: TLSSocket, address: ServerAddress): void {
  const certificate = socket.getPeerCertificate();
  const fingerprint = fingerprintOf(certificate);
  if (address.certificateSha256 !== undefined) {
    if (fingerprint === address.certificateSha256) return;
    throw new ChainSourceError(
      "untrusted",
      `the certificate of ${address.name} is not the pinned one but ${fingerprint || "none"}`,
      "when the server has a new certificate, pin that one; otherwise somebody is in between",
    );
  }
  if (socket.authorized) return;
  throw new ChainSourceError(
    "untrusted",
    `the certificate of ${address.name} is not to be trusted: ${reasonOf(socket.authorizationError)}`,
    `when it is the server's own, pin it: { url: "${address.name}", certificateSha256: "${fingerprint}" }`,
  );
}

function fingerprintOf(certificate: Partial<PeerCertificate>): string {
  return (certificate.fingerprint256 ?? "").replaceAll(":", "").toLowerCase();
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string")
    return printable(error.code);
  return printable(messageOf(error), 200);
}

/** Nobody answers there; `cause` is the system's error. */
function unreachable(address: ServerAddress, cause: unknown): ChainSourceError {
  if (cause instanceof ChainSourceError) return cause;
  return new ChainSourceError(
    "unreachable",
    `no connection to ${address.name}: ${reasonOf(cause)}`,
    "check the address and the network, or add a second server",
    cause,
  );
}

function needsNode(address: ServerAddress): ChainSourceError {
  return new ChainSourceError(
    "unsupported",
    `${address.name} cannot be reached from here: there are no sockets`,
    "use a server with a WebSocket: wss://host:50004",
  );
}

function needsProxy(address: ServerAddress): ChainSourceError {
  return new ChainSourceError(
    "unsupported",
    `${address.name} can be reached through Tor only`,
    "give `dial`, a function that connects through Tor's SOCKS5 proxy",
  );
}
