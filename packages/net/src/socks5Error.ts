/** Why a proxy made no connection. */
export type Socks5ErrorCode =
  /** Nobody answers at the proxy's address, or the connection to it broke. */
  | "proxy-unreachable"
  | "timed-out"
  /** Whoever wanted the connection does not any more. */
  | "aborted"
  /** The proxy wants other credentials, or none. */
  | "unauthorised"
  /** What answers is no SOCKS5 proxy. */
  | "invalid-answer"
  /** The proxy will not connect there. */
  | "refused"
  /** The proxy cannot get there. */
  | "host-unreachable"
  | "connection-refused"
  /** A proxy cannot be told of this host, port, user name or password. */
  | "bad-address";

/** Thrown by what `socks5` makes. */
export class Socks5Error extends Error {
  override readonly name = "Socks5Error";
  readonly code: Socks5ErrorCode;
  readonly remedy: string;

  constructor(code: Socks5ErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}
