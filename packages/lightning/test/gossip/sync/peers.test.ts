import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import { PeerManager } from "@fulmen/lightning/peer";
import type { NodeId } from "@fulmen/lightning/util";
import { present } from "@fulmen/lightning/util";
import { ChannelRecorder, features, signer } from "../../peer/nodes.ts";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";

const [alice, bob] = testNodes(2).slice(0, 2);
const channel = announcement(present(alice, "alice"), present(bob, "bob"), 100);
const update1 = update(present(alice, "alice"), channel);
const update2 = update(present(bob, "bob"), channel, { channelFlags: 1 });
const ofAlice = nodeAnnouncement(present(alice, "alice"));

/** A node that does nothing but gossip. */
class Gossiper {
  readonly nodeId: NodeId;
  readonly graph = new NetworkGraph({ chainHash });
  readonly sync = new P2PGossipSync({ graph: this.graph, now });
  readonly manager: PeerManager;

  constructor(seed: number) {
    const nodeSigner = signer(seed);
    const silent = new ChannelRecorder();
    silent.features = features.set("gossip_queries", undefined);
    this.nodeId = nodeSigner.nodeId;
    this.manager = new PeerManager({
      nodeSigner,
      handlers: { channel: silent, routing: this.sync },
      chainHash,
      logger: { log: () => {} },
    });
  }
}

class Wire {
  readonly #ends: readonly [Gossiper, Gossiper];
  readonly #id: string;

  constructor(from: Gossiper, to: Gossiper) {
    this.#ends = [from, to];
    this.#id = `${from.nodeId} ${to.nodeId}`;
    const key = (side: string) => crypto().sha256(Buffer.from(side + this.#id));
    from.manager.newOutboundConnection({
      nodeId: to.nodeId,
      connectionId: this.#id,
      ephemeralKey: key("from"),
    });
    to.manager.newInboundConnection({ connectionId: this.#id, ephemeralKey: key("to") });
  }

  /** Carries what there is; gives the number of bytes. */
  carry(): number {
    const [a, b] = this.#ends;
    let bytes = 0;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.manager.processEvents();
      const outgoing = from.manager.takeOutgoing(this.#id);
      to.manager.readBytes(this.#id, outgoing);
      bytes += outgoing.length;
    }
    return bytes;
  }
}

function settle(...wires: readonly Wire[]): void {
  for (let round = 0; wires.map((wire) => wire.carry()).some((bytes) => bytes > 0); round++) {
    assert.ok(round < 50, "gossip goes round in circles");
  }
}

function knowsAll({ graph }: Gossiper): boolean {
  const found = graph.channel(channel.shortChannelId);
  const node = graph.node(channel.nodeId1);
  return [found?.oneToTwo, found?.twoToOne, node?.announcement].every((part) => part !== undefined);
}

describe("gossip between connected nodes", () => {
  test("what one says of itself reaches all, round a ring too, and comes to an end", () => {
    const ring = [1, 2, 3, 4].map((seed) => new Gossiper(seed));
    const wires = ring.map((each, i) => new Wire(each, present(ring[(i + 1) % 4], "the next")));
    settle(...wires);
    const first = present(ring[0], "the first");
    for (const message of [channel, update1, update2, ofAlice]) assert.ok(first.sync.announceOwn(message).ok);
    settle(...wires);
    assert.deepEqual(ring.map(knowsAll), [true, true, true, true]);
  });

  test("who comes later is told what is stored, over someone who was told", () => {
    const [a, b, c] = [new Gossiper(5), new Gossiper(6), new Gossiper(7)];
    for (const message of [channel, update1, update2, ofAlice]) assert.ok(a.sync.announceOwn(message).ok);
    const ab = new Wire(a, b);
    settle(ab);
    assert.ok(knowsAll(b));
    settle(ab, new Wire(c, b));
    assert.ok(knowsAll(c));
  });
});
