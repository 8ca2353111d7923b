import assert from "node:assert/strict";
import { NetworkGraph, P2PGossipSync, type P2PGossipSyncOptions } from "@fulmen/lightning/gossip";
import { type GossipMessage, isGossipMessage } from "@fulmen/lightning/handlers";
import { type NodeId, noBytes, type UnixSeconds } from "@fulmen/lightning/util";
import { type DecodedMessage, decodeMessage, encodeMessage, Features } from "@fulmen/lightning/wire";
import { chainHash, now } from "../signedGossip.ts";

/** What a peer offers that answers queries, with times where `extended`. */
export const offers = {
  none: Features.none,
  plain: Features.of({ gossip_queries: "optional" }),
  extended: Features.of({ gossip_queries: "optional", gossip_queries_ex: "optional" }),
} as const;

/** Connects `nodeId`, by a connection with number `epoch`. */
export function connectPeer(
  sync: P2PGossipSync,
  nodeId: NodeId,
  features = offers.extended,
  epoch = 1,
): void {
  const init = { type: "init", globalfeatures: noBytes, features: features.toBytes(), tlvs: {} } as const;
  assert.equal(sync.peerConnected(nodeId, { init, inbound: false, epoch }), "accept");
}

/** The messages to each peer, in order, and the blame; broadcasts are left out. */
export function sentBy(
  sync: P2PGossipSync,
): readonly { readonly to: NodeId; readonly message: DecodedMessage }[] {
  return sync.takeMessageSendEvents().flatMap((event) => {
    if (event.kind === "send-message") return [{ to: event.nodeId, message: event.message }];
    if (event.kind !== "handle-error") return [];
    assert.ok(event.action.kind !== "ignore-and-log" && event.action.message !== undefined);
    return [{ to: event.nodeId, message: event.action.message }];
  });
}

/** The text of a warning. */
export function textOf(message: DecodedMessage | undefined): string {
  assert.ok(message?.type === "warning");
  return Buffer.from(message.data).toString();
}

/** A node that does nothing but gossip, without encryption. */
export class Gossiper {
  readonly id: NodeId;
  readonly graph: NetworkGraph;
  readonly sync: P2PGossipSync;

  constructor(id: NodeId, options: Partial<P2PGossipSyncOptions> = {}) {
    this.id = id;
    this.graph = options.graph ?? new NetworkGraph({ chainHash });
    this.sync = new P2PGossipSync({ graph: this.graph, now, flushInterval: 0, ...options });
  }

  /** What is in the graph, in one order whatever the order it came in. */
  contents(): readonly string[] {
    const found: Uint8Array[] = [];
    for (const { message, oneToTwo, twoToOne } of this.graph.channels()) {
      for (const part of [message, oneToTwo?.message, twoToOne?.message])
        if (part !== undefined) found.push(part);
    }
    for (const { announcement } of this.graph.nodes()) {
      if (announcement?.message !== undefined) found.push(announcement.message);
    }
    return found.map((bytes) => Buffer.from(bytes).toString("hex")).sort();
  }
}

/** Decides what becomes of a message on its way. */
export type Passage = (message: GossipMessage, from: Gossiper, to: Gossiper) => boolean;

/** Nodes that are connected to each other, with all messages encoded. Time goes on by `wait` only. */
export class GossipNetwork {
  readonly #links = new Set<readonly [Gossiper, Gossiper]>();
  #now: number = now;
  #epoch = 0;
  /** Messages that were carried, by type. */
  readonly carried = new Map<string, number>();
  passes: Passage = () => true;

  connect(a: Gossiper, b: Gossiper, features = offers.extended): void {
    this.#epoch++;
    this.#links.add([a, b]);
    connectPeer(a.sync, b.id, features, this.#epoch);
    connectPeer(b.sync, a.id, features, this.#epoch);
  }

  disconnect(a: Gossiper, b: Gossiper): void {
    for (const link of this.#links) {
      if (!link.includes(a) || !link.includes(b)) continue;
      this.#links.delete(link);
      a.sync.peerDisconnected(b.id);
      b.sync.peerDisconnected(a.id);
    }
  }

  /** Carries messages until there are none. */
  settle(): void {
    for (let round = 0; this.#carry(); round++) assert.ok(round < 3_000, "gossip goes round in circles");
  }

  /** Lets time go on, by ticks of ten seconds, and settles at each. */
  wait(seconds: number): void {
    for (let passed = 0; passed < seconds; passed += 10) {
      this.#now += 10;
      for (const link of this.#links) for (const each of link) each.sync.tick(this.#now as UnixSeconds);
      this.settle();
    }
  }

  #carry(): boolean {
    let moved = false;
    for (const node of new Set([...this.#links].flat())) {
      const peers = [...this.#links]
        .filter((link) => link.includes(node))
        .map(([a, b]) => (a === node ? b : a));
      for (const event of node.sync.takeMessageSendEvents()) {
        assert.ok(event.kind !== "handle-error", "an honest node is blamed");
        const { message } = event;
        assert.ok(isGossipMessage(message));
        const to = event.kind === "send-message" ? peers.filter(({ id }) => id === event.nodeId) : peers;
        for (const peer of to) {
          if (event.kind === "broadcast" && event.except !== undefined) {
            if (event.except === peer.id || !node.sync.wantsGossip(peer.id, message)) continue;
          }
          moved = this.#deliver(node, peer, encodeMessage(message)) || moved;
        }
      }
      for (const peer of peers) {
        for (const bytes of node.sync.takeGossipBacklog(peer.id, 65_536)) {
          moved = this.#deliver(node, peer, bytes) || moved;
        }
      }
    }
    return moved;
  }

  #deliver(from: Gossiper, to: Gossiper, bytes: Uint8Array): boolean {
    const message = decodeMessage(bytes);
    assert.ok(isGossipMessage(message));
    if (!this.passes(message, from, to)) return true;
    this.carried.set(message.type, (this.carried.get(message.type) ?? 0) + 1);
    to.sync.handleMessage(from.id, message);
    return true;
  }
}
