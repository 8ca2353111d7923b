import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What a SOCKS5 server was asked for. */
export interface Socks5Asked {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** `host:port` */
  readonly target: string;
}

/**
 * A small SOCKS5 proxy (RFC 1928) that knows where its names are, on a port of 127.0.0.1: for tests of Tor without Tor.
 */
export class Socks5Server {
  readonly port: number;
  readonly asked: Socks5Asked[] = [];
  readonly #names: Readonly<Record<string, number>>;
  readonly #reply: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** `names`: ports of this machine by `host:port`. `reply` is what it says instead of connecting. */
  static async listen(names: Readonly<Record<string, number>>, reply?: number): Promise<Socks5Server> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Socks5Server(server, names, reply);
  }

  private constructor(server: Server, names: Readonly<Record<string, number>>, reply: number | undefined) {
    const address = server.address();
    this.port = typeof address === "object" ? (address?.port ?? 0) : 0;
    this.#server = server;
    this.#names = names;
    this.#reply = reply;
    server.on("connection", (client) => {
      this.#keep(client);
      void this.#serve(client).catch(() => client.destroy());
    });
  }

  /** Ends all connections, and takes no more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }

  async #serve(client: Socket): Promise<void> {
    const methods = await exactly(client, (await exactly(client, 2))[1] ?? 0);
    const wantsName = methods.includes(2);
    client.write(Uint8Array.of(5, wantsName ? 2 : 0));
    let [username, password]: (string | undefined)[] = [];
    if (wantsName) {
      username = String(await exactly(client, (await exactly(client, 2))[1] ?? 0));
      password = String(await exactly(client, (await exactly(client, 1))[0] ?? 0));
      client.write(Uint8Array.of(1, 0));
    }
    const [, , , type] = await exactly(client, 4);
    const address = await exactly(client, type === 3 ? ((await exactly(client, 1))[0] ?? 0) : 4);
    const name = type === 3 ? String(address) : [...address].join(".");
    const target = `${name}:${(await exactly(client, 2)).readUInt16BE(0)}`;
    this.asked.push({ username, password, target });
    const port = this.#names[target];
    if (this.#reply !== undefined || port === undefined) {
      client.end(Uint8Array.of(5, this.#reply ?? 4, 0, 1, 0, 0, 0, 0, 0, 0));
      return;
    }
    const upstream = connect(port, "127.0.0.1");
    this.#keep(upstream);
    upstream.once("close", () => client.destroy());
    await once(upstream, "connect");
    client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    client.pipe(upstream).pipe(client);
  }
}

async function exactly(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = socket.read(count);
    if (bytes !== null) return bytes;
    await once(socket, "readable");
  }
}
