import { ChainSourceError } from "../chainSourceError.ts";
import { tooLong } from "./lineReader.ts";
import type { LineStreamRequest, OpenLineStream } from "./lineStream.ts";

/** What is needed of a WebSocket; browsers, Node 22 and `ws` have it. */
export interface WebSocketLike {
  addEventListener(
    type: "open" | "message" | "error" | "close",
    listener: (event: { readonly data?: unknown }) => void,
  ): void;
  send(text: string): void;
  close(): void;
}

/** The class of the global `WebSocket`. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/**
 * Connections over WebSockets: each message is a line, and with some servers has a line's end. The platform's
 * WebSocket puts a message together before anybody sees how long it is.
 */
export function webSockets(given: WebSocketConstructor | undefined): OpenLineStream {
  return (request) => {
    const Socket = given ?? platformWebSocket();
    if (Socket !== undefined) return opened(new Socket(request.address.url), request);
    const error = new ChainSourceError(
      "unsupported",
      `${request.address.name} cannot be reached from here: there is no WebSocket`,
      "give `webSocket`, the class of the npm package ws, or use ssl:",
    );
    return Promise.reject(error);
  };
}

function platformWebSocket(): WebSocketConstructor | undefined {
  return "WebSocket" in globalThis ? globalThis.WebSocket : undefined;
}

function opened(socket: WebSocketLike, request: LineStreamRequest): ReturnType<OpenLineStream> {
  const { address, listener, maxLineLength, signal } = request;
  return new Promise((resolve, reject) => {
    let isOver = false;
    let fail = (error: ChainSourceError): void => reject(error);
    const end = (): void => {
      isOver = true;
      signal.removeEventListener("abort", abort);
      socket.close();
    };
    const lose = (error: ChainSourceError): void => {
      if (isOver) return;
      end();
      fail(error);
    };
    const gone = (what: string) => (): void =>
      lose(
        new ChainSourceError(
          "unreachable",
          `no connection to ${address.name}: ${what}`,
          "check the address and the network, or add a second server",
        ),
      );
    const abort = gone("nobody answers in time");
    signal.addEventListener("abort", abort);
    socket.addEventListener("error", gone("the WebSocket failed"));
    socket.addEventListener("close", gone("the WebSocket was closed"));
    socket.addEventListener("message", ({ data }) => {
      if (isOver) return;
      listener.heard();
      if (typeof data !== "string") return lose(notText());
      if (data.length > maxLineLength) return lose(tooLong(maxLineLength));
      for (const line of data.split("\n")) if (line !== "" && !isOver) listener.line(line);
    });
    socket.addEventListener("open", () => {
      if (isOver) return;
      signal.removeEventListener("abort", abort);
      fail = (error) => listener.lost(error);
      resolve({
        send: (lines) => {
          if (!isOver) for (const line of lines) socket.send(line);
        },
        close: end,
      });
    });
    if (signal.aborted) abort();
  });
}

function notText(): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    "the server sends bytes that are no text",
    "check that the address is that of an Electrum server's WebSocket",
  );
}
