import { connect, createServer, type Server, type Socket } from "node:net";

/** A connection, from who made it (`near`) to who listens (`far`). */
interface Line {
  readonly near: Socket;
  readonly far: Socket;
  /** Pieces that went through it, either way. */
  pieces: number;
}

/** What becomes of each piece that is to go through a line: it passes unless something else is done to the line. */
export type Weather = (line: RoughLine) => void;

/** A line that something can happen to. */
export interface RoughLine {
  readonly pieces: number;
  /** Both ends are told. */
  reset(): void;
  /** Neither end is told, and nothing passes any more; for good, or for so many milliseconds. */
  stall(milliseconds?: number): void;
  /** Only one end is told; the other one is left with a connection to nobody. */
  halve(lost: "near" | "far"): void;
}

/** A TCP proxy that does what networks do. */
export class RoughNetwork {
  /** Fine at first. */
  weather: Weather = () => undefined;
  /** Times that something happened. */
  mishaps = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Leads to the port of 127.0.0.1. */
  static async listen(target: number): Promise<RoughNetwork> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const network = new RoughNetwork(server, address.port);
    server.on("connection", (near) => network.#join(near, connect(target, "127.0.0.1")));
    return network;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    const line: Line = { near, far, pieces: 0 };
    const rough = this.#roughLine(line);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (bytes) => {
        line.pieces++;
        this.weather(rough);
        if (!to.destroyed && !from.destroyed) to.write(bytes);
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        if (!rough.isSilent) to.destroy();
      });
    }
  }

  #roughLine(line: Line): RoughLine & { readonly isSilent: boolean } {
    const { near, far } = line;
    let isSilent = false;
    const happened = (): void => {
      this.mishaps++;
    };
    return {
      get pieces() {
        return line.pieces;
      },
      get isSilent() {
        return isSilent;
      },
      reset() {
        happened();
        near.resetAndDestroy();
        far.resetAndDestroy();
      },
      stall(milliseconds) {
        if (near.isPaused()) return;
        happened();
        for (const socket of [near, far]) socket.pause();
        if (milliseconds === undefined) return;
        setTimeout(() => {
          for (const socket of [near, far]) socket.resume();
        }, milliseconds);
      },
      halve(lost) {
        happened();
        isSilent = true;
        (lost === "near" ? near : far).resetAndDestroy();
      },
    };
  }
}
