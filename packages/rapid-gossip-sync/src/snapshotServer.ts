import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { type ArchivedSnapshot, SnapshotArchive, type SnapshotArchiveOptions } from "./snapshotArchive.ts";

export interface RapidGossipSyncServerOptions extends Omit<SnapshotArchiveOptions, "now"> {
  /** Default: the machine's clock. */
  readonly clock?: () => UnixSeconds;
  /** Called whenever the graph was looked at anew: the moment to store `server.history`. */
  readonly onRefresh?: () => void;
  /** Told what went wrong with a request, which was answered with 500. */
  readonly onError?: (error: unknown) => void;
}

/** Connections at a time; more of them wait or are refused by the system. */
const maxConnections = 1000;
/** Milliseconds in which a request must have come. */
const requestTimeout = 10_000;
/** Milliseconds in which a client must take something of what it is sent. */
const idleTimeout = 30_000;

/**
 * Serves snapshots of a graph under the addresses that LDK's server has: `/snapshot/TIMESTAMP` in version 1 of the
 * format and `/v2/snapshot/TIMESTAMP` in version 2, with or without `.bin`; 0 is for who knows nothing yet. The graph
 * may be a running node's: it is read once in an interval.
 */
export class RapidGossipSyncServer {
  readonly #archive: SnapshotArchive;
  readonly #clock: () => UnixSeconds;
  readonly #onRefresh: () => void;
  readonly #onError: (error: unknown) => void;
  readonly #server: Server;

  constructor(options: RapidGossipSyncServerOptions) {
    const { clock = machineClock, onRefresh = nothing, onError = nothing, ...archive } = options;
    this.#clock = clock;
    this.#onRefresh = onRefresh;
    this.#onError = onError;
    this.#archive = new SnapshotArchive({ ...archive, now: clock() });
    this.#server = createServer({ requestTimeout, headersTimeout: requestTimeout }, this.handle);
    this.#server.maxConnections = maxConnections;
    this.#server.setTimeout(idleTimeout);
  }

  /** What is to be stored, so that the server goes on with it when it starts again. */
  get history(): SnapshotArchive["history"] {
    return this.#archive.history;
  }

  /** Waits for requests; `port` 0 takes any that is free. Gives the port. */
  async listen({ port, host = "127.0.0.1" }: { port: number; host?: string }): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more requests, and ends the connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Answers one request: for those who have an HTTP server of their own. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    this.#answer(request, response).catch((error: unknown) => {
      this.#onError(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "something went wrong here");
    });
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      refuse(response, 405, "snapshots can only be read");
      return;
    }
    const found = snapshotPath.exec(request.url ?? "");
    const since = Number(found?.[2]);
    if (found === null || since > 0xffff_ffff) {
      refuse(response, 404, "there are /snapshot/TIMESTAMP and /v2/snapshot/TIMESTAMP");
      return;
    }
    const now = this.#clock();
    if (this.#archive.refresh(now)) this.#onRefresh();
    const snapshot = this.#archive.snapshot(found[1] === undefined ? 1 : 2, since);
    await send(request, response, { snapshot, maxAge: Math.max(0, snapshot.freshUntil - now) });
  }
}

const snapshotPath = /^(\/v2)?\/snapshot\/(\d{1,10})(?:\.bin)?\/?(?:\?.*)?$/;

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { snapshot, maxAge }: { readonly snapshot: ArchivedSnapshot; readonly maxAge: number },
): Promise<void> {
  const isCompressed = takesGzip(request.headers["accept-encoding"]);
  // The two forms of a snapshot are two things to a cache.
  const etag = `"${snapshot.etag}${isCompressed ? "-gzip" : ""}"`;
  response.setHeader("etag", etag);
  response.setHeader("cache-control", `public, max-age=${maxAge}`);
  response.setHeader("vary", "accept-encoding");
  response.setHeader("access-control-allow-origin", "*");
  if (names(request.headers["if-none-match"], etag)) {
    response.writeHead(304).end();
    return;
  }
  const body = isCompressed ? await snapshot.compressed() : snapshot.bytes;
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("content-length", body.length);
  response.setHeader("last-modified", new Date(snapshot.latestSeen * 1000).toUTCString());
  if (isCompressed) response.setHeader("content-encoding", "gzip");
  response.writeHead(200).end(request.method === "HEAD" ? undefined : body);
}

/** Whether an `accept-encoding` field names gzip, and not with a weight of 0 (RFC 9110, 12.5.3). */
function takesGzip(field: string | string[] | undefined): boolean {
  return [field ?? ""]
    .flat()
    .join(",")
    .toLowerCase()
    .split(",")
    .some((one) => /^\s*(gzip|x-gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(one));
}

function names(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

function machineClock(): UnixSeconds {
  return Math.floor(Date.now() / 1000) as UnixSeconds;
}

function nothing(): void {}
