import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes connections on to a port of this machine, until it is cut: then it ends them and refuses new ones. */
export class CuttableProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  static async start(target: number): Promise<CuttableProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      const other = connect(target, "127.0.0.1");
      for (const [one, two] of [
        [socket, other],
        [other, socket],
      ] as const) {
        sockets.add(one);
        one
          .on("error", () => two.destroy())
          .once("close", () => {
            sockets.delete(one);
            two.destroy();
          });
        one.pipe(two);
      }
    });
    await listening(server, 0);
    const address = server.address();
    return new CuttableProxy(server, sockets, typeof address === "object" ? (address?.port ?? 0) : 0);
  }

  private constructor(server: Server, sockets: Set<Socket>, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = port;
  }

  async cut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  resume(): Promise<void> {
    return listening(this.#server, this.port);
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}
