import { messageOf, printable } from "@fulmen/lightning/util";
import { boundedJson } from "../boundedJson.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import type { HttpAnswer, HttpClient } from "./httpClient.ts";
import type { BitcoindAuthentication } from "./options.ts";

/** Of Bitcoin Core's `RPCErrorCode`, those that mean something here. */
export const rpcCodes = {
  misc: -1,
  invalidAddressOrKey: -5,
  invalidParameter: -8,
  verify: -25,
  verifyRejected: -26,
  alreadyInUtxoSet: -27,
  inWarmup: -28,
  methodNotFound: -32_601,
} as const;

/** Bitcoin Core refused a call. Never leaves the source. */
export class RpcRefusal extends Error {
  override readonly name = "RpcRefusal";
  readonly code: number;
  /** What was called. */
  readonly method: string;

  constructor(code: number, message: string, method: string) {
    super(message);
    this.code = code;
    this.method = method;
  }
}

/** One call of a batch. */
export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

interface CallLimits {
  /** Milliseconds until the answer must be there. */
  readonly timeout?: number;
  readonly mostBytes?: number;
}

/** Bytes of an ordinary answer, and of those to many calls at once: a hundred of the largest transactions. */
const mostBytesOfCall = 1_000_000;
const mostBytesOfBatch = 100_000_000;

/** Bitcoin Core's JSON-RPC. What comes back is checked by whoever asked. */
export class RpcClient {
  readonly #http: HttpClient;
  readonly #authentication: BitcoindAuthentication;
  readonly #timeout: number;
  #authorization: string | undefined;
  #calls = 0;

  constructor(http: HttpClient, authentication: BitcoindAuthentication, timeout: number) {
    this.#http = http;
    this.#authentication = authentication;
    this.#timeout = timeout;
  }

  /** Rejects with `RpcRefusal`, or with `ChainSourceError` when there is no answer at all. */
  async call(method: string, params: readonly unknown[] = [], limits: CallLimits = {}): Promise<unknown> {
    const answer = await this.#post(this.#request({ method, params }), {
      mostBytes: mostBytesOfCall,
      ...limits,
    });
    const result = resultOf(answer, method);
    if (result instanceof RpcRefusal) throw explainedRefusal(result);
    return result;
  }

  /** Answers in the order of the calls; refusals are among them. */
  async batch(calls: readonly RpcCall[]): Promise<readonly unknown[]> {
    if (calls.length === 0) return [];
    const requests = calls.map((call) => this.#request(call));
    const answers = await this.#post(requests, { mostBytes: mostBytesOfBatch });
    if (!Array.isArray(answers)) {
      const refusal = resultOf(answers, "a batch");
      throw refusal instanceof RpcRefusal ? explainedRefusal(refusal) : notJson("one answer to many calls");
    }
    const byId = new Map<unknown, unknown>(answers.map((each: unknown) => [fieldOf(each, "id"), each]));
    return requests.map(({ id, method }) => {
      const result = resultOf(byId.get(id), method);
      if (!(result instanceof RpcRefusal)) return result;
      const explained = explainedRefusal(result);
      if (explained instanceof ChainSourceError) throw explained;
      return explained;
    });
  }

  #request({ method, params }: RpcCall) {
    return { jsonrpc: "2.0", id: this.#calls++, method, params };
  }

  async #post(json: unknown, limits: CallLimits & { readonly mostBytes: number }): Promise<unknown> {
    const { timeout = this.#timeout, mostBytes } = limits;
    const body = JSON.stringify(json);
    for (let attempt = 1; ; attempt++) {
      const headers = { "content-type": "application/json", authorization: await this.#header() };
      const call = { method: "POST", path: "/", headers, body, timeout, mostBytes } as const;
      const answer = await this.#http.send(call);
      if (answer.status !== 401) return parsed(answer);
      // A node that started anew has a new cookie.
      this.#authorization = undefined;
      if (attempt === 2 || this.#authentication.kind === "password") throw this.#unauthorised();
    }
  }

  async #header(): Promise<string> {
    this.#authorization ??= `Basic ${Buffer.from(await this.#credentials()).toString("base64")}`;
    return this.#authorization;
  }

  async #credentials(): Promise<string> {
    const authentication = this.#authentication;
    if (authentication.kind === "password") return `${authentication.user}:${authentication.password}`;
    try {
      return (await authentication.readCookie()).trim();
    } catch (error) {
      throw new ChainSourceError(
        "unreachable",
        `bitcoind's cookie cannot be read: ${messageOf(error)}`,
        "make sure that bitcoind runs, that the path is that of the .cookie file in its data directory, and that this user may read it (rpccookieperms=group)",
        error,
      );
    }
  }

  #unauthorised(): ChainSourceError {
    const isPassword = this.#authentication.kind === "password";
    return new ChainSourceError(
      "unauthorised",
      isPassword ? "bitcoind does not take this user and password" : "bitcoind does not take its cookie",
      isPassword
        ? "use those of rpcuser and rpcpassword, or rpcauth, in bitcoin.conf; restart bitcoind after changing it"
        : "make sure that the cookie is of the bitcoind at this address: another one may have written it, or rpcpassword is set in bitcoin.conf, which does away with cookies",
    );
  }
}

/** What Bitcoin Core refuses whatever is asked for is no matter of the call. */
function explainedRefusal(refusal: RpcRefusal): RpcRefusal | ChainSourceError {
  if (refusal.code !== rpcCodes.inWarmup) return refusal;
  return new ChainSourceError(
    "not-synced",
    `bitcoind is starting: ${refusal.message}`,
    "wait until it has started",
  );
}

function resultOf(answer: unknown, method: string): unknown {
  const error = fieldOf(answer, "error");
  if (error !== undefined && error !== null) {
    const [code, message] = [fieldOf(error, "code"), fieldOf(error, "message")];
    return new RpcRefusal(typeof code === "number" ? code : 0, printable(String(message), 500), method);
  }
  const result = fieldOf(answer, "result");
  if (result === undefined) throw notJson("neither a result nor an error");
  return result;
}

function parsed({ status, body }: HttpAnswer): unknown {
  if (status === 403) {
    throw new ChainSourceError(
      "unauthorised",
      "bitcoind does not talk to this computer, or refuses this method to this user",
      "allow this computer's address by rpcallowip in bitcoin.conf; if rpcwhitelist is set, add the methods that are missing",
    );
  }
  if (status === 503) {
    throw new ChainSourceError(
      "unreachable",
      "bitcoind has too much to do",
      "raise rpcworkqueue and rpcthreads in bitcoin.conf if this goes on",
    );
  }
  try {
    return boundedJson(body.toString("utf8"));
  } catch (error) {
    throw notJson(shown(status, body), error);
  }
}

function shown(status: number, body: Buffer): string {
  const start = printable(body.subarray(0, 80)).trim();
  if (start === "") return `nothing, with HTTP status ${status}`;
  return /^<|html/i.test(start) ? `a web page (${start})` : `no JSON (${start})`;
}

function notJson(what: string, cause?: unknown): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `bitcoind's answer is none: ${what}`,
    "make sure that the address and port are those of bitcoind's RPC (8332 on mainnet), not of its peers, a proxy or a web server",
    cause,
  );
}

/** A field of a JSON object; `undefined` when it is none. */
export function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
