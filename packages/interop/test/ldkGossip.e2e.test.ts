// timeout: 120 s
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { GossipVerifier } from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { VerifyPool } from "@fulmen/crypto-node/verifyPool";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import { type GossipMessage, isGossipMessage } from "@fulmen/lightning/handlers";
import { PeerManager } from "@fulmen/lightning/peer";
import { KeysManager } from "@fulmen/lightning/sign";
import type { NodeId, UnixSeconds } from "@fulmen/lightning/util";
import { decodeMessage, decodeShortChannelIds } from "@fulmen/lightning/wire";
import { TcpTransport } from "@fulmen/net";
import { signedNetwork } from "@fulmen/testkit/gossip";
import { type LdkPeer, ldkOptions } from "#src/index";
import { startPeer } from "./ldkPair.ts";
import { SilentChannels } from "./silentChannels.ts";

installNodeCrypto();

const host = "127.0.0.1";
const chainHash = networks.regtest.genesisHash;
const now = Math.floor(Date.now() / 1_000) as UnixSeconds;
const channels = 120;
const network = signedNetwork(channels, now);
const messages = [...network.announcements, ...network.updates, ...network.nodes];

/** A node of ours that only gossips, over TCP, with signatures verified on other threads. */
class Gossiper {
  readonly keys: KeysManager;
  readonly graph = new NetworkGraph({ chainHash });
  readonly sync: P2PGossipSync;
  readonly transport: TcpTransport;
  /** What peers have sent, by type. */
  readonly received: GossipMessage[] = [];

  constructor(t: TestContext, seed: number) {
    const pool = new VerifyPool({ threads: 2 });
    this.keys = new KeysManager(new Uint8Array(32).fill(seed));
    this.sync = new P2PGossipSync({ graph: this.graph, now, verification: "queued", flushInterval: 0 });
    const logger = { log: () => {} };
    const handle = this.sync.handleMessage.bind(this.sync);
    this.sync.handleMessage = (nodeId, message) => {
      this.received.push(message);
      handle(nodeId, message);
      verifier.pump();
    };
    const handlers = { channel: new SilentChannels(), routing: this.sync };
    const peers = new PeerManager({ nodeSigner: this.keys, handlers, chainHash, logger });
    this.transport = new TcpTransport({ peers, logger });
    const progressed = () => this.transport.flush();
    const verifier = new GossipVerifier({ gossip: this.sync, verifier: pool, progressed });
    t.after(async () => {
      await this.transport.close();
      await pool.close();
    });
  }

  async connect(ldk: LdkPeer): Promise<void> {
    const { port } = await ldk.cmd("listen");
    const dialled = await this.transport.connect({ nodeId: ldk.nodeId as NodeId, host, port });
    assert.ok(dialled.ok);
  }

  /** Everything that is in the graph, in one order. */
  contents(): readonly string[] {
    const found: (Uint8Array | undefined)[] = [];
    for (const { message, oneToTwo, twoToOne } of this.graph.channels()) {
      found.push(message, oneToTwo?.message, twoToOne?.message);
    }
    for (const { announcement } of this.graph.nodes()) found.push(announcement?.message);
    return hexOf(found.filter((bytes) => bytes !== undefined));
  }
}

function hexOf(all: readonly Uint8Array[]): readonly string[] {
  return all.map((bytes) => Buffer.from(bytes).toString("hex")).sort();
}

test("a whole network goes from us to LDK and from LDK to us, which answers our query for its channels", async (t) => {
  const ldk = await startPeer(t, "ldk", ldkOptions(1));
  const first = new Gossiper(t, 11);
  for (const bytes of messages) {
    const message = decodeMessage(bytes);
    assert.ok(isGossipMessage(message) && message.type !== "query_channel_range");
    first.sync.handleOwnMessage(message);
  }
  first.sync.takeMessageSendEvents();
  assert.deepEqual(first.contents(), hexOf(messages));
  await first.connect(ldk);
  await ldk.until("graph", ({ shortChannelIds, nodes }) => {
    return shortChannelIds.length === channels && nodes.length === network.nodes.length;
  });

  const second = new Gossiper(t, 12);
  await second.connect(ldk);
  await until(ldk, () => second.contents().length === messages.length);
  assert.deepEqual(second.contents(), hexOf(messages));
  await until(ldk, () => second.received.some(({ type }) => type === "reply_channel_range"));
  const listed = second.received.flatMap((message) =>
    message.type === "reply_channel_range" ? decodeShortChannelIds(message.encodedShortIds) : [],
  );
  assert.equal(new Set(listed).size, channels);
  second.sync.tick((now + 10) as UnixSeconds);
  assert.equal(second.sync.status.kind, "synced");
  assert.equal(second.received.filter(({ type }) => type === "query_channel_range").length, 0);
});

/** LDK goes on with a dump when it is called, no sooner. */
async function until(ldk: LdkPeer, done: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !done(); ) {
    assert.ok(Date.now() < end, "it takes too long");
    await ldk.cmd("peers");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
