import type { Socket } from "node:net";
import type { ConnectionId, PeerConnections } from "@fulmen/lightning/peer";
import type { HostAndPort } from "./dial.ts";

interface SocketConnectionOptions {
  readonly connectionId: ConnectionId;
  readonly peers: PeerConnections;
  readonly closeTimeout: number;
  /** Asked immediately before bytes are given to the system. */
  readonly mayWrite: () => boolean;
  /** Bytes may wait that `mayWrite` kept back: `writeKeptBack` is to be called later. */
  readonly onKeptBack: () => void;
  /** Bytes have come in or left, or the connection is over: states may have changed, here and elsewhere. */
  readonly onActivity: () => void;
  readonly onClosed: () => void;
  /** The network has failed; the connection is about to be over. */
  readonly onError: (error: Error) => void;
}

/** One socket and its end of the `PeerConnections` border, until both are done with each other. */
export class SocketConnection {
  readonly closed: Promise<void>;
  /** The other end, where the system tells. */
  readonly remote: HostAndPort | undefined;
  readonly #socket: Socket;
  readonly #id: ConnectionId;
  readonly #peers: PeerConnections;
  readonly #closeTimeout: number;
  readonly #mayWrite: () => boolean;
  readonly #onKeptBack: () => void;
  #closeTimer: NodeJS.Timeout | undefined;
  #hasRoom = true;
  #isClosing = false;

  constructor(socket: Socket, options: SocketConnectionOptions) {
    const { connectionId, peers, closeTimeout, onActivity, onClosed, onError } = options;
    this.#socket = socket;
    const { remoteAddress: host, remotePort: port } = socket;
    if (host !== undefined && port !== undefined) this.remote = { host: host.replace(/^::ffff:/, ""), port };
    this.#id = connectionId;
    this.#peers = peers;
    this.#closeTimeout = closeTimeout;
    this.#mayWrite = options.mayWrite;
    this.#onKeptBack = options.onKeptBack;
    socket.on("data", (bytes: Uint8Array) => {
      if (this.#isClosing) return;
      // At once: Node would read up to 2 MB more before it comes back to the event loop.
      if (peers.readBytes(connectionId, bytes) === "pause") socket.pause();
      onActivity();
    });
    socket.on("drain", () => {
      this.#hasRoom = true;
      this.#write();
      // What has left may have been what held up reading.
      onActivity();
    });
    // The other side has said its last. Ours ends by itself when it has been written, but not for ever.
    socket.on("end", () => this.#limitClosing());
    // "close" follows.
    socket.on("error", onError);
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        clearTimeout(this.#closeTimer);
        peers.connectionLost(connectionId);
        onClosed();
        onActivity();
        resolve();
      });
    });
  }

  /** The connection's state has changed, or bytes wait for it. */
  update(readsPaused: boolean, closing: boolean): void {
    this.#isClosing ||= closing;
    // While closing, what comes is read and dropped: closing upon unread bytes would reset the connection, and our
    // last words with it.
    if (readsPaused && !this.#isClosing) this.#socket.pause();
    else this.#socket.resume();
    this.#write();
  }

  /** Writes what `mayWrite` kept back, when it allows it now. */
  writeKeptBack(): void {
    this.#write();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(): void {
    const socket = this.#socket;
    if (!socket.writable) return;
    while (this.#hasRoom) {
      if (!this.#mayWrite()) {
        // Last words that may not be said are not waited for.
        if (this.#isClosing) socket.destroy();
        else this.#onKeptBack();
        return;
      }
      const bytes = this.#peers.takeOutgoing(this.#id);
      if (bytes.length === 0) break;
      this.#hasRoom = socket.write(bytes);
    }
    if (!this.#isClosing) return;
    this.#limitClosing();
    if (!this.#hasRoom) return;
    // Nobody waits for the end of what has not begun.
    if (socket.bytesWritten === 0) socket.destroy();
    else socket.end();
  }

  #limitClosing(): void {
    this.#closeTimer ??= setTimeout(() => this.#socket.destroy(), this.#closeTimeout);
  }
}
