import assert from "node:assert/strict";
import { test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import { PeerManager } from "@fulmen/lightning/peer";
import { type NodeId, noBytes, present, type UnixSeconds } from "@fulmen/lightning/util";
import { encodeShortChannelIds } from "@fulmen/lightning/wire";
import { ChannelRecorder, features, signer } from "../../peer/nodes.ts";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";

const nodes = testNodes(5);
const node = (i: number) => present(nodes[i], "a test node");
const network = Array.from({ length: 3 }, (_, i) => {
  const [one, two] = [node(i), node(i + 1)];
  const channel = announcement(one, two, 100 + i);
  return [
    channel,
    update(one, channel),
    update(two, channel, { channelFlags: 1 }),
    nodeAnnouncement(one),
  ] as const;
});

/** As many bytes wait for a peer at most: a few messages. */
const dropGossipAtBytes = 1_000;

class End {
  readonly nodeId: NodeId;
  readonly graph = new NetworkGraph({ chainHash });
  readonly sync = new P2PGossipSync({ graph: this.graph, now });
  readonly manager: PeerManager;

  constructor(seed: number) {
    const nodeSigner = signer(seed);
    const channel = new ChannelRecorder();
    channel.features = features.set("gossip_queries", undefined);
    this.nodeId = nodeSigner.nodeId;
    this.manager = new PeerManager({
      nodeSigner,
      handlers: { channel, routing: this.sync },
      chainHash,
      logger: { log: () => {} },
      limits: { dropGossipAtBytes },
    });
  }

  isComplete(): boolean {
    const parts = [...this.graph.channels()].flatMap(({ oneToTwo, twoToOne }) => [oneToTwo, twoToOne]);
    return parts.length === 2 * network.length && parts.every((part) => part?.lastUpdate === now + 5);
  }
}

test("a hundred peers ask for everything and stop reading: a few messages wait for each, and nothing is lost", () => {
  const us = new End(1);
  for (const message of network.flat()) assert.ok(us.sync.announceOwn(message).ok);
  us.manager.processEvents();
  const peers = Array.from({ length: 100 }, (_, i) => new End(100 + i));
  for (const peer of peers) connect(peer, us);
  for (let round = 0; round < 6; round++) for (const peer of peers) carry(peer, us, round < 5);
  // All have said what they want, each in full, and take nothing from now on.
  for (const peer of peers) {
    const { nodeId } = peer;
    us.sync.handleMessage(nodeId, {
      type: "gossip_timestamp_filter",
      chainHash,
      firstTimestamp: 0,
      timestampRange: 0xffff_ffff,
    });
    us.sync.handleMessage(nodeId, {
      type: "query_channel_range",
      chainHash,
      firstBlocknum: 0,
      numberOfBlocks: 0xffff_ffff,
      tlvs: { queryOption: 3n },
    });
    const ids = network.map(([{ shortChannelId }]) => shortChannelId);
    us.sync.handleMessage(nodeId, {
      type: "query_short_channel_ids",
      chainHash,
      encodedShortIds: encodeShortChannelIds(ids),
      tlvs: {},
    });
  }
  const teller = node(4).id;
  const init = { type: "init", globalfeatures: noBytes, features: noBytes, tlvs: {} } as const;
  us.sync.peerConnected(teller, { init, inbound: true, epoch: 1_000 });
  for (const [i, [channel]] of network.entries()) {
    for (const [side, signerOfSide] of [node(i), node(i + 1)].entries()) {
      for (const later of [1, 2, 3, 4, 5]) {
        const timestamp = now + later;
        us.sync.handleMessage(teller, update(signerOfSide, channel, { channelFlags: side, timestamp }));
      }
    }
  }
  us.manager.processEvents();

  // What waits in the queues is what leaves when the backlog is held back.
  const backlog = us.sync.takeGossipBacklog.bind(us.sync);
  us.sync.takeGossipBacklog = () => [];
  const waiting = peers.map((peer) => {
    const bytes = us.manager.takeOutgoing(idOf(peer));
    peer.manager.readBytes(idOf(peer), bytes);
    return bytes.length;
  });
  us.sync.takeGossipBacklog = backlog;
  const most = Math.max(...waiting);
  assert.ok(most > 0 && most < 2 * dropGossipAtBytes, `${most} bytes wait`);

  // They read again: what was dropped is dumped after a minute.
  us.sync.tick((now + 60) as UnixSeconds);
  for (let round = 0; round < 8; round++) for (const peer of peers) carry(peer, us, true);
  assert.equal(peers.filter((peer) => peer.isComplete()).length, peers.length);
});

function idOf({ nodeId }: End): string {
  return `to ${nodeId}`;
}

function connect(from: End, to: End): void {
  const connectionId = idOf(from);
  const key = (side: string) => crypto().sha256(Buffer.from(side + connectionId));
  from.manager.newOutboundConnection({ nodeId: to.nodeId, connectionId, ephemeralKey: key("from") });
  to.manager.newInboundConnection({ connectionId, ephemeralKey: key("to") });
}

/** Carries what there is, to `from` only when it reads. */
function carry(from: End, to: End, reads: boolean): void {
  from.manager.processEvents();
  to.manager.readBytes(idOf(from), from.manager.takeOutgoing(idOf(from)));
  to.manager.processEvents();
  if (reads) from.manager.readBytes(idOf(from), to.manager.takeOutgoing(idOf(from)));
}
