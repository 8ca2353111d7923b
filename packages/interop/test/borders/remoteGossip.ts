import type {
  GossipMessage,
  MessageSendEvent,
  PeerConnection,
  RoutingMessageHandler,
} from "@fulmen/lightning/handlers";
import type { Route, RouteRefusal, RouteRequest } from "@fulmen/lightning/routing";
import type { NodeId, Result } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";

/** What the `PeerManager`'s side says to the process that has the graph. */
export type ToGossip =
  | { readonly kind: "connected"; readonly nodeId: NodeId; readonly connection: PeerConnection }
  | { readonly kind: "disconnected"; readonly nodeId: NodeId }
  | { readonly kind: "message"; readonly nodeId: NodeId; readonly message: GossipMessage }
  | { readonly kind: "own-message"; readonly message: GossipMessage }
  | { readonly kind: "take-backlog"; readonly nodeId: NodeId; readonly maxBytes: number }
  | { readonly kind: "find-route"; readonly request: number; readonly wanted: RouteRequest };

/** What that process says. */
export type FromGossip =
  | { readonly kind: "ready" }
  | { readonly kind: "events"; readonly events: readonly MessageSendEvent[]; readonly channels: number }
  | { readonly kind: "backlog"; readonly nodeId: NodeId; readonly messages: readonly Uint8Array[] }
  | { readonly kind: "route"; readonly request: number; readonly found: Result<Route, RouteRefusal> };

interface RemotePeer {
  readonly connection: PeerConnection;
  /** What the peer wants to hear of. */
  filter?: GossipMessage;
  /** Taken from the other side and not yet by the `PeerManager`. */
  backlog: readonly Uint8Array[];
  /** Whether the other side may have more; asked when the `PeerManager` has room. */
  mayHaveMore: boolean;
  isAsked: boolean;
}

const features = Features.of({ gossip_queries: "optional" }).toBytes();

/**
 * The gossip of a node whose graph is elsewhere. The border is synchronous and the other side far away, so that what
 * is asked here is answered by what was heard from there: the backlog is fetched ahead, and whom a broadcast goes to is
 * decided there.
 */
export class RemoteGossip implements RoutingMessageHandler {
  /** Channels in the graph, as last heard. */
  channels = 0;
  readonly #peers = new Map<NodeId, RemotePeer>();
  readonly #requests = new Map<number, (found: Result<Route, RouteRefusal>) => void>();
  #events: MessageSendEvent[] = [];
  #send: (message: ToGossip) => void = () => {};
  #lastRequest = 0;

  /** A new process is ready: it is told of the peers that are there, and what they want. */
  connected(send: (message: ToGossip) => void): void {
    this.#send = send;
    for (const [nodeId, { connection, filter }] of [...this.#peers]) {
      this.peerConnected(nodeId, connection);
      if (filter !== undefined) this.handleMessage(nodeId, filter);
    }
  }

  /** The process is gone; what was asked of it is not answered. */
  lost(): void {
    this.#send = () => {};
    this.channels = 0;
    for (const [request, answer] of this.#requests) {
      this.#requests.delete(request);
      answer({ ok: false, error: { kind: "no-route", text: "the graph is gone" } });
    }
  }

  receive(message: FromGossip): void {
    switch (message.kind) {
      case "ready":
        return;
      case "events":
        this.channels = message.channels;
        this.#events.push(...message.events);
        return;
      case "backlog": {
        const peer = this.#peers.get(message.nodeId);
        if (peer === undefined) return;
        peer.isAsked = false;
        peer.mayHaveMore = message.messages.length > 0;
        peer.backlog = [...peer.backlog, ...message.messages];
        return;
      }
      case "route":
        this.#requests.get(message.request)?.(message.found);
        this.#requests.delete(message.request);
        return;
    }
  }

  findRoute(wanted: RouteRequest): Promise<Result<Route, RouteRefusal>> {
    this.#lastRequest++;
    const request = this.#lastRequest;
    return new Promise((resolve) => {
      this.#requests.set(request, resolve);
      this.#send({ kind: "find-route", request, wanted });
    });
  }

  peerConnected(nodeId: NodeId, connection: PeerConnection): "accept" {
    this.#peers.set(nodeId, { connection, backlog: [], mayHaveMore: false, isAsked: false });
    this.#send({ kind: "connected", nodeId, connection });
    return "accept";
  }

  peerDisconnected(nodeId: NodeId): void {
    this.#peers.delete(nodeId);
    this.#send({ kind: "disconnected", nodeId });
  }

  providedInitFeatures(): Uint8Array {
    return features;
  }

  handleMessage(nodeId: NodeId, message: GossipMessage): void {
    const peer = this.#peers.get(nodeId);
    if (peer !== undefined) {
      // Filters and queries are answered from the backlog.
      peer.mayHaveMore = true;
      if (message.type === "gossip_timestamp_filter") peer.filter = message;
    }
    this.#send({ kind: "message", nodeId, message });
  }

  handleOwnMessage(message: GossipMessage): void {
    this.#send({ kind: "own-message", message });
  }

  wantsToPause(): boolean {
    return false;
  }

  /** Never asked: broadcasts of others' messages come from the other side one by one. */
  wantsGossip(): boolean {
    return false;
  }

  /** Nothing is dropped here: what the other side sends, it sends to one peer. */
  gossipDropped(): void {}

  takeGossipBacklog(nodeId: NodeId, maxBytes: number): readonly Uint8Array[] {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return [];
    const { backlog } = peer;
    peer.backlog = [];
    if (backlog.length === 0 && peer.mayHaveMore && !peer.isAsked) {
      peer.isAsked = true;
      this.#send({ kind: "take-backlog", nodeId, maxBytes });
    }
    return backlog;
  }

  takeMessageSendEvents(): readonly MessageSendEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
