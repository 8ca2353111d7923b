import assert from "node:assert/strict";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { NodeSigner } from "@fulmen/lightning/chain";
import type {
  BaseMessageHandler,
  ChannelMessage,
  ChannelMessageHandler,
  CustomMessageHandler,
  GossipMessage,
  LogRecord,
  MessageSendEvent,
  PeerConnection,
  RoutingMessageHandler,
} from "@fulmen/lightning/handlers";
import { NoiseConnection } from "@fulmen/lightning/noise";
import { type MessageHandlers, type PeerLimits, PeerManager } from "@fulmen/lightning/peer";
import { KeysManager } from "@fulmen/lightning/sign";
import {
  type BlockHash,
  type ChannelId,
  type FeeratePerKw,
  fromHex,
  type NodeId,
  noBytes,
  type Point,
} from "@fulmen/lightning/util";
import {
  type DecodedMessage,
  decodeMessage,
  encodeMessage,
  Features,
  type Init,
  type LightningMessage,
  type UnknownMessage,
} from "@fulmen/lightning/wire";
import { utf8 } from "@scure/base";

export const chainHash = "11".repeat(32) as BlockHash;

export const features: Features = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  option_static_remotekey: "required",
  gossip_queries: "optional",
});

export function signer(seed: number): NodeSigner {
  return new KeysManager(new Uint8Array(32).fill(seed));
}

/** Writes down what it is told, and says what the test has set. */
class Recorder implements BaseMessageHandler {
  readonly calls: string[] = [];
  readonly connections: PeerConnection[] = [];
  events: MessageSendEvent[] = [];
  verdict: "accept" | "refuse" = "accept";
  features: Features = Features.none;

  peerConnected(nodeId: NodeId, connection: PeerConnection): "accept" | "refuse" {
    this.calls.push(`connected ${nodeId.slice(0, 6)}`);
    this.connections.push(connection);
    return this.verdict;
  }

  peerDisconnected(nodeId: NodeId): void {
    this.calls.push(`disconnected ${nodeId.slice(0, 6)}`);
  }

  providedInitFeatures(): Uint8Array {
    return this.features.toBytes();
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }
}

export class ChannelRecorder extends Recorder implements ChannelMessageHandler {
  readonly messages: ChannelMessage[] = [];
  pauses = false;
  readonly withChannels = new Set<NodeId>();

  handleMessage(_nodeId: NodeId, message: ChannelMessage): void {
    this.messages.push(message);
  }

  wantsToPause(): boolean {
    return this.pauses;
  }

  hasChannelWith(nodeId: NodeId): boolean {
    return this.withChannels.has(nodeId);
  }
}

export class RoutingRecorder extends Recorder implements RoutingMessageHandler {
  readonly messages: GossipMessage[] = [];
  readonly interested = new Set<NodeId>();
  /** Peers for whom a broadcast was dropped. */
  readonly dropped: NodeId[] = [];
  backlog: Uint8Array[] = [];

  handleMessage(_nodeId: NodeId, message: GossipMessage): void {
    this.messages.push(message);
  }

  handleOwnMessage(message: GossipMessage): void {
    this.events = [...this.events, { kind: "broadcast", message }];
  }

  wantsToPause(): boolean {
    return false;
  }

  gossipDropped(nodeId: NodeId): void {
    this.dropped.push(nodeId);
  }

  wantsGossip(nodeId: NodeId): boolean {
    return this.interested.has(nodeId);
  }

  takeGossipBacklog(_nodeId: NodeId, maxBytes: number): readonly Uint8Array[] {
    let bytes = 0;
    let count = 0;
    while (count < this.backlog.length) {
      bytes += this.backlog[count]?.length ?? 0;
      if (count > 0 && bytes > maxBytes) break;
      count++;
    }
    return this.backlog.splice(0, count);
  }
}

export class CustomRecorder extends Recorder implements CustomMessageHandler {
  readonly messages: UnknownMessage[] = [];
  readonly known: ReadonlySet<number>;

  constructor(known: readonly number[]) {
    super();
    this.known = new Set(known);
  }

  handleMessage(_nodeId: NodeId, message: UnknownMessage): "handled" | "unknown" {
    if (!this.known.has(message.typeNumber)) return "unknown";
    this.messages.push(message);
    return "handled";
  }
}

export interface TestNode {
  readonly nodeId: NodeId;
  readonly manager: PeerManager;
  readonly channel: ChannelRecorder;
  readonly routing: RoutingRecorder;
  readonly log: LogRecord[];
}

export function node(
  seed: number,
  options: {
    readonly limits?: Partial<PeerLimits>;
    readonly features?: Features;
    readonly handlers?: Pick<MessageHandlers, "custom" | "onion">;
  } = {},
): TestNode {
  const nodeSigner = signer(seed);
  const channel = new ChannelRecorder();
  channel.features = options.features ?? features;
  const routing = new RoutingRecorder();
  const log: LogRecord[] = [];
  const manager = new PeerManager({
    nodeSigner,
    handlers: { channel, routing, ...options.handlers },
    chainHash,
    logger: { log: (record) => log.push(record) },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  return { nodeId: nodeSigner.nodeId, manager, channel, routing, log };
}

/** The private key of one side's handshake. */
export function ephemeralKey(name: string): Uint8Array {
  return crypto().sha256(utf8.decode(name));
}

/** A network cable between two nodes; `chunk` is how many bytes it carries at a time. */
export class Cable {
  readonly #ends: readonly [TestNode, TestNode];
  readonly #id: string;
  readonly #chunk: number;
  isCut = false;

  constructor(from: TestNode, to: TestNode, { id = "cable", chunk = 65_536 } = {}) {
    this.#ends = [from, to];
    this.#id = id;
    this.#chunk = chunk;
    const outbound = { nodeId: to.nodeId, connectionId: id, ephemeralKey: ephemeralKey(`${id} from`) };
    assert.deepEqual(from.manager.newOutboundConnection(outbound), { ok: true, value: undefined });
    to.manager.newInboundConnection({ connectionId: id, ephemeralKey: ephemeralKey(`${id} to`) });
  }

  /** Carries bytes both ways until there are none, and closes when a side asks for it. */
  run(): void {
    for (let moved = true; moved; ) {
      moved = false;
      const [a, b] = this.#ends;
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        from.manager.processEvents();
        const bytes = from.manager.takeOutgoing(this.#id);
        for (let at = 0; at < bytes.length; at += this.#chunk) {
          to.manager.readBytes(this.#id, bytes.subarray(at, at + this.#chunk));
        }
        moved ||= bytes.length > 0;
      }
    }
    for (const { manager } of this.#ends) {
      for (const { connectionId, closing } of manager.takeConnectionChanges()) {
        if (connectionId === this.#id && closing) this.isCut = true;
      }
    }
    if (this.isCut) for (const { manager } of this.#ends) manager.connectionLost(this.#id);
  }
}

/** A peer that speaks for itself, well or badly, over a connection to `target`. */
export class Stranger {
  readonly nodeId: NodeId;
  readonly #target: TestNode;
  readonly #id: string;
  readonly #noise: NoiseConnection;
  readonly #received: DecodedMessage[] = [];

  constructor(target: TestNode, seed = 99, id = `stranger-${seed}`) {
    const us = signer(seed);
    this.nodeId = us.nodeId;
    this.#target = target;
    this.#id = id;
    target.manager.newInboundConnection({ connectionId: id, ephemeralKey: ephemeralKey(`${id} to`) });
    const remote = fromHex(target.nodeId) as Point;
    const { connection, actOne } = NoiseConnection.outbound(us, remote, ephemeralKey(`${id} from`));
    this.#noise = connection;
    target.manager.readBytes(id, actOne);
    const { reply } = connection.receive(target.manager.takeOutgoing(id));
    target.manager.readBytes(id, reply ?? assert.fail("no act three"));
  }

  /** A stranger whose `init` has been exchanged. */
  static open(target: TestNode, seed?: number, id?: string): Stranger {
    const stranger = new Stranger(target, seed, id);
    stranger.send(initWith(features));
    stranger.received();
    return stranger;
  }

  send(...messages: readonly (DecodedMessage | Uint8Array)[]): void {
    const encoded = messages.map((message) =>
      message instanceof Uint8Array ? message : encodeMessage(message),
    );
    this.sendRaw(this.#noise.encryptAll(encoded));
  }

  sendRaw(bytes: Uint8Array): void {
    this.#target.manager.readBytes(this.#id, bytes);
  }

  /** What has come since the last call; takes all there is. */
  received(): readonly DecodedMessage[] {
    for (;;) {
      const bytes = this.#target.manager.takeOutgoing(this.#id);
      if (bytes.length === 0) return this.#received.splice(0);
      for (const message of this.#noise.receive(bytes).messages) this.#received.push(decodeMessage(message));
    }
  }

  /** The connection's last state since the last call, if it has changed. */
  change(): { readonly readsPaused: boolean; readonly closing: boolean } | undefined {
    const change = this.#target.manager
      .takeConnectionChanges()
      .find(({ connectionId }) => connectionId === this.#id);
    return change === undefined ? undefined : { readsPaused: change.readsPaused, closing: change.closing };
  }

  get isClosed(): boolean {
    return this.change()?.closing === true;
  }
}

export function initWith(offered: Features, tlvs: Init["tlvs"] = {}): Init {
  return { type: "init", globalfeatures: noBytes, features: offered.toBytes(), tlvs };
}

/** A message of the channel handler's, told apart by a number. */
export function numbered(n: number): LightningMessage {
  const feeratePerKw = BigInt(n) as FeeratePerKw;
  return { type: "update_fee", channelId: "ab".repeat(32) as ChannelId, feeratePerKw };
}

/** A message of gossip, told apart by a number. */
export function filter(firstTimestamp: number): Extract<GossipMessage, { type: "gossip_timestamp_filter" }> {
  return { type: "gossip_timestamp_filter", chainHash, firstTimestamp, timestampRange: 0 };
}

/** What a warning or error says. */
export function textOf(message: DecodedMessage | undefined): string {
  assert.ok(message?.type === "warning" || message?.type === "error");
  return String.fromCharCode(...message.data);
}
