import { readFileSync } from "node:fs";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { ElectrumServer } from "@fulmen/testkit/electrum";
import { type WebSocket, WebSocketServer } from "ws";

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../../fixtures/electrum/${name}`, import.meta.url), "utf8");

/** SHA-256 of the fixture's certificate. */
export const certificateSha256 = "8f6cb673093485293da5b3e29b59cbee2b95780decc888af7e2744d03f783591";

/** One client's connection, whatever carries it. */
export interface ServedConnection {
  send(text: string): void;
  close(): void;
}

/** What a server does; `received` gets pieces as they come. */
export type Serve = (connection: ServedConnection) => {
  received(text: string): void;
  closed(): void;
};

export interface ServeOptions {
  readonly protocol?: "tcp" | "ssl" | "ws";
  /** What is sent instead of a line of the server's; a cut when `undefined`. */
  readonly tamper?: (line: string) => string | readonly string[] | undefined;
  /** 0 lets the system choose. */
  readonly port?: number;
}

/** Something that listens on a real socket of this machine. */
export class Served {
  readonly url: string;
  readonly port: number;
  readonly #server: Server | WebSocketServer;
  readonly #open: ReadonlySet<ServedConnection>;
  readonly #counted: { readonly connections: number };

  private constructor(
    server: Server | WebSocketServer,
    protocol: string,
    open: ReadonlySet<ServedConnection>,
    counted: { readonly connections: number },
  ) {
    this.#server = server;
    this.#open = open;
    this.#counted = counted;
    const address = server.address();
    this.port = address !== null && typeof address === "object" ? address.port : 0;
    this.url = `${protocol}://127.0.0.1:${this.port}`;
  }

  /** Listens. */
  static async listen(serve: Serve, options: ServeOptions = {}): Promise<Served> {
    const { protocol = "tcp", port = 0 } = options;
    const open = new Set<ServedConnection>();
    const counted = { connections: 0 };
    const accept = (connection: ServedConnection): ReturnType<Serve> => {
      counted.connections++;
      open.add(connection);
      const { received, closed } = serve(connection);
      return {
        received,
        closed: () => {
          open.delete(connection);
          closed();
        },
      };
    };
    const server = serverOf(protocol, port, accept);
    await new Promise((resolve) => server.once("listening", resolve));
    return new Served(server, protocol, open, counted);
  }

  /** Since it began to listen. */
  get connections(): number {
    return this.#counted.connections;
  }

  /** Ends all connections. */
  cut(): void {
    for (const connection of [...this.#open]) connection.close();
  }

  /** Ends them and listens no more. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }
}

function serverOf(
  protocol: "tcp" | "ssl" | "ws",
  port: number,
  accept: (connection: ServedConnection) => ReturnType<Serve>,
): Server | WebSocketServer {
  const host = "127.0.0.1";
  switch (protocol) {
    case "tcp":
      return createTcpServer({ noDelay: true }, (socket) => carry(socket, accept)).listen(port, host);
    case "ssl": {
      const certificate = { key: fixture("selfSigned.key"), cert: fixture("selfSigned.crt") };
      const server = createTlsServer({ ...certificate, noDelay: true }, (socket) => carry(socket, accept));
      return server.listen(port, host);
    }
    case "ws": {
      const server = new WebSocketServer({ port, host });
      server.on("connection", (socket: WebSocket) => {
        const client = accept({
          send: (text) => {
            for (const line of text.split("\n")) if (line !== "") socket.send(line);
          },
          close: () => socket.terminate(),
        });
        socket.on("message", (data) => client.received(`${String(data)}\n`));
        socket.on("close", () => client.closed());
      });
      return server;
    }
  }
}

function carry(socket: Socket, accept: (connection: ServedConnection) => ReturnType<Serve>): void {
  const client = accept({ send: (text) => socket.write(text), close: () => socket.destroy() });
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => client.received(text));
  socket.on("error", () => {});
  socket.on("close", () => client.closed());
}

/** Every method that clients of a server called, in their order. */
export type CallLog = { readonly method: string; readonly params: readonly unknown[] }[];

/** A server of the testkit's on a real socket. */
export async function servedElectrum(
  server: ElectrumServer,
  options: ServeOptions & { readonly calls?: CallLog } = {},
): Promise<Served> {
  const { tamper, calls } = options;
  return Served.listen((connection) => {
    const session = server.connect({
      send: (text) => {
        if (tamper === undefined) return connection.send(text);
        for (const line of text.split("\n")) {
          if (line === "") continue;
          const instead = tamper(line);
          if (instead === undefined) return connection.close();
          for (const each of typeof instead === "string" ? [instead] : instead) connection.send(`${each}\n`);
        }
      },
      close: () => connection.close(),
    });
    return {
      received: (text) => {
        for (const line of calls === undefined ? [] : text.split("\n"))
          if (line !== "") calls?.push(JSON.parse(line));
        session.receive(text);
      },
      closed: () => session.disconnected(),
    };
  }, options);
}
