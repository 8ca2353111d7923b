import type { InputOf, OutputOf } from "@fulmen/api";
import { type OperationName, type Route, routes } from "@fulmen/api/routes";
import { ClientError } from "./clientError.ts";
import { type ApiEvent, type EventsOptions, eventStream } from "./eventStream.ts";
import { type ApiRequest, type ClientOptions, Transport } from "./transport.ts";

/** How a single call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For `pay`: makes it safe to ask again. A fresh one unless told; to ask again later, keep your own. */
  readonly idempotencyKey?: string;
}

/** What a call takes: its input where it has one, which may be left out where nothing in it has to be said. */
type Call<N extends OperationName> =
  InputOf<N> extends undefined
    ? (input?: undefined, options?: CallOptions) => Promise<OutputOf<N>>
    : Record<never, never> extends InputOf<N>
      ? (input?: InputOf<N>, options?: CallOptions) => Promise<OutputOf<N>>
      : (input: InputOf<N>, options?: CallOptions) => Promise<OutputOf<N>>;

/**
 * One method for each operation of the API: `client.payments({ limit: 10 })`. All reject with `ClientError` and nothing
 * else. What an operation takes and answers stands in `docs/api.md`.
 */
export type Client = {
  readonly [N in Exclude<OperationName, "events">]: Call<N>;
} & {
  /** Events as they come, from any index, over lost connections; see `eventStream`. */
  events(options?: EventsOptions): AsyncGenerator<ApiEvent>;
};

/** A client of one node. It holds no connection and needs no closing. */
export function createClient(options: ClientOptions): Client {
  const transport = new Transport(options);
  const calls = Object.entries(routes).map(
    ([name, route]) =>
      [
        name,
        (input?: Readonly<Record<string, unknown>>, call?: CallOptions) =>
          perform(transport, { name, route, input: input ?? {} }, call ?? {}),
      ] as const,
  );
  const client: Record<string, unknown> = Object.fromEntries(calls);
  client["events"] = (events?: EventsOptions) => eventStream(transport, events ?? {});
  // `routes` has a method's name for each key of `Client`, and `perform` answers what the schemas say.
  return client as Client;
}

interface Asked {
  readonly name: string;
  readonly route: Route;
  readonly input: Readonly<Record<string, unknown>>;
}

async function perform(transport: Transport, asked: Asked, options: CallOptions): Promise<unknown> {
  const response = await transport.send(requestOf(asked, options));
  const type = response.headers.get("content-type") ?? "";
  try {
    return type.startsWith("application/json") ? await response.json() : await response.text();
  } catch (cause) {
    throw new ClientError("unreachable", "The answer broke off.", {
      remedy: "Ask again; for a payment, with the same idempotency key.",
      cause,
    });
  }
}

/** The request that an operation with this input is: fields go into the path, then the query or the body. */
function requestOf({ name, route, input }: Asked, options: CallOptions): ApiRequest {
  const rest = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  const path = route.path.replace(/\{(\w+)\}/g, (_braces, field: string) => {
    const value = rest.get(field);
    rest.delete(field);
    return encodeURIComponent(String(value));
  });
  const { signal } = options;
  const isPay = name === "pay";
  const common = {
    method: route.method,
    isRepeatable: route.method === "GET" || isPay || readsOnly.has(name),
    ...(signal !== undefined && { signal }),
    ...(name === "readiness" && { alsoAnswers: 503 }),
    ...(isPay && {
      headers: { "idempotency-key": options.idempotencyKey ?? newIdempotencyKey() },
      timeoutMilliseconds: (Number(rest.get("timeoutSeconds") ?? 60) + 15) * 1000,
    }),
  };
  if (route.method === "POST") return { ...common, path, body: JSON.stringify(Object.fromEntries(rest)) };
  const query = new URLSearchParams(
    [...rest].map(([field, value]): [string, string] => [field, String(value)]),
  ).toString();
  return { ...common, path: query === "" ? path : `${path}?${query}` };
}

/** A key for one payment. `crypto.randomUUID` is missing from pages that came without TLS. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** They are sent by POST because of what they take, and change nothing. */
const readsOnly = new Set(["decode", "explainRoute", "verifyMessage", "backup"]);
