/**
 * Codes of errors that the HTTP API itself answers with, and the status that goes with each. A node's own errors (no
 * route, too few coins) pass with the node's code: 404 for what it does not know, 409 for a payment made twice, 503
 * while it cannot work, 422 for all else.
 */
export const errorCodes = {
  "bad-request": 400,
  "invalid-json": 400,
  "token-missing": 401,
  "token-unknown": 401,
  "token-expired": 401,
  "scope-missing": 403,
  "not-found": 404,
  "method-not-allowed": 405,
  "request-timeout": 408,
  "idempotency-conflict": 409,
  "body-too-large": 413,
  "unsupported-media-type": 415,
  "rate-limited": 429,
  internal: 500,
  "not-ready": 503,
  "too-busy": 503,
} as const;

/** One of `errorCodes`. */
export type ErrorCode = keyof typeof errorCodes;

/** Whether a code is the API's own, not the node's. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}
