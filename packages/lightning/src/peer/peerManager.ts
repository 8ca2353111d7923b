import { crypto } from "@fulmen/bitcoin/crypto";
import type { NodeSigner } from "../chain/index.ts";
import { Writer } from "../codec/index.ts";
import {
  type BaseMessageHandler,
  type ErrorAction,
  type GossipMessage,
  type Logger,
  type LogRecord,
  type MessageSendEvent,
  withPrintableText,
} from "../handlers/index.ts";
import { NoiseConnection } from "../noise/index.ts";
import { concatBytes, fromHex, noBytes, type Point } from "../util/bytes.ts";
import type { BlockHash, NodeId } from "../util/ids.ts";
import { invariant, present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type DecodedMessage, encodeMessage, Features, type Init, writeMessage } from "../wire/index.ts";
import { Connection } from "./connection.ts";
import { dispatchMessage, type MessageHandlers } from "./dispatch.ts";
import { initRefusal, ourInit } from "./initExchange.ts";
import { keepAlive } from "./keepAlive.ts";
import { defaultPeerLimits, type PeerLimits } from "./limits.ts";
import { lengthOf } from "./outgoingQueue.ts";
import type {
  ConnectionChange,
  ConnectionId,
  ConnectRefusal,
  InboundConnection,
  OutboundConnection,
  PeerConnections,
} from "./peerConnections.ts";
import { logLineOf, type Received, receiveMessage, warningOf } from "./receive.ts";

export interface PeerManagerOptions {
  readonly nodeSigner: NodeSigner;
  readonly handlers: MessageHandlers;
  /** The chain whose peers we want, by its genesis block. */
  readonly chainHash: BlockHash;
  readonly logger: Logger;
  /** What differs from `defaultPeerLimits`. */
  readonly limits?: Partial<PeerLimits>;
}

/** A peer with whom `init` has been exchanged. @ldk lightning::ln::peer_handler::PeerDetails */
export interface PeerDetails {
  readonly nodeId: NodeId;
  readonly connectionId: ConnectionId;
  readonly inbound: boolean;
  readonly epoch: number;
  readonly init: Init;
}

const bytesPerTake = 64 * 1024;
/** A `num_pong_bytes` from which on no pong is wanted (BOLT 1, "The ping and pong Messages"). */
const noPongFrom = 65532;
/** Nobody needs as many pongs at once; each may be 64 KB. */
const maxPongsQueued = 12;

/**
 * All connections to other nodes: handshake, `init`, pings, queues and limits (BOLT 1 and 8). Has no sockets and no
 * timers: a transport drives it through `PeerConnections`, and the host calls `tick` every ten seconds. Messages go
 * to the handlers as they are read; what handlers want in turn is carried out by `processEvents`.
 *
 * A node has one connection at a time. A newer one takes the place of an older one, which may be dead without our
 * knowing; but when both sides connect to each other at once, both keep the one that the smaller node id opened.
 *
 * @ldk lightning::ln::peer_handler::PeerManager
 */
export class PeerManager implements PeerConnections {
  readonly #signer: NodeSigner;
  readonly #handlers: MessageHandlers;
  readonly #allHandlers: readonly BaseMessageHandler[];
  readonly #chainHash: BlockHash;
  readonly #logger: Logger;
  readonly #limits: PeerLimits;
  readonly #connections = new Map<ConnectionId, Connection>();
  /** The open ones. */
  readonly #peers = new Map<NodeId, Connection>();
  /** Inbound and not open yet, oldest first. */
  readonly #inboundHandshakes = new Set<Connection>();
  readonly #changed = new Set<Connection>();
  readonly #paused = new Set<Connection>();
  /** For the messages to peers; few are longer. */
  readonly #writer = new Writer(2048);
  #lastEpoch = 0;

  constructor({ nodeSigner, handlers, chainHash, logger, limits }: PeerManagerOptions) {
    this.#signer = nodeSigner;
    this.#handlers = handlers;
    const { channel, routing, onion, custom } = handlers;
    this.#allHandlers = [channel, routing, onion, custom].filter((handler) => handler !== undefined);
    this.#chainHash = chainHash;
    this.#logger = withPrintableText(logger);
    this.#limits = { ...defaultPeerLimits, ...limits };
  }

  newOutboundConnection(outbound: OutboundConnection): Result<undefined, ConnectRefusal> {
    const { nodeId, connectionId, ephemeralKey } = outbound;
    if (nodeId === this.#signer.nodeId) return err({ kind: "own-node-id" });
    const point = pointOf(nodeId);
    if (point === undefined) return err({ kind: "not-a-node-id" });
    const { connection: noise, actOne } = NoiseConnection.outbound(this.#signer, point, ephemeralKey);
    const connection = new Connection(connectionId, false, noise);
    connection.queue.pushAct(actOne);
    this.#add(connection);
    return ok(undefined);
  }

  newInboundConnection({ connectionId, ephemeralKey }: InboundConnection): void {
    const noise = NoiseConnection.inbound(this.#signer, ephemeralKey);
    const connection = new Connection(connectionId, true, noise);
    this.#add(connection);
    this.#inboundHandshakes.add(connection);
    if (this.#inboundHandshakes.size <= this.#limits.maxInboundHandshakes) return;
    const [oldest] = this.#inboundHandshakes;
    this.#cut(present(oldest, "oldest handshake"), "too many handshakes at once");
  }

  /** @ldk lightning::ln::peer_handler::PeerManager::read_event */
  readBytes(connectionId: ConnectionId, bytes: Uint8Array): "continue" | "pause" {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined || connection.isClosing) return "continue";
    connection.progressed = true;
    const { noise, queue } = connection;
    const { reply, messages, error } = noise.receive(bytes);
    if (reply !== undefined) queue.pushAct(reply);
    if (connection.phase.kind === "handshake" && noise.remote !== undefined) {
      this.#handshakeDone(connection, noise.remote);
    }
    for (const message of messages) {
      if (connection.isClosing) break;
      this.#take(connection, receiveMessage(connection.phase, message));
    }
    if (error !== undefined)
      this.#cut(connection, `bytes are not the peer's: ${error.stage}, ${error.reason}`);
    this.#changed.add(connection);
    this.#updateReading(connection);
    return connection.readsPaused ? "pause" : "continue";
  }

  /** @ldk lightning::ln::peer_handler::PeerManager::write_buffer_space_avail */
  takeOutgoing(connectionId: ConnectionId): Uint8Array {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return noBytes;
    const { queue, noise, phase } = connection;
    const acts = queue.takeActs();
    const messages = queue.takeMessages(bytesPerTake);
    const { routing } = this.#handlers;
    if (phase.kind === "open" && routing !== undefined && queue.bytes === 0) {
      const room = bytesPerTake - lengthOf(messages);
      if (room > 0) messages.push(...routing.takeGossipBacklog(phase.nodeId, room));
    }
    if (queue.messageCount === 0) connection.pongsQueued = 0;
    this.#updateReading(connection);
    if (acts.length === 0 && messages.length === 0) return noBytes;
    connection.progressed = true;
    const encrypted = messages.length === 0 ? noBytes : noise.encryptAll(messages);
    return acts.length === 0 ? encrypted : concatBytes(...acts, encrypted);
  }

  /** @ldk lightning::ln::peer_handler::PeerManager::socket_disconnected */
  connectionLost(connectionId: ConnectionId): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    this.#cut(connection, "connection lost");
    this.#connections.delete(connectionId);
    this.#changed.delete(connection);
  }

  takeConnectionChanges(): readonly ConnectionChange[] {
    const changes: ConnectionChange[] = [];
    for (const { id, readsPaused, isClosing } of this.#changed) {
      changes.push({ connectionId: id, readsPaused, closing: isClosing });
    }
    this.#changed.clear();
    return changes;
  }

  /** @ldk lightning::ln::peer_handler::PeerManager::process_events */
  processEvents(): void {
    const { routing } = this.#handlers;
    for (const handler of this.#allHandlers) {
      for (const event of handler.takeMessageSendEvents()) {
        const isOurs = event.kind === "broadcast" && event.except === undefined;
        if (isOurs && routing !== undefined && handler !== routing) routing.handleOwnMessage(event.message);
        else this.#carryOut(event);
      }
    }
    for (const connection of this.#paused) this.#updateReading(connection);
  }

  /**
   * To be called every ten seconds: sends pings, and closes connections whose handshake takes longer than that, whose
   * peers do not answer, or do not read.
   *
   * @ldk lightning::ln::peer_handler::PeerManager::timer_tick_occurred
   */
  tick(): void {
    for (const connection of this.#connections.values()) {
      const verdict = keepAlive(connection, this.#isHeldByHandlers(connection));
      if (verdict.kind === "close") this.#cut(connection, verdict.reason);
      else if (verdict.kind === "ping") {
        this.#send(connection, { type: "ping", numPongBytes: 0, ignored: noBytes });
      }
    }
  }

  /**
   * Ends the connection to a node once what is queued for it has left. Without one, nothing happens.
   *
   * @ldk lightning::ln::peer_handler::PeerManager::disconnect_by_node_id
   */
  disconnect(nodeId: NodeId): void {
    const connection = this.#peers.get(nodeId);
    if (connection !== undefined) this.#close(connection, "disconnected by us");
  }

  /** Ends all connections, also those that are not through with the handshake. */
  disconnectAll(): void {
    for (const connection of this.#connections.values()) this.#close(connection, "disconnected by us");
  }

  listPeers(): readonly PeerDetails[] {
    return [...this.#peers.keys()].map((nodeId) => present(this.peer(nodeId), "listed peer"));
  }

  /** The peer, if there is an open connection to it. @ldk lightning::ln::peer_handler::PeerManager::peer_by_node_id */
  peer(nodeId: NodeId): PeerDetails | undefined {
    const connection = this.#peers.get(nodeId);
    if (connection?.phase.kind !== "open") return undefined;
    const { epoch, init } = connection.phase;
    return { nodeId, connectionId: connection.id, inbound: connection.inbound, epoch, init };
  }

  #add(connection: Connection): void {
    invariant(!this.#connections.has(connection.id), `second connection with id ${connection.id}`);
    this.#connections.set(connection.id, connection);
    this.#changed.add(connection);
  }

  #handshakeDone(connection: Connection, nodeId: NodeId): void {
    if (nodeId === this.#signer.nodeId) {
      this.#cut(connection, "connected to ourselves");
      return;
    }
    let ours = Features.none;
    for (const handler of this.#allHandlers) {
      ours = ours.union(Features.fromBytes(handler.providedInitFeatures()));
    }
    connection.phase = { kind: "awaits-init", nodeId, ours };
    this.#send(connection, ourInit(ours, this.#chainHash));
  }

  #take(connection: Connection, received: Received): void {
    switch (received.kind) {
      case "init":
        this.#initReceived(connection, received);
        return;
      case "ping":
        this.#pingReceived(connection, received.numPongBytes);
        return;
      case "pong":
        connection.pingTicks = 0;
        return;
      case "message": {
        const { nodeId, message } = received;
        if (message.type === "error" || message.type === "warning") {
          // Anybody can connect and complain.
          const level = this.#handlers.channel.hasChannelWith(nodeId) ? "warn" : "debug";
          this.#log(level, logLineOf(message), nodeId);
        }
        if (dispatchMessage(this.#handlers, nodeId, message) === "done") return;
        this.#refuse(connection, "unknown message of an even type");
        return;
      }
      case "warn":
        this.#log("debug", received.reason, received.nodeId);
        if (!this.#isFull(connection)) this.#send(connection, warningOf(received.reason));
        return;
      case "refuse":
        this.#refuse(connection, received.reason);
        return;
      case "close":
        this.#close(connection, received.reason);
        return;
    }
  }

  #initReceived(
    connection: Connection,
    { nodeId, ours, init }: { readonly nodeId: NodeId; readonly ours: Features; readonly init: Init },
  ): void {
    const refusal = initRefusal(init, ours, this.#chainHash);
    if (refusal !== undefined) {
      this.#refuse(connection, refusal);
      return;
    }
    const older = this.#peers.get(nodeId);
    if (older !== undefined) {
      if (this.#isPreferred(older, connection, nodeId)) {
        this.#close(connection, "already connected");
        return;
      }
      this.#cut(older, "replaced by a newer connection");
    }
    if (connection.inbound && !this.#hasRoomFor(nodeId)) {
      this.#refuse(connection, "too many peers");
      return;
    }
    this.#lastEpoch++;
    const epoch = this.#lastEpoch;
    const accepted: BaseMessageHandler[] = [];
    for (const handler of this.#allHandlers) {
      if (handler.peerConnected(nodeId, { init, inbound: connection.inbound, epoch }) === "accept") {
        accepted.push(handler);
        continue;
      }
      for (const other of accepted) other.peerDisconnected(nodeId);
      this.#close(connection, "refused by a handler");
      return;
    }
    connection.phase = { kind: "open", nodeId, epoch, init };
    connection.ticks = 0;
    this.#inboundHandshakes.delete(connection);
    this.#peers.set(nodeId, connection);
    this.#log("info", connection.inbound ? "connected to us" : "connected", nodeId);
  }

  /** Whether `older` stays because both sides connected at once. */
  #isPreferred(older: Connection, newer: Connection, nodeId: NodeId): boolean {
    if (older.inbound === newer.inbound || older.ticks > 0) return false;
    const weOpenIt = this.#signer.nodeId < nodeId;
    return older.inbound !== weOpenIt;
  }

  #hasRoomFor(nodeId: NodeId): boolean {
    const { channel } = this.#handlers;
    const max = this.#limits.maxInboundPeersWithoutChannels;
    if (this.#peers.size < max || channel.hasChannelWith(nodeId)) return true;
    let count = 0;
    for (const [peer, { inbound }] of this.#peers) if (inbound && !channel.hasChannelWith(peer)) count++;
    return count < max;
  }

  #pingReceived(connection: Connection, numPongBytes: number): void {
    if (numPongBytes >= noPongFrom) return;
    connection.pongsQueued++;
    if (connection.pongsQueued > maxPongsQueued) {
      this.#cut(connection, "floods us with pings");
      return;
    }
    this.#send(connection, { type: "pong", ignored: new Uint8Array(numPongBytes) });
  }

  #carryOut(event: MessageSendEvent): void {
    if (event.kind === "broadcast") {
      this.#broadcast(event.message, event.except);
      return;
    }
    const connection = this.#peers.get(event.nodeId);
    if (connection?.phase.kind !== "open") return;
    if (event.epoch !== undefined && event.epoch !== connection.phase.epoch) return;
    if (event.kind === "send-message") this.#send(connection, event.message);
    else this.#handleError(connection, event.nodeId, event.action);
  }

  #handleError(connection: Connection, nodeId: NodeId, action: ErrorAction): void {
    switch (action.kind) {
      case "disconnect":
        if (action.message !== undefined) this.#send(connection, action.message);
        this.#close(connection, "a handler asks for it");
        return;
      case "send":
        this.#send(connection, action.message);
        return;
      case "ignore-and-log":
        this.#log("debug", action.text, nodeId);
        return;
    }
  }

  #broadcast(message: GossipMessage, except: NodeId | undefined): void {
    const { routing } = this.#handlers;
    const encoded = encodeMessage(message);
    for (const [nodeId, connection] of this.#peers) {
      if (nodeId === except) continue;
      if (except !== undefined && routing?.wantsGossip(nodeId, message) !== true) continue;
      if (connection.queue.bytes >= this.#limits.dropGossipAtBytes) {
        routing?.gossipDropped(nodeId);
        continue;
      }
      connection.queue.pushGossip(encoded);
      this.#changed.add(connection);
    }
  }

  #send(connection: Connection, message: DecodedMessage): void {
    const { queue } = connection;
    this.#writer.clear();
    writeMessage(this.#writer, message);
    queue.pushMessage(this.#writer.copy());
    this.#changed.add(connection);
    if (queue.bytes > this.#limits.maxQueuedBytes) this.#cut(connection, "does not read what we send");
  }

  #isFull({ queue }: Connection): boolean {
    const { pauseReadsAtMessages, pauseReadsAtBytes } = this.#limits;
    return queue.messageCount >= pauseReadsAtMessages || queue.messageBytes >= pauseReadsAtBytes;
  }

  #isHeldByHandlers({ phase }: Connection): boolean {
    if (phase.kind !== "open") return false;
    const { channel, routing } = this.#handlers;
    return channel.wantsToPause(phase.nodeId) || routing?.wantsToPause(phase.nodeId) === true;
  }

  #updateReading(connection: Connection): void {
    const pause = !connection.isClosing && (this.#isFull(connection) || this.#isHeldByHandlers(connection));
    if (pause === connection.readsPaused) return;
    connection.readsPaused = pause;
    if (pause) this.#paused.add(connection);
    else this.#paused.delete(connection);
    this.#changed.add(connection);
  }

  /** Closes with a warning that tells the peer why. */
  #refuse(connection: Connection, reason: string): void {
    this.#send(connection, warningOf(reason));
    this.#close(connection, reason);
  }

  /** Closes without sending what is queued. */
  #cut(connection: Connection, reason: string): void {
    connection.queue.clear();
    this.#close(connection, reason);
  }

  #close(connection: Connection, reason: string): void {
    const { phase } = connection;
    if (phase.kind === "closing") return;
    connection.phase = { kind: "closing" };
    connection.queue.dropGossip();
    this.#inboundHandshakes.delete(connection);
    this.#updateReading(connection);
    this.#changed.add(connection);
    const nodeId = phase.kind === "handshake" ? undefined : phase.nodeId;
    this.#log(phase.kind === "open" ? "info" : "debug", `connection ends: ${reason}`, nodeId);
    if (phase.kind !== "open") return;
    this.#peers.delete(phase.nodeId);
    for (const handler of this.#allHandlers) handler.peerDisconnected(phase.nodeId);
  }

  #log(level: LogRecord["level"], text: string, nodeId: NodeId | undefined): void {
    this.#logger.log({ level, module: "peer", text, ...(nodeId === undefined ? {} : { nodeId }) });
  }
}

function pointOf(nodeId: NodeId): Point | undefined {
  if (!/^[0-9a-f]{66}$/.test(nodeId)) return undefined;
  const bytes = fromHex(nodeId);
  return crypto().isPoint(bytes) ? (bytes as Point) : undefined;
}
