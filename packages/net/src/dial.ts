import { connect, type Socket } from "node:net";

/** Where something listens; port 0 lets the system choose one. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes a connection, or rejects; `signal` says that nobody wants it any more. What comes after that is closed by
 * whoever asked. The host's name has not been looked up.
 */
export type DialSocket = (target: HostAndPort, signal: AbortSignal) => Promise<Socket>;

/**
 * Over TCP, with the system's names. Onion addresses are in no name system: looking for them there only gives them
 * away.
 */
export const dialDirectly: DialSocket = ({ host, port }, signal) => {
  if (host.toLowerCase().endsWith(".onion")) return Promise.reject(new OnionAddressError(host));
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const settle = (): void => {
      signal.removeEventListener("abort", abort);
      socket.off("error", fail);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    signal.addEventListener("abort", abort);
    socket.once("error", fail);
    socket.once("connect", () => {
      settle();
      resolve(socket);
    });
    if (signal.aborted) abort();
  });
};

/** An onion address without a way to Tor. */
class OnionAddressError extends Error {
  override readonly name = "OnionAddressError";
  readonly code = "NEEDS_TOR";

  constructor(host: string) {
    super(`${host} can be reached through Tor only: connect via its SOCKS5 proxy`);
  }
}

/**
 * The connection, unless `signal` is aborted before; one that comes later is closed. Rejects with the signal's reason.
 */
export function dialUntil(dial: DialSocket, target: HostAndPort, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    const settle = (): void => signal.removeEventListener("abort", abort);
    dial(target, signal).then(
      (socket) => {
        settle();
        if (!signal.aborted) return resolve(socket);
        socket.on("error", () => {});
        socket.destroy();
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}
