import type { ChainSourceError } from "../chainSourceError.ts";
import type { ServerAddress } from "./serverAddress.ts";

/** A connection that carries lines of text. */
export interface LineStream {
  /** Sends lines, given without their ends. Does nothing once the stream is over. */
  send(lines: readonly string[]): void;
  /** Ends it at once; the listener hears nothing any more. */
  close(): void;
}

/** Who hears what comes over a connection. */
export interface LineListener {
  /** Something came, if only a part of a line. */
  heard(): void;
  /** A whole line, without its end. */
  line(text: string): void;
  /** The connection is over, and not because we closed it; called once, and nothing else after it. */
  lost(error: ChainSourceError): void;
}

/** What a connection is made with. */
export interface LineStreamRequest {
  readonly address: ServerAddress;
  readonly listener: LineListener;
  /** Bytes of a line; a longer one ends the connection. */
  readonly maxLineLength: number;
  /** Nobody waits for the connection any more. */
  readonly signal: AbortSignal;
}

/** Makes a connection; rejects with a `ChainSourceError`. */
export type OpenLineStream = (request: LineStreamRequest) => Promise<LineStream>;
