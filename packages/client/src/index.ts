export { type CallOptions, type Client, createClient, newIdempotencyKey } from "./client.ts";
export { ClientError } from "./clientError.ts";
export type { ApiEvent, EventsOptions } from "./eventStream.ts";
export type { ClientOptions } from "./transport.ts";
