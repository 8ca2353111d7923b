import { ChainSourceError } from "../chainSourceError.ts";
import { AnswerTooLarge, invalidAnswer, shown, stopped, unreachable } from "./errors.ts";
import { Gate } from "./gate.ts";
import { sleep } from "./sleep.ts";

/** What is used of `fetch`: a browser's, Node's, or one that goes through a proxy. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

export interface HttpClientOptions {
  /** The root of the API, without a slash at its end, without credentials. */
  readonly base: string;
  /** For messages: without credentials. */
  readonly name: string;
  readonly fetch: FetchLike;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds for one attempt. */
  readonly timeout: number;
  /** Requests under way at a time. */
  readonly concurrency: number;
  /** Bytes of an answer at most. */
  readonly maxAnswer: number;
  /** Milliseconds before an attempt that follows one that failed, doubled each time. */
  readonly retryDelay: number;
}

/** An answer of which the status is no fault: found, not there, or refused with a text. */
export interface HttpAnswer {
  readonly status: "ok" | "not-found" | "refused";
  readonly body: Uint8Array;
}

/** What became of one attempt. */
type Attempt =
  | { readonly kind: "answer"; readonly answer: HttpAnswer }
  | { readonly kind: "unanswered"; readonly error: ChainSourceError }
  /** `after` has the milliseconds that the server asks for. */
  | { readonly kind: "busy"; readonly error: ChainSourceError; readonly after: number | undefined };

/** Attempts for a server that is busy (429) or broken (5xx). */
const maxAttempts = 5;
/** Attempts where no answer comes at all: a connection that was kept open may have just been closed. */
const maxUnanswered = 2;
/** Milliseconds that a server can make us wait at most. */
const longestWait = 30_000;

/** Asks an HTTP server, few times at once, again when it is busy, and never takes in more than a limit. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #gate: Gate;
  readonly #stop = new AbortController();
  /** When a busy server may be asked again: that one request was refused holds for all. */
  #notBefore = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#gate = new Gate(options.concurrency);
  }

  /** Ends what is under way and what follows, with `stopped`. */
  stop(): void {
    this.#stop.abort();
  }

  /** Throws when it was stopped. */
  expectRunning(): void {
    if (this.#stop.signal.aborted) throw stopped(this.#options.name);
  }

  /** Resolves after so many milliseconds, or when `signal` says so; rejects when the client is stopped. */
  async wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await sleep(milliseconds, signal === undefined ? [this.#stop.signal] : [this.#stop.signal, signal]);
    this.expectRunning();
  }

  /** The answer to a request for a path below the root; with a body it is a POST. */
  async ask(path: string, body?: string): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#gate.through(async () => {
        const made = await this.#attempt(path, body);
        if (made.kind === "busy") this.#rest(made.after ?? this.#options.retryDelay * 2 ** (attempt - 1));
        return made;
      });
      if (outcome.kind === "answer") return outcome.answer;
      this.expectRunning();
      if (attempt >= (outcome.kind === "unanswered" ? maxUnanswered : maxAttempts)) throw outcome.error;
    }
  }

  /** Asks for nothing for so many milliseconds. */
  #rest(milliseconds: number): void {
    this.#notBefore = Math.max(this.#notBefore, performance.now() + Math.min(milliseconds, longestWait));
  }

  async #attempt(path: string, body: string | undefined): Promise<Attempt> {
    const { base, name, timeout } = this.#options;
    const early = this.#notBefore - performance.now();
    if (early > 0) await this.wait(early);
    this.expectRunning();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = setTimeout(abort, timeout);
    this.#stop.signal.addEventListener("abort", abort, { once: true });
    try {
      const response = await this.#options.fetch(base + path, {
        method: body === undefined ? "GET" : "POST",
        // Of any other type, a browser would first ask whether it may send it.
        headers: { ...this.#options.headers, ...(body !== undefined && { "Content-Type": "text/plain" }) },
        ...(body !== undefined && { body }),
        signal: controller.signal,
      });
      return this.#judge(response, await this.#read(response));
    } catch (error) {
      if (error instanceof ChainSourceError) throw error;
      this.expectRunning();
      const why = controller.signal.aborted ? `no answer within ${timeout} ms` : "it does not answer";
      return { kind: "unanswered", error: unreachable(name, why, error) };
    } finally {
      clearTimeout(timer);
      this.#stop.signal.removeEventListener("abort", abort);
    }
  }

  async #read(response: Response): Promise<Uint8Array> {
    const { name, maxAnswer } = this.#options;
    const reader = response.body?.getReader();
    if (reader === undefined) return new Uint8Array(await response.arrayBuffer());
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > maxAnswer) {
        // The rest is not wanted; that it cannot be cancelled properly is no one's matter.
        reader.cancel().catch(() => undefined);
        throw new AnswerTooLarge(name, maxAnswer);
      }
      chunks.push(value);
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  #judge(response: Response, body: Uint8Array): Attempt {
    const { name, base } = this.#options;
    const { status } = response;
    if (status === 401 || status === 403) {
      const remedy = "check user, password and token in the address or the headers";
      throw new ChainSourceError("unauthorised", `${name} does not let us in (${status})`, remedy);
    }
    if (status === 429 || status >= 500) {
      return {
        kind: "busy",
        error: unreachable(name, `it answers ${status}: ${shown(textOf(body))}`),
        after: retryAfter(response.headers.get("Retry-After")),
      };
    }
    if (isWebPage(response, body)) throw webPage(name, base);
    const answer = (kind: HttpAnswer["status"]): Attempt => ({
      kind: "answer",
      answer: { status: kind, body },
    });
    if (status >= 200 && status < 300) return answer("ok");
    if (status === 404) return answer("not-found");
    if (status >= 400) return answer("refused");
    throw invalidAnswer(name, `it answers ${status}`);
  }
}

/** The text of an answer; bytes that are none are replaced. */
export function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** `Retry-After` in milliseconds: it has seconds or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const until = Date.parse(value);
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

function isWebPage(response: Response, body: Uint8Array): boolean {
  if (response.headers.get("Content-Type")?.includes("html") === true) return true;
  return /^\s*<(?:!doctype|html)/i.test(textOf(body.subarray(0, 200)));
}

function webPage(name: string, base: string): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `${name} answers with a web page`,
    base.endsWith("/api")
      ? `check the address ${base}: it is no Esplora API`
      : `the API of a server is mostly below "/api": try ${base}/api`,
  );
}
