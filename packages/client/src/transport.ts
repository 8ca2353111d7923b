import { ClientError, errorOf } from "./clientError.ts";

/** Where a node is and how it is asked. */
export interface ClientOptions {
  /** `http://127.0.0.1:9734` */
  readonly url: string;
  /** Made by `fulmen token create`. */
  readonly token?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** For one attempt, until the answer's head is here. Default 30,000; for `pay` its own limit counts. */
  readonly timeoutMilliseconds?: number;
  /** How often what fails transiently is tried again. Default 4. */
  readonly retries?: number;
  /** Before the first retry; doubles each time, up to 10 s. Default 250. */
  readonly retryDelayMilliseconds?: number;
}

/** One request, and whether it may be made twice. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the request does no harm when it is carried out twice. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal;
  /** A status beside 2xx that comes with an answer. */
  readonly alsoAnswers?: number;
  /** Instead of the client's. */
  readonly timeoutMilliseconds?: number;
}

/** Makes requests, and makes them again where that is safe and may help. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #base: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, "");
  }

  /** An answer of status 2xx. Rejects with `ClientError` and nothing else. */
  async send(request: ApiRequest): Promise<Response> {
    const { retries = 4 } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(request);
      if (outcome instanceof Response) return outcome;
      if (attempt >= retries || !mayRepeat(request, outcome.error)) throw outcome.error;
      await this.pause(outcome.retryAfter ?? this.backOff(attempt), request.signal);
    }
  }

  /** Milliseconds before the next attempt: doubling, with some chance so that many clients do not come at once. */
  backOff(attempt: number): number {
    const { retryDelayMilliseconds: first = 250 } = this.#options;
    return Math.min(10_000, first * 2 ** Math.min(attempt, 16)) * (0.5 + Math.random() / 2);
  }

  /** Waits; rejects with `aborted` when `signal` says so. */
  async pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal?.addEventListener("abort", done);
      if (signal?.aborted === true) done();
    });
    if (signal?.aborted === true) throw aborted();
  }

  async #attempt(
    request: ApiRequest,
  ): Promise<Response | { readonly error: ClientError; readonly retryAfter?: number }> {
    const { fetch = globalThis.fetch, token, timeoutMilliseconds = 30_000 } = this.#options;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), request.timeoutMilliseconds ?? timeoutMilliseconds);
    const signal =
      request.signal === undefined ? limit.signal : AbortSignal.any([request.signal, limit.signal]);
    try {
      const response = await fetch(`${this.#base}${request.path}`, {
        method: request.method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(request.body !== undefined && { "content-type": "application/json" }),
          ...request.headers,
        },
        ...(request.body !== undefined && { body: request.body }),
        signal,
      });
      if (response.ok || response.status === request.alsoAnswers) return response;
      const seconds = Number(response.headers.get("retry-after") ?? "");
      const error = await errorOf(response);
      return seconds > 0 && seconds <= 60 ? { error, retryAfter: seconds * 1000 } : { error };
    } catch (error) {
      return { error: this.#failure(error, request.signal, limit.signal) };
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(cause: unknown, own: AbortSignal | undefined, limit: AbortSignal): ClientError {
    if (own?.aborted === true) return aborted();
    if (limit.aborted)
      return new ClientError("timeout", `${this.#base} did not answer in time.`, {
        remedy: "See in the node's logs what it is busy with.",
        cause,
      });
    // A page's own origin may be left out.
    if (this.#base !== "" && !(/^https?:\/\//.test(this.#base) && URL.canParse(this.#base)))
      return new ClientError("unreachable", `${this.#base.slice(0, 80)} is no address of a node.`, {
        remedy: "Write it with its scheme: http://127.0.0.1:9734.",
        cause,
      });
    const reason = certificateFault(cause);
    if (reason !== undefined)
      return new ClientError("unreachable", `The certificate of ${this.#base} is not trusted: ${reason}.`, {
        remedy:
          "Name the file of whoever signed it: NODE_EXTRA_CA_CERTS=<file>; and use the host that it is for.",
        cause,
      });
    return new ClientError("unreachable", `Nobody answers at ${this.#base || "this address"}.`, {
      remedy: "Start the node with `fulmen start`, or correct the address.",
      cause,
    });
  }
}

/** Why the other side is not who it has to be, as Node says it; browsers do not tell. */
function certificateFault(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  const isOfCertificate = /CERT|^UNABLE_TO_VERIFY|^HOSTNAME_MISMATCH/.test(String(cause.code));
  return isOfCertificate ? cause.message : undefined;
}

function aborted(): ClientError {
  return new ClientError("aborted", "The call was called off.", { remedy: "Nothing: you asked for it." });
}

/** Refusals that come before anything was done: they say so by their status, whatever was asked for. */
function mayRepeat(request: ApiRequest, { code, status }: ClientError): boolean {
  if (code === "aborted") return false;
  if (status === 429 || (status === 503 && code === "too-busy")) return true;
  if (!request.isRepeatable) return false;
  return code === "unreachable" || status === 502 || status === 503 || status === 504;
}
