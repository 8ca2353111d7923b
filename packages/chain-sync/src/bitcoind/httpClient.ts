import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { ChainSourceError } from "../chainSourceError.ts";

export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until the whole answer must be there. */
  readonly timeout: number;
  /** Bytes that the answer may have. */
  readonly mostBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Connections that are kept. */
const mostSockets = 8;

/** HTTP to one server, over connections that are kept; every answer has a time and a size that it must not exceed. */
export class HttpClient {
  readonly #url: URL;
  readonly #request: typeof httpRequest;
  readonly #agent: HttpAgent;
  readonly #controller = new AbortController();

  constructor(url: URL) {
    this.#url = url;
    const isSecure = url.protocol === "https:";
    const Agent = isSecure ? HttpsAgent : HttpAgent;
    this.#request = isSecure ? httpsRequest : httpRequest;
    this.#agent = new Agent({ keepAlive: true, maxSockets: mostSockets, scheduling: "lifo" });
  }

  /** Rejects with `ChainSourceError`: `unreachable`, `untrusted`, `invalid-answer` (too large) or `stopped`. */
  async send(call: HttpCall): Promise<HttpAnswer> {
    if (this.#controller.signal.aborted) throw stoppedError();
    try {
      return await this.#sendOnce(call);
    } catch (error) {
      // The server may have closed a connection that was kept, just as it was used again.
      if (!(error instanceof StaleConnection) || this.#controller.signal.aborted)
        throw this.#explained(error);
    }
    try {
      return await this.#sendOnce(call);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Ends all connections and calls. */
  stop(): void {
    this.#controller.abort();
    this.#agent.destroy();
  }

  #sendOnce({ method, path, headers, body, timeout, mostBytes }: HttpCall): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const signal = this.#controller.signal;
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const { hostname, port } = this.#url;
      const options = { hostname: hostname.replace(/^\[|\]$/g, ""), port, method, path, signal };
      const request = this.#request({ ...options, agent: this.#agent, headers: { ...headers, ...length } });
      let late: Error | undefined;
      let hasBegun = false;
      const timer = setTimeout(() => {
        late = tooLate(timeout);
        request.destroy(late);
      }, timeout);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        const isReset = "code" in error && error.code === "ECONNRESET";
        const isStale = isReset && request.reusedSocket && !hasBegun && late === undefined;
        reject(late ?? (isStale ? new StaleConnection(error.message, { cause: error }) : error));
      };
      request.once("error", fail);
      request.once("response", (response) => {
        hasBegun = true;
        readBody(response, mostBytes).then((read) => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, body: read });
        }, fail);
      });
      request.end(body);
    });
  }

  #explained(error: unknown): ChainSourceError {
    if (error instanceof ChainSourceError) return error;
    if (this.#controller.signal.aborted) return stoppedError();
    const text = error instanceof Error ? error.message || error.name : String(error);
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (/CERT|SELF_SIGNED|ERR_TLS/.test(code)) {
      return new ChainSourceError(
        "untrusted",
        `the certificate of ${this.#url.host} is not trusted: ${text}`,
        "let the server present a certificate that this computer trusts, or connect by http on this computer",
        error,
      );
    }
    return new ChainSourceError(
      "unreachable",
      `bitcoind does not answer at ${this.#url.host}: ${text}`,
      `make sure that bitcoind runs with server=1 and that its rpcport and rpcbind are those of ${this.#url.host}`,
      error,
    );
  }
}

/** A kept connection that turned out to be gone. */
class StaleConnection extends Error {}

function tooLate(milliseconds: number): Error {
  return new Error(`no answer within ${Math.round(milliseconds / 1_000)} s`);
}

/** The error for what is asked for after the end. */
export function stoppedError(): ChainSourceError {
  return new ChainSourceError("stopped", "the chain source was stopped", "make another one");
}

async function readBody(response: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) {
      response.destroy();
      throw new ChainSourceError(
        "invalid-answer",
        `an answer has more than ${mostBytes} bytes`,
        "make sure that the address is that of bitcoind",
      );
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
}
