import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

interface Line {
  readonly client: Socket;
  readonly server: Socket;
}

/** A network between a store and its database that the test can harm. */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  /** Bytes for the database that are kept while `holds`. */
  #held: { readonly line: Line; readonly bytes: Uint8Array }[] = [];
  /** Whether what comes from the store is kept back. */
  holds = false;
  /** Whether bytes vanish, both ways, and nobody hears of it; new connections too. */
  isDead = false;
  /** Whether the store's ends stay open when the other side has closed. */
  keepsClients = false;
  /**
   * When set, called with what the store sends, before that is passed on, and with what cuts that one line; what it
   * gives is called instead of passing on the answer.
   */
  onRequest: ((bytes: Uint8Array, cut: () => void) => (() => void) | undefined) | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: number): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const proxy = new TcpProxy(server, address.port);
    server.on("connection", (client) => proxy.#connect(client, target));
    return proxy;
  }

  /** Ends the lines to the store; what is held may still reach the database. */
  cutClients(): void {
    for (const { client } of this.#lines) client.destroy();
  }

  /** Lets the database have what was held. */
  release(): void {
    this.holds = false;
    const held = this.#held;
    this.#held = [];
    for (const { line, bytes } of held) line.server.write(bytes);
    for (const { line } of held) if (line.client.destroyed) line.server.end();
  }

  get heldBytes(): number {
    return this.#held.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.#lines) {
      client.destroy();
      server.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
  }

  #connect(client: Socket, target: number): void {
    const server = connect(target, "127.0.0.1");
    const line = { client, server };
    this.#lines.add(line);
    let instead: (() => void) | undefined;
    client.on("data", (bytes) => {
      if (this.isDead) return;
      instead ??= this.onRequest?.(bytes, () => client.destroy());
      if (this.holds) this.#held.push({ line, bytes });
      else if (!client.destroyed) server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (this.isDead) return;
      const action = instead;
      instead = undefined;
      if (action === undefined) client.write(bytes);
      else action();
    });
    client.on("error", () => undefined);
    server.on("error", () => undefined);
    server.on("close", () => {
      if (this.keepsClients) return;
      this.#lines.delete(line);
      client.destroy();
    });
    client.on("close", () => {
      // What is held for the database is to reach it although the store is gone.
      const isHeld = this.#held.some((one) => one.line === line);
      if (!isHeld && !this.isDead) server.end();
    });
  }
}
