import { type ErrorCode, errorCodes } from "@fulmen/api/routes";
import { type ErrorDetails, NodeError, type NodeErrorCode } from "@fulmen/node";

/** Thrown to answer a request with an error of the API's own. */
export class RequestRefusal extends Error {
  override readonly name: string = "RequestRefusal";
  readonly code: ErrorCode;
  readonly remedy: string;
  /** Seconds after which to come back. */
  readonly retryAfter?: number;

  constructor(code: ErrorCode, message: string, remedy: string, retryAfter?: number) {
    super(message);
    this.code = code;
    this.remedy = remedy;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/** Of errors of the node; 422 for those that are not named. */
const nodeStatus: Readonly<Partial<Record<NodeErrorCode, number>>> = {
  "unknown-payment": 404,
  "unknown-channel": 404,
  "unknown-transaction": 404,
  "unknown-peer": 404,
  "duplicate-payment": 409,
  "not-running": 503,
  frozen: 503,
};

/** The answer to a request that failed, whatever failed. What nobody expected is not told to the client. */
export function answerOf(error: unknown): Response {
  if (error instanceof RequestRefusal) {
    const { code, message, remedy, retryAfter } = error;
    const headers = new Headers();
    if (retryAfter !== undefined) headers.set("retry-after", String(retryAfter));
    if (errorCodes[code] === 401) headers.set("www-authenticate", "Bearer");
    // Nobody reads a body that is too large to its end.
    if (code === "body-too-large") headers.set("connection", "close");
    return errorResponse({ code, message, remedy }, errorCodes[code], headers);
  }
  if (error instanceof NodeError) {
    const { code, message, remedy, details } = error;
    const hasDetails = Object.keys(details).length > 0;
    return errorResponse(
      { code, message, remedy, ...(hasDetails && { details: plain(details) }) },
      nodeStatus[code] ?? 422,
    );
  }
  return errorResponse(
    {
      code: "internal",
      message: "The node failed to carry this out.",
      remedy: "The node's log has the details; please report them.",
    },
    500,
  );
}

function errorResponse(error: object, status: number, headers: Headers = new Headers()): Response {
  headers.set("content-type", "application/json");
  return new Response(JSON.stringify({ error }), { status, headers });
}

function plain(details: ErrorDetails): Readonly<Record<string, string | number | boolean>> {
  const entries = Object.entries(details).map(
    ([name, value]) => [name, typeof value === "bigint" ? value.toString() : value] as const,
  );
  return Object.fromEntries(entries);
}
