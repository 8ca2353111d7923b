import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestChain } from "../chain/index.ts";
import { type EsploraAnswer, type EsploraRequest, textAnswer } from "./answer.ts";
import { EsploraApi, type EsploraApiOptions } from "./esploraApi.ts";

export interface EsploraServerOptions extends EsploraApiOptions {
  /** Changes answers: for tests of servers that lie, break or limit. */
  readonly tamper?: (
    answer: EsploraAnswer,
    request: EsploraRequest,
  ) => EsploraAnswer | Promise<EsploraAnswer>;
}

/** Bytes of a request's body at most. */
const maxBody = 20_000_000;

/** Serves a chain by HTTP on a port of 127.0.0.1, under `/api`, as Esplora's servers do. */
export class EsploraServer {
  readonly #api: EsploraApi;
  readonly #tamper: NonNullable<EsploraServerOptions["tamper"]>;
  #server: Server | undefined;
  #port = 0;
  /** Requests that were answered, newest last: `GET /blocks/tip/hash`. */
  readonly requests: string[] = [];

  constructor(chain: TestChain, { tamper = (answer) => answer, ...options }: EsploraServerOptions = {}) {
    this.#api = new EsploraApi(chain, options);
    this.#tamper = tamper;
  }

  /** Where the API is; after `listen`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/api`;
  }

  /** Accepts connections, on the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends all connections; `listen` may be called again. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(incoming);
    const { status, contentType, body: answer, headers } = await this.#answer(incoming, body);
    response.writeHead(status, {
      "Content-Type": contentType,
      "Access-Control-Allow-Origin": "*",
      ...headers,
    });
    response.end(answer);
  }

  async #answer(incoming: IncomingMessage, body: string | undefined): Promise<EsploraAnswer> {
    if (body === undefined) return textAnswer("body too large", 413);
    const { pathname } = new URL(incoming.url ?? "/", this.url);
    const method = incoming.method ?? "GET";
    if (!pathname.startsWith("/api/")) {
      return { status: 200, contentType: "text/html", body: "<!DOCTYPE html><title>Esplora</title>" };
    }
    const request = { method, path: pathname.slice("/api".length), body };
    this.requests.push(`${method} ${request.path}`);
    return this.#tamper(this.#api.answer(request), request);
  }
}

async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBody) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(joined(chunks, length));
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
