import { createConnection, createServer, type Server, type Socket } from "node:net";
import { deserialize, serialize } from "node:v8";
import { Caller, type Frame, type Methods, serve } from "./call.ts";

/** Frames over a socket: each a structured clone behind its length, four bytes, big-endian. */
class FrameSocket {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  constructor(socket: Socket, onFrame: (frame: Frame) => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      for (let frame = this.#next(); frame !== undefined; frame = this.#next()) onFrame(frame);
    });
  }

  readonly send = (frame: Frame): void => {
    if (this.#socket.destroyed) return;
    const body = serialize(frame);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    this.#socket.write(Buffer.concat([head, body]));
  };

  #next(): Frame | undefined {
    if (this.#received.length < 4) return undefined;
    const end = 4 + this.#received.readUInt32BE();
    if (this.#received.length < end) return undefined;
    const frame = deserialize(this.#received.subarray(4, end)) as Frame;
    this.#received = this.#received.subarray(end);
    return frame;
  }
}

/** Offers a service to other processes of this machine, at a free port. */
export async function listen<S extends Methods<S>>(
  service: S,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    const line = new FrameSocket(socket, (frame) => answer(frame));
    const answer = serve(service, line.send);
    // A caller that is killed resets its connection, which concerns nobody else.
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the service has no port");
  return { server, port: address.port };
}

/** A service of another process at `port` of this machine. */
export function connect<S extends Methods<S>>(port: number): Caller<S> {
  const socket = createConnection({ host: "127.0.0.1", port });
  const line = new FrameSocket(socket, (frame) => caller.receive(frame));
  const caller = new Caller<S>(line.send);
  socket.on("error", (error) => caller.ended(error));
  socket.on("close", () => caller.ended(new Error(`the connection to port ${port} is closed`)));
  return caller;
}
