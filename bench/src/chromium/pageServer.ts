import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A page and what it needs. */
export interface Page {
  /** A JavaScript module: the page's program. What it has to tell in the end it posts to `/result`. */
  readonly program: string;
  /** What the program can ask for, by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** What a page stores is for one port only; any, unless told. */
  readonly port?: number;
}

// The icon keeps a browser from asking for one.
const html = `<!doctype html>
<html lang="en">
  <meta charset="utf-8"><title>Fulmen</title><link rel="icon" href="data:,">
  <script type="module" src="/program.js"></script>
</html>
`;

/** Serves a page at a port of 127.0.0.1. */
export class PageServer {
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #bodies: ReadonlyMap<string, string | Uint8Array>;
  readonly #results = new EventEmitter<{ result: [string] }>();

  static async start(page: Page): Promise<PageServer> {
    const server = new PageServer(page);
    server.#server.listen(page.port ?? 0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  private constructor({ program, files = {} }: Page) {
    this.#bodies = new Map([...Object.entries(files), ["/", html], ["/program.js", program]]);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Resolves with what the page posts next. */
  async result(): Promise<string> {
    const [result] = await once(this.#results, "result");
    return result;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    if (request.method === "POST" && path === "/result") {
      // A post that breaks off is none.
      text(request).then(
        (result) => {
          response.writeHead(204).end();
          this.#results.emit("result", result);
        },
        () => response.destroy(),
      );
      return;
    }
    const body = this.#bodies.get(path);
    const type = path === "/" ? "text/html" : "text/javascript";
    response.writeHead(body === undefined ? 404 : 200, { "content-type": type }).end(body);
  }
}
