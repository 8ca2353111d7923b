import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import {
  Option_SocketAddressZ,
  type PeerManager,
  Result_boolPeerHandleErrorZ_OK,
  Result_CVec_u8ZPeerHandleErrorZ_OK,
  Result_NonePeerHandleErrorZ_OK,
  SocketDescriptor,
} from "lightningdevkit";
import { okOf } from "./ldkValues.ts";

/** What sockets need of LDK's `PeerManager`. */
export type SocketPeerManager = Pick<
  PeerManager,
  | "new_inbound_connection"
  | "new_outbound_connection"
  | "read_event"
  | "write_buffer_space_avail"
  | "socket_disconnected"
>;

/** What the sockets tell their node. */
export interface SocketHooks {
  /** Bytes moved, or a connection came or went: LDK may have something to do. */
  readonly wake: () => void;
  /** A connection is over; `by` says whether LDK wanted it so. */
  readonly closed: (by: "ldk" | "remote", remote: string) => void;
}

/**
 * TCP for one `PeerManager`. Back-pressure goes both ways: after a `write` that Node buffers, LDK's writes are
 * answered with 0 until `drain`, when LDK is told that there is room again; and a socket is not read while LDK asks
 * for a pause.
 */
export class LdkSockets {
  readonly #manager: SocketPeerManager;
  readonly #hooks: SocketHooks;
  readonly #servers: Server[] = [];
  /** The bindings hold callbacks weakly: an open socket's descriptor must stay reachable from here. */
  readonly #open = new Map<Socket, SocketDescriptor>();
  #nextId = 1n;

  constructor(manager: SocketPeerManager, hooks: SocketHooks) {
    this.#manager = manager;
    this.#hooks = hooks;
  }

  /** Accepts connections on 127.0.0.1; `port` 0 takes any. Resolves to the port. */
  listen(port: number): Promise<number> {
    const server = createServer((socket) => this.#accept(socket));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        if (address === null || typeof address === "string") reject(new Error("not a TCP address"));
        else resolve(address.port);
      });
    });
  }

  /** Resolves when TCP is up and the first act of the handshake is on its way. */
  connect(host: string, port: number, nodeId: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = netConnect({ host, port });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        const descriptor = this.#attach(socket);
        const started = this.#manager.new_outbound_connection(
          nodeId,
          descriptor,
          Option_SocketAddressZ.constructor_none(),
        );
        try {
          socket.write(okOf(started, Result_CVec_u8ZPeerHandleErrorZ_OK, "new_outbound_connection"));
          resolve();
        } catch (error) {
          socket.destroy();
          reject(error);
        }
      });
    });
  }

  /** Closes all listeners and connections. */
  stop(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #accept(socket: Socket): void {
    const descriptor = this.#attach(socket);
    const started = this.#manager.new_inbound_connection(
      descriptor,
      Option_SocketAddressZ.constructor_none(),
    );
    if (!(started instanceof Result_NonePeerHandleErrorZ_OK)) socket.destroy();
  }

  #attach(socket: Socket): SocketDescriptor {
    const id = this.#nextId++;
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    let full = false;
    let over = false;
    const endedByLdk = (): void => {
      if (over) return;
      over = true;
      // Flush a last error message, but do not wait for ever for a peer that never closes its half.
      socket.end();
      setTimeout(() => socket.destroy(), 500).unref();
      this.#hooks.closed("ldk", remote);
    };
    const descriptor = SocketDescriptor.new_impl({
      send_data: (data, resumeRead) => {
        if (over) return 0;
        if (resumeRead) socket.resume();
        if (full) return 0;
        full = !socket.write(data);
        return data.length;
      },
      disconnect_socket: endedByLdk,
      eq: (other) => other.hash() === id,
      hash: () => id,
    });
    this.#open.set(socket, descriptor);
    socket.setNoDelay(true);
    socket.on("drain", () => {
      full = false;
      if (over) return;
      const answer = this.#manager.write_buffer_space_avail(descriptor);
      if (!(answer instanceof Result_NonePeerHandleErrorZ_OK)) endedByLdk();
      this.#hooks.wake();
    });
    socket.on("data", (data) => {
      if (over) return;
      const answer = this.#manager.read_event(descriptor, data);
      if (!(answer instanceof Result_boolPeerHandleErrorZ_OK)) endedByLdk();
      else if (answer.res) socket.pause();
      this.#hooks.wake();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#open.delete(socket);
      if (over) return;
      over = true;
      this.#manager.socket_disconnected(descriptor);
      this.#hooks.closed("remote", remote);
      this.#hooks.wake();
    });
    return descriptor;
  }
}
