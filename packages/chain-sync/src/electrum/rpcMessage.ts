import { err, ok, printable, type Result } from "@fulmen/lightning/util";
import { boundedJson } from "../boundedJson.ts";
import { ChainSourceError } from "../chainSourceError.ts";

/** A server's refusal to do what it was asked; `message` is printable. */
export interface RpcRefusal {
  readonly code: number;
  readonly message: string;
}

/** One thing that a server says. */
export type ServerMessage =
  | { readonly kind: "answer"; readonly id: number; readonly result: Result<unknown, RpcRefusal> }
  | { readonly kind: "notification"; readonly method: string; readonly params: readonly unknown[] }
  /** A refusal of something that it could not read. */
  | { readonly kind: "complaint"; readonly message: string };

/** The line that asks `method`. */
export function requestLine(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** What a line says: one thing, or several as a batch. Throws `ChainSourceError` (`invalid-answer`). */
export function readMessages(line: string): readonly ServerMessage[] {
  const json = parsed(line);
  return Array.isArray(json) ? json.map(readMessage) : [readMessage(json)];
}

function parsed(line: string): unknown {
  try {
    return boundedJson(line);
  } catch {
    throw notElectrum(line);
  }
}

function readMessage(json: unknown): ServerMessage {
  if (!isObject(json)) throw notElectrum(JSON.stringify(json) ?? "");
  const { id, method, params } = json;
  if (typeof method === "string") {
    if (!Array.isArray(params)) throw notElectrum(`a notification "${method}" without a list of parameters`);
    return { kind: "notification", method, params };
  }
  const error = json["error"];
  if (error !== undefined && error !== null) {
    const refusal = refusalOf(error);
    if (typeof id === "number") return { kind: "answer", id, result: err(refusal) };
    return { kind: "complaint", message: refusal.message };
  }
  if (typeof id !== "number" || !("result" in json)) throw notElectrum(JSON.stringify(json));
  return { kind: "answer", id, result: ok(json["result"]) };
}

/** Some servers give an object as JSON-RPC says, some a mere text. */
function refusalOf(error: unknown): RpcRefusal {
  if (!isObject(error)) return { code: 0, message: oneLine(String(error)) };
  const { code, message } = error;
  return {
    code: typeof code === "number" ? code : 0,
    message: oneLine(typeof message === "string" ? message : (JSON.stringify(error) ?? "")),
  };
}

function oneLine(text: string): string {
  return printable(text.slice(0, 1_000).replace(/\s+/g, " "));
}

/** Whether a refusal is about the server's state or our appetite, and not about what was asked for. */
export function isOverload({ code, message }: RpcRefusal): boolean {
  return code === -101 || code === -102 || /busy|excessive|timed? ?out|unavailable|warm/i.test(message);
}

/** Whether a value of JSON is an object, and no list. */
export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function notElectrum(text: string): ChainSourceError {
  const isWeb = /^(?:HTTP\/|\s*<)/i.test(text);
  return new ChainSourceError(
    "invalid-answer",
    isWeb
      ? "a web server answers, not an Electrum server"
      : `what the server says is not the Electrum protocol: ${printable(text, 80)}`,
    "check the address and the port, and that tcp: and ssl: are not mixed up",
  );
}
