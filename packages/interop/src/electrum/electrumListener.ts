import { createServer, type Server, type Socket } from "node:net";
import { ElectrumServer, type ElectrumServerOptions, type TestChain } from "@fulmen/testkit";

/** How often the chain is looked at for news, in milliseconds. */
const lookEvery = 20;
/** Bytes of answers and notifications that may wait for a client; one that does not read them is given up. */
const maxWaiting = 16_000_000;

/** An `ElectrumServer` for clients that connect by TCP, without TLS, on this machine. */
export class ElectrumListener {
  readonly port: number;
  readonly #listener: Server;
  readonly #sockets: Set<Socket>;
  readonly #timer: NodeJS.Timeout;

  /** Listens on a free port. */
  static async start(chain: TestChain, options: ElectrumServerOptions = {}): Promise<ElectrumListener> {
    const server = new ElectrumServer(chain, options);
    const sockets = new Set<Socket>();
    const listener = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      serve(server, socket);
    });
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    return new ElectrumListener({ listener, sockets, server, port: address.port });
  }

  private constructor(parts: {
    readonly listener: Server;
    readonly sockets: Set<Socket>;
    readonly server: ElectrumServer;
    readonly port: number;
  }) {
    this.port = parts.port;
    this.#listener = parts.listener;
    this.#sockets = parts.sockets;
    this.#timer = setInterval(() => parts.server.update(), lookEvery);
  }

  /** Closes all connections and listens no more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.disconnectAll();
    await closed;
  }

  /** Closes the connections that stand, as a server that is started again does. */
  disconnectAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function serve(server: ElectrumServer, socket: Socket): void {
  const session = server.connect({
    send: (text) => {
      socket.write(text);
      if (socket.writableLength > maxWaiting) socket.destroy();
    },
    close: () => socket.end(),
  });
  let unread = "";
  // A line at a time: who does not read the answers may not ask for more.
  const answer = (): void => {
    while (unread !== "" && !socket.writableNeedDrain) {
      const end = unread.indexOf("\n") + 1 || unread.length;
      const line = unread.slice(0, end);
      unread = unread.slice(end);
      session.receive(line);
    }
    if (socket.writableNeedDrain) socket.pause();
    else socket.resume();
  };
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    unread += text;
    answer();
  });
  socket.on("drain", answer);
  socket.on("close", () => session.disconnected());
  // A client that is killed resets its connection, which concerns nobody else.
  socket.on("error", () => socket.destroy());
}
