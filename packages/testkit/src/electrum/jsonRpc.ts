import { isJsonObject, type Json } from "./json.ts";
import { errorCodes, RequestError } from "./requestError.ts";

/** What comes back with the answer; `null` where the request had none that can be read. */
export type RequestId = string | number | null;

/** What a client wants to know. */
export interface RpcRequest {
  readonly kind: "request";
  readonly id: RequestId;
  readonly method: string;
  readonly params: Json;
}

/** One thing that a client says. */
export type ClientMessage =
  | RpcRequest
  /** Nothing that is answered: a notification, or an answer to something that we never asked. */
  | { readonly kind: "ignored" }
  | { readonly kind: "invalid"; readonly id: RequestId; readonly error: RequestError };

/** Reads one message of JSON-RPC 2.0, or 1.0. */
export function readMessage(json: Json): ClientMessage {
  if (!isJsonObject(json)) return invalid(null, "request object must be a dictionary");
  const { id, method, params = [] } = json;
  if (method === undefined && ("result" in json || "error" in json)) return { kind: "ignored" };
  if (id !== undefined && id !== null && typeof id !== "string" && typeof id !== "number")
    return invalid(null, "invalid id");
  if (typeof method !== "string") return invalid(id ?? null, "method must be a string");
  return id === undefined ? { kind: "ignored" } : { kind: "request", id, method, params };
}

/** The JSON of an answer. */
export function answerText(id: RequestId, result: Json): string {
  return JSON.stringify({ jsonrpc: "2.0", result, id });
}

/** The JSON of a refusal. */
export function errorText(id: RequestId, { code, message }: RequestError): string {
  return JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id });
}

/** The JSON of what a client is told unasked. */
export function notificationText(method: string, params: readonly Json[]): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

function invalid(id: RequestId, message: string): ClientMessage {
  return { kind: "invalid", id, error: new RequestError(errorCodes.invalidRequest, message) };
}
