import { err, ok, type Result } from "@fulmen/lightning/util";

export interface FetchOptions {
  /**
   * Bytes of a snapshot, uncompressed, above which it is not read on. Default: 64 MiB, ten times the network's size.
   */
  readonly maxBytes?: number;
  /** Milliseconds that it may take in all. Default: a minute. */
  readonly timeout?: number;
  /** Another one than the platform's, such as one that goes through Tor. */
  readonly fetch?: (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;
}

/** Why no snapshot came. */
export interface FetchFailure {
  readonly kind: "unreachable" | "timed-out" | "bad-status" | "too-long";
  readonly text: string;
  /** Where the server answered with one that is not 200. */
  readonly status?: number;
}

/** The bytes at an address, decompressed; never more than `maxBytes` of them are held. */
export async function fetchSnapshot(
  url: string,
  { maxBytes = 1 << 26, timeout = 60_000, fetch = globalThis.fetch }: FetchOptions = {},
): Promise<Result<Uint8Array, FetchFailure>> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeout) });
    if (response.status !== 200) {
      await response.body?.cancel();
      const { status } = response;
      return err({ kind: "bad-status", text: `${url} answers with ${status}`, status });
    }
    return await readBody(response, url, maxBytes);
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return err({ kind: "timed-out", text: `${url} takes longer than ${timeout} ms` });
    }
    // `fetch` says what went wrong by TypeErrors, and hides the reason in their cause.
    if (!(error instanceof TypeError)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return err({ kind: "unreachable", text: `${url}: ${error.message}${cause}` });
  }
}

async function readBody(
  response: Response,
  url: string,
  maxBytes: number,
): Promise<Result<Uint8Array, FetchFailure>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return err({ kind: "too-long", text: `${url} is longer than ${maxBytes} bytes` });
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return ok(bytes);
}
