import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { DialSocket, HostAndPort } from "./dial.ts";
import { Socks5Error } from "./socks5Error.ts";
import { type Socks5Credentials, Socks5Handshake } from "./socks5Handshake.ts";

/** A SOCKS5 proxy: RFC 1928. Tor's listens at 127.0.0.1:9050. */
export interface Socks5Options extends HostAndPort {
  /**
   * What the proxy is told of who asks. `isolate`, the default, is a name of its own for each destination, random in
   * each process: Tor gives each a circuit of its own, so that nobody can tell by the exit that they are one node's.
   * Proxies that want no name need `none`.
   */
  readonly credentials?: "isolate" | "none" | Socks5Credentials;
  /** Milliseconds until the proxy has made the connection. Default 60 s: an onion service may take as long. */
  readonly timeout?: number;
}

const defaultTimeout = 60_000;

/**
 * A function that connects through the proxy, for `TcpTransport` and for chain sources. It gives hosts' names to the
 * proxy, so that nobody else hears of them, onion addresses included. Rejects with a `Socks5Error`.
 */
export function socks5(options: Socks5Options): DialSocket {
  const { credentials = "isolate", timeout = defaultTimeout } = options;
  const secret = randomBytes(32);
  return async (target, signal) => {
    const given = typeof credentials === "object" ? credentials : undefined;
    const known = credentials === "isolate" ? isolated(secret, target) : given;
    const handshake = new Socks5Handshake(target, known);
    if (signal.aborted) throw aborted();
    const socket = connect({ host: options.host, port: options.port, noDelay: true });
    return shaken(socket, handshake, { proxy: options, timeout, signal });
  };
}

function isolated(secret: Uint8Array, { host, port }: HostAndPort): Socks5Credentials {
  const digest = createHash("sha256").update(secret).update(`${host.toLowerCase()}:${port}`).digest("hex");
  return { username: digest.slice(0, 32), password: digest.slice(32) };
}

/** The socket, once the proxy has connected it; destroyed when it has not. */
function shaken(
  socket: Socket,
  handshake: Socks5Handshake,
  {
    proxy,
    timeout,
    signal,
  }: { readonly proxy: HostAndPort; readonly timeout: number; readonly signal: AbortSignal },
): Promise<Socket> {
  const name = `${proxy.host}:${proxy.port}`;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      socket.off("data", read);
      socket.off("error", fail);
      socket.off("close", close);
    };
    const fail = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error instanceof Socks5Error ? error : unreachable(name, error));
    };
    const close = (): void => fail(unreachable(name));
    const abort = (): void => fail(aborted());
    const timer = setTimeout(() => {
      fail(
        new Socks5Error("timed-out", `the proxy at ${name} made no connection in time`, "try again later"),
      );
    }, timeout);
    const read = (bytes: Uint8Array): void => {
      try {
        const step = handshake.receive(bytes);
        if (step.kind === "send") socket.write(step.bytes);
        if (step.kind !== "connected") return;
        settle();
        resolve(socket);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    };
    signal.addEventListener("abort", abort);
    // There is always somebody who hears of an error: one that nobody hears of ends the process.
    socket.on("error", () => {});
    socket.on("error", fail);
    socket.on("close", close);
    socket.on("data", read);
    socket.once("connect", () => socket.write(handshake.begin()));
  });
}

function aborted(): Socks5Error {
  return new Socks5Error("aborted", "nobody wants the connection any more", "connect again");
}

function unreachable(name: string, cause?: Error): Socks5Error {
  const reason = cause === undefined ? "it closes the connection" : codeOf(cause);
  return new Socks5Error(
    "proxy-unreachable",
    `no connection to the proxy at ${name}: ${reason}`,
    "check that it runs: Tor listens at 127.0.0.1:9050",
    cause,
  );
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
