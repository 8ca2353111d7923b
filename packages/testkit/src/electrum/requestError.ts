/** Codes of errors: those of JSON-RPC 2.0 below zero, and ElectrumX's own. */
export const errorCodes = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidArguments: -32_602,
  excessiveResourceUsage: -101,
  badRequest: 1,
  daemonError: 2,
  historyTooLong: 10_001,
} as const;

/** What a client asked for cannot be answered. Thrown by what answers a request; never leaves the session. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: number;
  /** Whether the connection ends once the client has been told. */
  readonly endsConnection: boolean;

  constructor(code: number, message: string, consequence?: "ends-connection") {
    super(message);
    this.code = code;
    this.endsConnection = consequence !== undefined;
  }
}

/** The client's mistake. */
export function badRequest(message: string, consequence?: "ends-connection"): RequestError {
  return new RequestError(errorCodes.badRequest, message, consequence);
}

/** What a Bitcoin node behind an ElectrumX server would have complained about. */
export function daemonError(code: number, message: string): RequestError {
  return new RequestError(
    errorCodes.daemonError,
    `daemon error: DaemonError({'code': ${code}, 'message': '${message}'})`,
  );
}
