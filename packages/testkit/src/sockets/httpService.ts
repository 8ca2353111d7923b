import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Answers a request; `signal` says that nobody waits for the answer any more. */
export type HttpHandler = (
  request: HttpRequest,
  signal: AbortSignal,
) => HttpAnswer | undefined | Promise<HttpAnswer | undefined>;

/** Of a request; more ends the connection. */
const mostBytes = 64_000_000;

/**
 * A handler behind a real socket: HTTP on a port of this machine that is free. It can be made to vanish and come back
 * on the same port. A handler that gives nothing, or throws, ends the connection.
 */
export class HttpService {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #isInterrupted = false;

  static async listen(handler: HttpHandler): Promise<HttpService> {
    const sockets = new Set<Socket>();
    const server = createServer((request, response) => void answer(handler, request, response));
    server.keepAliveTimeout = 30_000;
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.setNoDelay(true).once("close", () => sockets.delete(socket));
    });
    await listening(server, 0);
    const address = server.address();
    return new HttpService(server, sockets, typeof address === "object" ? (address?.port ?? 0) : 0);
  }

  private constructor(server: Server, sockets: Set<Socket>, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = port;
  }

  /** Ends all connections; new ones are refused. */
  async interrupt(): Promise<void> {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Listens again. */
  async resume(): Promise<void> {
    if (!this.#isInterrupted) return;
    await listening(this.#server, this.port);
    this.#isInterrupted = false;
  }

  async close(): Promise<void> {
    await this.interrupt();
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function answer(
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  try {
    const { method = "GET", url: path = "/", headers } = request;
    const answered = await handler({ method, path, headers, body: await bodyOf(request) }, controller.signal);
    if (answered === undefined) request.socket.destroy();
    else response.writeHead(answered.status, answered.headers).end(answered.body);
  } catch {
    // Whoever asked sees that the connection ends; a test that wants to know more looks at its handler.
    request.socket.destroy();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > mostBytes) throw new RangeError(`a request of more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
