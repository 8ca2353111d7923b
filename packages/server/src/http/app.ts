import type { Readable } from "node:stream";
import { type InputOf, listOperations, type Operation, openApiDocument, pathParameters } from "@fulmen/api";
import { type Route, routes } from "@fulmen/api/routes";
import type { NodeApi } from "@fulmen/node";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import type { Log } from "../logs/log.ts";
import { Metrics } from "../metrics/metrics.ts";
import type { PaymentKeys } from "../payments/paymentKeys.ts";
import { Payer } from "../payments/payOnce.ts";
import { answerOf, RequestRefusal } from "../refusal.ts";
import type { StoredToken } from "../tokens/token.ts";
import { type Asset, assetResponse } from "./assets.ts";
import { defaultLimits, Gate, type Limits, type TokenSource } from "./authorize.ts";
import { EventStreams } from "./eventsResponse.ts";
import { type HandledOperation, type HandlerContext, makeHandlers, type RequestFacts } from "./handlers.ts";
import { readJsonBody } from "./requestBody.ts";
import { textStream } from "./textStream.ts";

/** What the HTTP API of a daemon is made of. */
export interface AppOptions extends Pick<HandlerContext, "backup" | "lastBackupAt"> {
  readonly node: NodeApi;
  readonly version: string;
  readonly tokens: TokenSource;
  readonly paymentKeys: PaymentKeys;
  readonly log: Log;
  readonly limits?: Limits;
  /** Pages of these origins may ask. Default: those of no other origin. */
  readonly corsOrigins?: readonly string[];
  /** Files that are served to everybody, by path: the dashboard. */
  readonly assets?: ReadonlyMap<string, Asset>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What the server tells of a connection. */
export interface AppEnv {
  Bindings: { readonly incoming?: Readable & { readonly socket?: { readonly remoteAddress?: string } } };
}

/** The HTTP API of a node, for any server that speaks `fetch`. */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const api = new Api(options);
  const app = new Hono<AppEnv>();
  if (options.corsOrigins !== undefined && options.corsOrigins.length > 0)
    app.use(
      "/v1/*",
      cors({ origin: [...options.corsOrigins], allowMethods: ["GET", "POST", "DELETE"], maxAge: 600 }),
    );
  for (const { name, method, path, scope, operation } of listOperations()) {
    app.on(method, path.replaceAll(/\{(\w+)\}/g, ":$1"), (context) =>
      api.handle(context, { name, method, path, scope, operation }),
    );
  }
  const known = new Set(listOperations().map(({ path }) => path));
  app.notFound((context) => api.notFound(context, known));
  app.onError((error) => answerOf(error));
  return app;
}

interface Asked extends Route {
  readonly name: ReturnType<typeof listOperations>[number]["name"];
  readonly operation: Operation;
}

class Api {
  readonly #options: AppOptions;
  readonly #gate: Gate;
  readonly #streams: EventStreams;
  readonly #metrics: Metrics;
  readonly #handlers: ReturnType<typeof makeHandlers>;
  #openApi: string | undefined;

  constructor(options: AppOptions) {
    const { node, version, now = Date.now, backup, lastBackupAt, paymentKeys } = options;
    this.#options = options;
    this.#gate = new Gate(options.tokens, options.limits ?? defaultLimits, now);
    this.#streams = new EventStreams(node);
    this.#metrics = new Metrics(node, () => this.#streams.open);
    this.#handlers = makeHandlers({
      node,
      version,
      now,
      payer: new Payer(node, paymentKeys),
      ...(backup !== undefined && { backup }),
      ...(lastBackupAt !== undefined && { lastBackupAt }),
    });
  }

  async handle(context: Context<AppEnv>, asked: Asked): Promise<Response> {
    const started = performance.now();
    let response: Response;
    let token: StoredToken | undefined;
    try {
      token = this.#gate.admit(addressOf(context), context.req.header("authorization"), asked.scope);
      response = await this.#answer(context, asked, token);
    } catch (error) {
      response = this.#refuse(error, asked.name);
    }
    // Nobody will read the body: what it was to be made of ends with it.
    if (context.req.method === "HEAD") await response.body?.cancel();
    const seconds = (performance.now() - started) / 1000;
    this.#metrics.answered(asked.name, response.status, seconds);
    const fields = {
      status: response.status,
      milliseconds: Math.round(seconds * 1000),
      ...(token !== undefined && { who: token.id }),
    };
    this.#options.log.write("debug", "http", asked.name, fields);
    return withSafeHeaders(response);
  }

  notFound(context: Context<AppEnv>, known: ReadonlySet<string>): Response {
    const asset = assetResponse(this.#options.assets, context.req.raw);
    if (asset !== undefined) return asset;
    try {
      this.#gate.admit(addressOf(context), undefined, undefined);
      const isKnown = known.has(context.req.path);
      throw isKnown
        ? new RequestRefusal(
            "method-not-allowed",
            `${context.req.method} is not what this path takes.`,
            "See /openapi.json for what there is.",
          )
        : new RequestRefusal(
            "not-found",
            "There is nothing at this path.",
            "See /openapi.json for what there is.",
          );
    } catch (error) {
      return withSafeHeaders(this.#refuse(error, "none"));
    }
  }

  #refuse(error: unknown, operation: string): Response {
    const response = answerOf(error);
    const code = error instanceof Error && "code" in error ? String(error.code) : "internal";
    this.#metrics.refused(response.status === 500 ? "internal" : code);
    if (response.status === 500) this.#logFailure(operation, error);
    return response;
  }

  #logFailure(operation: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log.write("error", "http", `${operation} failed: ${text}`);
  }

  async #answer(
    context: Context<AppEnv>,
    { name, method, path, operation }: Asked,
    token: StoredToken | undefined,
  ): Promise<Response> {
    const input = await checkedInput(context, { method, path, operation });
    const failed = (error: unknown): void => this.#logFailure(name, error);
    switch (name) {
      case "openApi":
        this.#openApi ??= JSON.stringify(openApiDocument(this.#options.version));
        return new Response(this.#openApi, { headers: { "content-type": "application/json" } });
      case "metrics": {
        const { contentType, text } = await this.#metrics.text();
        return new Response(text, { headers: { "content-type": contentType } });
      }
      case "readiness":
        return this.#readiness();
      case "ledgerCsv":
        return new Response(textStream(this.#options.node.ledgerCsv()[Symbol.asyncIterator](), { failed }), {
          headers: {
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": 'attachment; filename="fulmen-ledger.csv"',
          },
        });
      case "events": {
        const { after } = input as InputOf<"events">;
        const mayGoOn = (): boolean => token !== undefined && this.#gate.isValid(token);
        const { signal } = context.req.raw;
        return this.#streams.respond(after, { who: token?.id ?? "", signal, mayGoOn, failed });
      }
      default:
        return Response.json(
          await this.#call(name, input, {
            header: (one) => context.req.header(one),
            scopes: token?.scopes ?? [],
          }),
        );
    }
  }

  /** The schemas make the input what the handler of this name takes: a tie that types cannot follow through a table. */
  #call(name: HandledOperation, input: unknown, request: RequestFacts): unknown {
    const handler = this.#handlers[name] as (input: unknown, request: RequestFacts) => unknown;
    return handler(input, request);
  }

  #readiness(): Response {
    const { phase, chain } = this.#options.node.status();
    // Everybody may ask: paths, hosts and what else an error says are for those with a token, at /v1/info.
    const reasons = [
      ...(phase === "running" ? [] : [`The node is ${phase}.`]),
      ...(chain.isSynced ? [] : [`The node is at block ${chain.height} of ${chain.tip}.`]),
      ...(chain.problem === undefined ? [] : ["The chain source does not answer."]),
    ];
    return Response.json(
      { ready: reasons.length === 0, reasons },
      { status: reasons.length === 0 ? 200 : 503 },
    );
  }
}

/** Path, query and body as the operation's schema has them; refuses what does not fit, and says what. */
async function checkedInput(
  context: Context<AppEnv>,
  { method, path, operation }: Pick<Asked, "method" | "path" | "operation">,
): Promise<unknown> {
  const rest = method === "POST" ? await readJsonBody(context.req.raw) : queryOf(context);
  if (operation.input === undefined) return undefined;
  const params = Object.fromEntries(
    pathParameters(path).map((name) => [name, context.req.param(name)] as const),
  );
  const result = operation.input.safeParse({ ...rest, ...params });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new RequestRefusal(
    "bad-request",
    field === "" ? `${issue?.message ?? "It does not fit"}.` : `${field}: ${issue?.message}.`,
    "See /openapi.json for what is taken.",
  );
}

/** The header that browsers send when they resume a stream of events says the same as `after`, and later. */
function queryOf(context: Context<AppEnv>): Readonly<Record<string, string>> {
  const last = context.req.header("last-event-id");
  const isEvents = context.req.path === routes.events.path;
  return { ...context.req.query(), ...(isEvents && last !== undefined && { after: last }) };
}

function addressOf(context: Context<AppEnv>): string {
  return context.env?.incoming?.socket?.remoteAddress ?? "unknown";
}

function withSafeHeaders(response: Response): Response {
  response.headers.set("x-content-type-options", "nosniff");
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}
