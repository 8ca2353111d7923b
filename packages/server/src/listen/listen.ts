import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { isIP } from "node:net";
import { messageOf } from "@fulmen/lightning/util";
import { createAdaptorServer } from "@hono/node-server";
import { ServerError } from "../serverError.ts";

/** Where the API is reached. */
export interface HttpListenOptions {
  /** An address of this machine, or `localhost`. Default 127.0.0.1. */
  readonly host?: string;
  /** Port 0 lets the system choose one. */
  readonly port: number;
  /** PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Tokens cross the network unencrypted; for those who have a proxy with TLS in front. Default false. */
  readonly allowPublicWithoutTls?: boolean;
  readonly limits?: ConnectionLimits;
}

/** A server that listens. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Ends connections, at once where they are idle, else after a moment. */
  close(): Promise<void>;
}

/** What a client may take its time for, in milliseconds. */
export interface ConnectionLimits {
  /** Until TLS has begun, and until the head of a request is here. */
  readonly headersTimeout: number;
  /** Until all of a request is here. */
  readonly requestTimeout: number;
  /** How often the first two are looked at. */
  readonly checkingInterval: number;
}

const defaultConnectionLimits: ConnectionLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  checkingInterval: 2_000,
};
const keepAliveTimeout = 5_000;
/** Longer than a payment may be waited for. */
const silenceTimeout = 660_000;
const maxConnections = 1_000;
/** Answers that are under way when the server stops get as long. */
const graceMilliseconds = 1_000;

/** Listens for requests; rejects with `ServerError` and nothing else. */
export async function listen(
  fetch: (request: Request, env: object) => Response | Promise<Response>,
  options: HttpListenOptions,
): Promise<Listening> {
  const { host = "127.0.0.1", port, tls, allowPublicWithoutTls = false } = options;
  if (tls === undefined && !allowPublicWithoutTls && !isLoopback(host))
    throw new ServerError("public-without-tls", `Tokens would cross the network unencrypted at ${host}.`, {
      remedy:
        "Set api.tls.certificate and api.tls.key; or api.host to 127.0.0.1; or, behind a proxy with TLS, api.allowPublicWithoutTls to true.",
    });
  const { headersTimeout, requestTimeout, checkingInterval } = options.limits ?? defaultConnectionLimits;
  const limits = {
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval: checkingInterval,
    maxHeaderSize: 16_384,
  };
  let server: Server;
  try {
    const made =
      tls === undefined
        ? createAdaptorServer({ fetch, createServer, serverOptions: limits })
        : createAdaptorServer({
            fetch,
            createServer: createTlsServer,
            serverOptions: {
              ...limits,
              handshakeTimeout: headersTimeout,
              cert: tls.certificate,
              key: tls.key,
              minVersion: "TLSv1.2",
            },
          });
    if (!("requestTimeout" in made)) throw new Error("not a server of HTTP/1.1");
    server = made;
  } catch (cause) {
    throw new ServerError("tls-unusable", `The certificate and the key do not work: ${messageOf(cause)}.`, {
      remedy: "Check that both files are PEM, and that they belong together.",
      cause,
    });
  }
  server.maxConnections = maxConnections;
  server.setTimeout(silenceTimeout);
  const bound = await bind(server, host, port);
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  return {
    url: `${tls === undefined ? "http" : "https"}://${shown}:${bound}`,
    port: bound,
    close: () => closeServer(server),
  };
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(bindError(cause, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      server.on("error", () => undefined);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function bindError(cause: NodeJS.ErrnoException, host: string, port: number): ServerError {
  if (cause.code === "EADDRINUSE")
    return new ServerError("port-in-use", `Somebody listens at ${host}:${port} already.`, {
      remedy: "Stop the other program, or set api.port to another port.",
      cause,
    });
  return new ServerError(
    "cannot-listen",
    `It is not possible to listen at ${host}:${port}: ${messageOf(cause)}.`,
    {
      remedy: "Set api.host to an address of this machine, and api.port to one above 1023.",
      cause,
    },
  );
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
