import type { BitcoindMethod, ParamsOf, ResultOf } from "./bitcoindCalls.ts";

/** Bitcoin Core did not do what it was asked to. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  /** Of Bitcoin Core's `RPCErrorCode`. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** While the node starts. */
export const rpcInWarmup = -28;

const patienceSeconds = 60;

interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string } | null;
}

/** Calls Bitcoin Core over HTTP (JSON-RPC 2.0). */
export class RpcClient {
  readonly #url: string;
  readonly #authorization: string;
  #calls = 0;

  /** `cookie` is the content of Core's `.cookie` file: user and password with a colon between them. */
  constructor(port: number, cookie: string) {
    this.#url = `http://127.0.0.1:${port}/`;
    this.#authorization = `Basic ${Buffer.from(cookie.trim()).toString("base64")}`;
  }

  /** Rejects with `RpcError` when Core refuses, with `fetch`'s errors when it cannot be reached. */
  async call<M extends BitcoindMethod>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>> {
    const response = await fetch(this.#url, {
      method: "POST",
      signal: AbortSignal.timeout(patienceSeconds * 1_000),
      headers: { "content-type": "application/json", authorization: this.#authorization },
      body: JSON.stringify({ jsonrpc: "2.0", id: this.#calls++, method, params }),
    });
    const text = await response.text();
    if (text === "") throw new Error(`bitcoind answers ${method} with HTTP status ${response.status}`);
    const { result, error } = JSON.parse(text) as RpcAnswer;
    if (error) throw new RpcError(error.code, error.message);
    return result as ResultOf<M>;
  }
}
