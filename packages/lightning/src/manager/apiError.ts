import { printable } from "../util/text.ts";

/** Why a call of the public API was not carried out; nothing has changed. @ldk lightning::util::errors::APIError */
export type ApiErrorCode =
  | "api-misuse"
  | "channel-unavailable"
  | "channel-refused"
  | "peer-not-connected"
  | "insufficient-anchor-reserve"
  | "duplicate-payment"
  | "payment-expired"
  | "invalid-invoice"
  | "unknown-features"
  | "invalid-recipient-fields"
  | "onion-too-large"
  | "route-not-found"
  | "invalid-amount"
  | "wrong-network"
  | "own-invoice"
  | "no-blinded-path"
  | "frozen";

/** Longest `message`. */
const longestMessage = 1_000;

/**
 * Thrown by the public API, as TypeScript users expect; `message` is a sentence that says what to do, printable
 * whatever was asked for.
 */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string) {
    super(printable(message, longestMessage));
    this.code = code;
  }
}
