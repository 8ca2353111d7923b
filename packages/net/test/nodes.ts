import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { NodeSigner } from "@fulmen/lightning/chain";
import type {
  ChannelMessage,
  ChannelMessageHandler,
  MessageSendEvent,
  RoutingMessageHandler,
} from "@fulmen/lightning/handlers";
import { NoiseConnection } from "@fulmen/lightning/noise";
import {
  type ConnectionId,
  type PeerConnections,
  type PeerLimits,
  PeerManager,
} from "@fulmen/lightning/peer";
import { KeysManager } from "@fulmen/lightning/sign";
import { type BlockHash, fromHex, type NodeId, noBytes, type Point } from "@fulmen/lightning/util";
import { type DecodedMessage, encodeMessage, Features } from "@fulmen/lightning/wire";
import { TcpTransport, type TcpTransportOptions } from "@fulmen/net";

const chainHash = "11".repeat(32) as BlockHash;
const features = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  option_static_remotekey: "required",
});

/** Counts what comes; the test says whether it can take more. */
export class Channels implements ChannelMessageHandler {
  readonly messages: ChannelMessage[] = [];
  events: MessageSendEvent[] = [];
  pauses = false;
  connected = 0;
  disconnected = 0;

  peerConnected(): "accept" {
    this.connected++;
    return "accept";
  }

  peerDisconnected(): void {
    this.disconnected++;
  }

  providedInitFeatures(): Uint8Array {
    return features.toBytes();
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  handleMessage(_nodeId: NodeId, message: ChannelMessage): void {
    this.messages.push(message);
  }

  wantsToPause(): boolean {
    return this.pauses;
  }

  hasChannelWith(): boolean {
    return false;
  }
}

/** Has a graph without end for whoever takes it. */
export class EndlessGossip implements RoutingMessageHandler {
  taken = 0;
  isOn = false;

  peerConnected(): "accept" {
    return "accept";
  }

  peerDisconnected(): void {}

  providedInitFeatures(): Uint8Array {
    return Features.none.toBytes();
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    return [];
  }

  handleMessage(): void {}

  handleOwnMessage(): void {}

  wantsToPause(): boolean {
    return false;
  }

  wantsGossip(): boolean {
    return false;
  }

  gossipDropped(): void {}

  takeGossipBacklog(): readonly Uint8Array[] {
    if (!this.isOn) return [];
    this.taken += 60_000;
    return [encodeMessage({ type: "unknown", typeNumber: 40_001, payload: new Uint8Array(59_998) })];
  }
}

export interface NetNode {
  readonly nodeId: NodeId;
  readonly peers: PeerManager;
  readonly transport: TcpTransport;
  readonly channels: Channels;
  readonly gossip: EndlessGossip;
  /** Connections that the transport has reported as over, in order. */
  readonly lost: readonly ConnectionId[];
}

export function startNode(
  seed: number,
  options: { readonly limits?: Partial<PeerLimits> } & Partial<TcpTransportOptions> = {},
): NetNode {
  const nodeSigner = signerOf(seed);
  const channels = new Channels();
  const gossip = new EndlessGossip();
  const logger = { log: () => {} };
  const peers = new PeerManager({
    nodeSigner,
    handlers: { channel: channels, routing: gossip },
    chainHash,
    logger,
    limits: options.limits ?? {},
  });
  const lost: ConnectionId[] = [];
  // What the transport drives need not be the manager itself.
  const proxy: PeerConnections = {
    newOutboundConnection: (connection) => peers.newOutboundConnection(connection),
    newInboundConnection: (connection) => peers.newInboundConnection(connection),
    readBytes: (id, bytes) => peers.readBytes(id, bytes),
    takeOutgoing: (id) => peers.takeOutgoing(id),
    connectionLost(id) {
      lost.push(id);
      peers.connectionLost(id);
    },
    takeConnectionChanges: () => peers.takeConnectionChanges(),
    processEvents: () => peers.processEvents(),
  };
  const transport = new TcpTransport({ peers: proxy, logger, ...options });
  return { nodeId: nodeSigner.nodeId, peers, transport, channels, gossip, lost };
}

function signerOf(seed: number): NodeSigner {
  return new KeysManager(new Uint8Array(32).fill(seed));
}

export const host = "127.0.0.1";

/** A peer on a bare socket: through with the handshake and `init`, it does what the test wants. */
export class BarePeer {
  readonly nodeId: NodeId;
  readonly socket: Socket;
  readonly #noise: NoiseConnection;

  private constructor(nodeId: NodeId, socket: Socket, noise: NoiseConnection) {
    this.nodeId = nodeId;
    this.socket = socket;
    this.#noise = noise;
  }

  static async connect(target: NetNode, port: number, seed = 99): Promise<BarePeer> {
    const us = signerOf(seed);
    const socket = await bareSocket(port);
    const remote = fromHex(target.nodeId) as Point;
    const { connection, actOne } = NoiseConnection.outbound(us, remote, randomBytes(32));
    socket.write(actOne);
    const [actTwo]: Uint8Array[] = await once(socket, "data");
    const { reply } = connection.receive(actTwo ?? noBytes);
    socket.write(reply ?? assert.fail("no act three"));
    const peer = new BarePeer(us.nodeId, socket, connection);
    peer.write({ type: "init", globalfeatures: noBytes, features: features.toBytes(), tlvs: {} });
    await until(() => target.peers.peer(us.nodeId) !== undefined, "open");
    return peer;
  }

  /** Whether there is room for more. */
  write(...messages: readonly DecodedMessage[]): boolean {
    return this.socket.write(this.#noise.encryptAll(messages.map(encodeMessage)));
  }
}

/** A socket without a word said. Errors of it are the test's business only by its "close". */
export async function bareSocket(port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** Waits for what comes about by itself; fails after ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < end, `not within ten seconds: ${what}`);
    await pause(5);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
