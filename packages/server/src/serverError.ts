/** Why the daemon's HTTP side cannot be as it is asked to be. */
export type ServerErrorCode =
  | "token-file-unusable"
  | "too-many-tokens"
  /** An address beyond this machine, without TLS, and nobody said that it is all right. */
  | "public-without-tls"
  | "tls-unusable"
  | "port-in-use"
  /** The address is none of this machine's, or its port needs rights. */
  | "cannot-listen"
  | "payment-keys-unusable";

/** Thrown while the daemon's HTTP side is set up; refusals of requests are `RequestRefusal`s. */
export class ServerError extends Error {
  override readonly name: string = "ServerError";
  readonly code: ServerErrorCode;
  readonly remedy: string;

  constructor(
    code: ServerErrorCode,
    message: string,
    more: { readonly remedy: string; readonly cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.remedy = more.remedy;
  }
}
