/**
 * A call that did not succeed. `code` is the API's or the node's (`token-expired`, `route-not-found`), or one of this
 * client's: `unreachable`, `timeout`, `aborted`, `not-fulmen` (something else answers at this address).
 */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
  readonly code: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Of the answer; absent when there was none. */
  readonly status?: number;

  constructor(
    code: string,
    message: string,
    more: { readonly remedy: string; readonly status?: number; readonly cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.remedy = more.remedy;
    if (more.status !== undefined) this.status = more.status;
  }
}

/** The error that an answer of another status than 2xx stands for. */
export async function errorOf(response: Response): Promise<ClientError> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  const error = parsed(text)?.["error"];
  if (isRecord(error)) {
    const { code, message, remedy } = error;
    if (typeof code === "string" && typeof message === "string" && typeof remedy === "string")
      return new ClientError(code, message, { remedy, status });
  }
  return new ClientError("not-fulmen", `The answer was HTTP ${status}, and not from a Fulmen node.`, {
    remedy: "Check the address and the port, and whether a proxy answers in the node's place.",
    status,
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
