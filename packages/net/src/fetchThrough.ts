import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, Socket } from "node:net";
import { Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { DialSocket } from "./dial.ts";

/** What is used of a request. */
export interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** Asks for a URL; rejects when no whole head of an answer came. */
export type Fetch = (url: string, init?: FetchInit) => Promise<Response>;

/** Answers that have no body, also where they are said to have one. */
const emptyStatuses: ReadonlySet<number> = new Set([204, 205, 304]);
/** Connections to one server. */
const mostSockets = 8;

/**
 * `fetch` over connections that `dial` makes, such as through Tor: names are left to it. HTTP and HTTPS; certificates
 * are checked as ever. Redirects are not followed.
 */
export function fetchThrough(dial: DialSocket): Fetch {
  const agents = { http: agentOf(dial, HttpAgent), https: agentOf(dial, HttpsAgent, secured) };
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      const isSecure = new URL(url).protocol === "https:";
      const { method = "GET", headers = {}, body, signal } = init;
      const options = { method, headers, agent: isSecure ? agents.https : agents.http };
      const request = (isSecure ? httpsRequest : httpRequest)(url, { ...options, ...(signal && { signal }) });
      // A request without a connection yet says nothing when it is aborted.
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      request.once("error", reject);
      request.once("response", (message) => resolve(responseOf(message)));
      request.end(body);
    });
}

type Secure = (socket: Socket, host: string) => Socket;

/** An agent whose connections come from `dial`. */
function agentOf<A extends HttpAgent>(
  dial: DialSocket,
  Agent: new (options: { keepAlive: boolean; maxSockets: number }) => A,
  secure: Secure = (socket) => socket,
): A {
  const agent = new Agent({ keepAlive: true, maxSockets: mostSockets });
  agent.createConnection = ({ host, port }, oncreate) => {
    const target = { host: host ?? "", port: Number(port) };
    dial(target, new AbortController().signal).then(
      (socket) => oncreate?.(null, secure(socket, target.host)),
      (error: unknown) => oncreate?.(error instanceof Error ? error : new Error(String(error)), new Socket()),
    );
    return undefined;
  };
  return agent;
}

function secured(socket: Socket, host: string): Socket {
  return connectTls({ socket, host, ...(isIP(host) === 0 && { servername: host }) });
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode: status = 0 } = message;
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headersDistinct)) {
    for (const one of value ?? []) headers.append(name, one);
  }
  if (emptyStatuses.has(status)) {
    message.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array>, { status, headers });
}
