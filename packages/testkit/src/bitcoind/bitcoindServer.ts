import type { ChainLie } from "../conformance/index.ts";
import { isJsonObject, type Json, parseJson } from "../electrum/json.ts";
import type { HttpAnswer, HttpRequest } from "../sockets/index.ts";
import { availableBlock, blockMethods } from "./blockMethods.ts";
import { BlockView } from "./blockView.ts";
import { mempoolMethods } from "./mempoolMethods.ts";
import { nodeMethods } from "./nodeMethods.ts";
import {
  type BitcoindServerOptions,
  type RpcContext,
  RpcFailure,
  type RpcMethod,
  rpcCodes,
} from "./rpcMethod.ts";
import type { ServedChain } from "./servedChain.ts";

const methods: ReadonlyMap<string, RpcMethod> = new Map(
  Object.entries({ ...nodeMethods, ...blockMethods, ...mempoolMethods }),
);

/**
 * Serves a chain as Bitcoin Core does, by JSON-RPC and REST: what of it chain sources use, with its errors. It opens no
 * sockets: `HttpService.listen((request, signal) => server.answer(request, signal))` does. Call `update` when chain or
 * mempool may have changed, so that those who wait hear of it.
 */
export class BitcoindServer {
  readonly #context: RpcContext;
  readonly #waiting = new Set<() => void>();
  /** What it takes as `user:password`; a node that starts anew may have another cookie. */
  credentials: string;
  /** Set, it says with every answer that it is starting. */
  warmup: string | undefined;
  /** How often each method was called. */
  readonly calls = new Map<string, number>();

  constructor(chain: ServedChain, options: BitcoindServerOptions = {}) {
    this.credentials = options.credentials ?? "fulmen:secret";
    this.#context = {
      chain,
      options,
      view: new BlockView(chain),
      fetched: new Set(),
      changed: (milliseconds, signal) => this.#changed(milliseconds, signal),
    };
  }

  /** Answers a request. */
  async answer(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { path, method } = request;
    if (path.startsWith("/rest/") && this.#context.options.hasRest === true) return this.#rest(path);
    if (path !== "/") return { status: 404, body: "" };
    if (method !== "POST") return { status: 405, body: "JSONRPC server handles only POST requests" };
    const expected = `Basic ${Buffer.from(this.credentials).toString("base64")}`;
    if (request.headers["authorization"] !== expected) {
      return { status: 401, headers: { "www-authenticate": 'Basic realm="jsonrpc"' }, body: "" };
    }
    const json = parseJson(Buffer.from(request.body).toString());
    if (isBatch(json)) {
      const answers: Json[] = [];
      for (const each of json) answers.push((await this.#reply(each, signal)).json);
      return jsonAnswer(200, answers);
    }
    const { json: reply, failed } = await this.#reply(json, signal);
    return jsonAnswer(failed && this.#context.options.isOld === true ? 500 : 200, reply);
  }

  /** Tells those who wait that something may have changed. */
  update(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Tells such lies of blocks that are new from now on, or the truth. */
  lie(lie: ChainLie | undefined): void {
    this.#context.view.lie(lie);
  }

  async #reply(
    json: Json | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly json: Json; readonly failed: boolean }> {
    const id = isJsonObject(json) ? (json["id"] ?? null) : null;
    const isOld = this.#context.options.isOld === true;
    try {
      const result = await this.#call(json, signal);
      const fields = isOld ? { result, error: null } : { jsonrpc: "2.0", result };
      return { json: { ...fields, id }, failed: false };
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      const { code, message } = error;
      const fields = isOld ? { result: null } : { jsonrpc: "2.0" };
      return { json: { ...fields, error: { code, message }, id }, failed: true };
    }
  }

  async #call(json: Json | undefined, signal: AbortSignal): Promise<Json> {
    if (!isJsonObject(json)) throw new RpcFailure(rpcCodes.parse, "Parse error");
    if (this.warmup !== undefined) throw new RpcFailure(rpcCodes.inWarmup, this.warmup);
    const { method: name, params = [] } = json;
    const method = typeof name === "string" ? methods.get(name) : undefined;
    if (method === undefined || this.#context.options.without?.includes(String(name)) === true)
      throw new RpcFailure(rpcCodes.methodNotFound, "Method not found");
    this.calls.set(String(name), (this.calls.get(String(name)) ?? 0) + 1);
    return method(this.#context, isBatch(params) ? params : [], signal);
  }

  #rest(path: string): HttpAnswer {
    const hash = /^\/rest\/block\/([0-9a-f]{64})\.bin$/.exec(path)?.[1];
    if (hash === undefined) return { status: 404, body: "" };
    this.calls.set("rest/block", (this.calls.get("rest/block") ?? 0) + 1);
    try {
      const headers = { "content-type": "application/octet-stream" };
      const found = availableBlock(this.#context, hash);
      return { status: 200, headers, body: this.#context.view.bytes(found) };
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      const isPruned = error.code === rpcCodes.misc;
      return { status: 404, body: `${hash} not ${isPruned ? "available (pruned data)" : "found"}\r\n` };
    }
  }

  #changed(milliseconds: number, signal: AbortSignal): Promise<"changed" | "timeout"> {
    return new Promise((resolve) => {
      const settle = (outcome: "changed" | "timeout"): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(outcome);
      };
      const wake = (): void => settle("changed");
      const timer = milliseconds > 0 ? setTimeout(() => settle("timeout"), milliseconds) : undefined;
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}

function isBatch(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

function jsonAnswer(status: number, json: Json): HttpAnswer {
  return { status, headers: { "content-type": "application/json" }, body: `${JSON.stringify(json)}\n` };
}
