import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import type { EntropySource } from "@fulmen/lightning/chain";
import { type Logger, withPrintableText } from "@fulmen/lightning/handlers";
import type { ConnectionId, ConnectRefusal, PeerConnections } from "@fulmen/lightning/peer";
import { err, type NodeId, ok, type Result } from "@fulmen/lightning/util";
import { type DialSocket, dialDirectly, dialUntil, type HostAndPort } from "./dial.ts";
import { SocketConnection } from "./socketConnection.ts";

/** Where a node can be reached. */
export interface PeerAddress extends HostAndPort {
  readonly nodeId: NodeId;
}

/** A connection that stands; its handshake has begun. */
export interface Dialled {
  readonly connectionId: ConnectionId;
  /** Resolves once the connection is over, for whatever reason. */
  readonly closed: Promise<void>;
}

/** Why no connection came about. `code` is the system's, such as `ECONNREFUSED`, or that of `connectVia`'s error. */
export type DialFailure =
  | ConnectRefusal
  | { readonly kind: "timed-out" }
  | { readonly kind: "failed"; readonly code: string }
  | { readonly kind: "transport-closed" };

export interface TcpTransportOptions {
  /** The `PeerManager`, or what stands in front of it. */
  readonly peers: PeerConnections;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly entropy?: EntropySource;
  /** Makes outbound connections, such as `socks5`, to reach peers through Tor. Default: TCP. */
  readonly connectVia?: DialSocket;
  /** How long a connection may take to come about, in milliseconds. Default 10 s, and 60 s with `connectVia`. */
  readonly connectTimeout?: number;
  /** How long a peer may take to read our last words and close, in milliseconds. Default 2 s. */
  readonly closeTimeout?: number;
  /**
   * Whether this process may speak to peers now: the lease's `holdsLease`, where several processes could be the node.
   * Asked immediately before bytes are given to the system. What is kept back is sent by a later `flush`, when it may
   * be; a connection that is to be closed is closed without its last words. Default: always.
   */
  readonly mayWrite?: () => boolean;
  /** More inbound connections than these are closed unseen. Default 5,000. */
  readonly maxInboundConnections?: number;
}

/**
 * Carries peers' bytes over TCP. Reads no faster than the peers' handlers allow and takes no more to write than the
 * network has room for, so that its memory does not depend on what peers do.
 *
 * @ldk lightning_net_tokio
 */
export class TcpTransport {
  readonly #peers: PeerConnections;
  readonly #logger: Logger;
  readonly #entropy: EntropySource;
  readonly #connectTimeout: number;
  readonly #closeTimeout: number;
  readonly #maxInboundConnections: number;
  readonly #mayWrite: () => boolean;
  readonly #servers = new Set<Server>();
  readonly #dialling = new Set<AbortController>();
  readonly #dial: DialSocket;
  readonly #connections = new Map<ConnectionId, SocketConnection>();
  /** Connections that `mayWrite` kept from writing. */
  #keptBack = new Set<SocketConnection>();
  #connectionCount = 0;
  #flushIsDue = false;
  #isClosed = false;

  constructor(options: TcpTransportOptions) {
    this.#peers = options.peers;
    this.#logger = withPrintableText(options.logger);
    this.#entropy = options.entropy ?? { randomBytes };
    this.#dial = options.connectVia ?? dialDirectly;
    this.#connectTimeout = options.connectTimeout ?? (options.connectVia === undefined ? 10_000 : 60_000);
    this.#closeTimeout = options.closeTimeout ?? 2_000;
    this.#maxInboundConnections = options.maxInboundConnections ?? 5_000;
    this.#mayWrite = options.mayWrite ?? (() => true);
  }

  /** Takes inbound connections; gives the port that it listens on. Rejects with the system's error. */
  listen({ host, port }: HostAndPort): Promise<{ readonly port: number }> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    server.maxConnections = this.#maxInboundConnections;
    this.#servers.add(server);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#servers.delete(server);
        reject(error);
      };
      server.once("error", fail);
      server.listen({ host, port }, () => {
        server.off("error", fail);
        // As when the process has no file descriptors left: those that stand go on.
        server.on("error", (error) => this.#log("warn", `cannot accept a connection: ${codeOf(error)}`));
        const address = server.address();
        resolve({ port: address !== null && typeof address === "object" ? address.port : port });
      });
    });
  }

  /** Connects to a node. Never rejects. */
  async connect({ nodeId, host, port }: PeerAddress): Promise<Result<Dialled, DialFailure>> {
    if (this.#isClosed) return err({ kind: "transport-closed" });
    const dialling = new AbortController();
    this.#dialling.add(dialling);
    let failure: DialFailure | undefined;
    const timer = setTimeout(() => {
      failure = { kind: "timed-out" };
      dialling.abort();
    }, this.#connectTimeout);
    try {
      const socket = await dialUntil(this.#dial, { host, port }, dialling.signal);
      return this.#dialled(socket, nodeId);
    } catch (error) {
      if (this.#isClosed) return err({ kind: "transport-closed" });
      return err(failure ?? { kind: "failed", code: codeOf(error) });
    } finally {
      clearTimeout(timer);
      this.#dialling.delete(dialling);
    }
  }

  /** Where a connection that stands comes from or leads to; through a proxy, that is the proxy. */
  remoteOf(connectionId: ConnectionId): HostAndPort | undefined {
    return this.#connections.get(connectionId)?.remote;
  }

  /**
   * Carries out what the handlers want, and sends what waits. Happens by itself after bytes have come in; to be
   * called when something else has given rise to messages: a committed batch, a tick, a call of the user's.
   */
  flush(): void {
    this.#peers.processEvents();
    // Again until nothing changes: what is taken to be written may allow reading again.
    for (let changes = this.#peers.takeConnectionChanges(); changes.length > 0; ) {
      for (const { connectionId, readsPaused, closing } of changes) {
        this.#connections.get(connectionId)?.update(readsPaused, closing);
      }
      changes = this.#peers.takeConnectionChanges();
    }
    if (this.#keptBack.size === 0 || !this.#mayWrite()) return;
    const keptBack = this.#keptBack;
    this.#keptBack = new Set();
    for (const connection of keptBack) connection.writeKeptBack();
  }

  /** Stops listening and closes all connections, at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const dialling of this.#dialling) dialling.abort();
    for (const connection of this.#connections.values()) connection.destroy();
    const servers = [...this.#servers];
    this.#servers.clear();
    await Promise.all([
      ...servers.map((server) => new Promise((resolve) => server.close(resolve))),
      ...[...this.#connections.values()].map(({ closed }) => closed),
    ]);
  }

  #accept(socket: Socket): void {
    const connectionId = this.#newId();
    this.#peers.newInboundConnection({ connectionId, ephemeralKey: this.#entropy.randomBytes(32) });
    this.#add(socket, connectionId);
  }

  #dialled(socket: Socket, nodeId: NodeId): Result<Dialled, DialFailure> {
    if (this.#isClosed) {
      socket.destroy();
      return err({ kind: "transport-closed" });
    }
    const connectionId = this.#newId();
    const ephemeralKey = this.#entropy.randomBytes(32);
    const started = this.#peers.newOutboundConnection({ nodeId, connectionId, ephemeralKey });
    if (!started.ok) {
      socket.destroy();
      return started;
    }
    return ok({ connectionId, closed: this.#add(socket, connectionId).closed });
  }

  #add(socket: Socket, connectionId: ConnectionId): SocketConnection {
    const connection: SocketConnection = new SocketConnection(socket, {
      connectionId,
      peers: this.#peers,
      closeTimeout: this.#closeTimeout,
      mayWrite: this.#mayWrite,
      onKeptBack: () => this.#keptBack.add(connection),
      onActivity: () => this.#scheduleFlush(),
      onClosed: () => {
        this.#connections.delete(connectionId);
        this.#keptBack.delete(connection);
      },
      onError: (error) => this.#log("debug", `${connectionId} failed: ${codeOf(error)}`),
    });
    this.#connections.set(connectionId, connection);
    this.#scheduleFlush();
    return connection;
  }

  /** Once for all sockets that have something to say in this turn of the event loop. */
  #scheduleFlush(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.flush();
    });
  }

  #newId(): ConnectionId {
    this.#connectionCount++;
    return `tcp-${this.#connectionCount}`;
  }

  #log(level: "debug" | "warn", text: string): void {
    this.#logger.log({ level, module: "net", text });
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
