import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { MemoryStore } from "@fulmen/persist";
import { type BorderCall, loggingProxy } from "@fulmen/testkit/borders";
import { BorderNetwork } from "./borderNetwork.ts";
import type { Tap } from "./borderNode.ts";
import type { ListenStyle } from "./tellBlocks.ts";

installNodeCrypto();

/** Every border between two parts of a node, and calls that a two-hop payment makes across it at least. */
const edges: Readonly<Record<string, readonly string[]>> = {
  "PeerManager > ChannelMessageHandler": [
    "peerConnected",
    "handleMessage",
    "takeMessageSendEvents",
    "providedInitFeatures",
    "wantsToPause",
    "hasChannelWith",
  ],
  "PeerManager > RoutingMessageHandler": [
    "peerConnected",
    "handleMessage",
    "handleOwnMessage",
    "takeMessageSendEvents",
    "providedInitFeatures",
    "wantsToPause",
    "wantsGossip",
    "takeGossipBacklog",
  ],
  "PeerManager > NodeSigner": ["nodeId", "ecdh"],
  "P2PGossipSync > UtxoLookup": ["getUtxo"],
  "ChannelManager > Watch": [
    "durability",
    "setupWrites",
    "updateWrites",
    "watchChannel",
    "updateChannel",
    "takeMonitorEvents",
  ],
  "ChannelManager > SignerProvider": ["generateChannelKeysId", "deriveChannelSigner", "shutdownScript"],
  "ChannelManager > ChannelSigner": ["fundingKey", "basepoints", "point", "sign"],
  "ChannelManager > NodeSigner": ["nodeId", "ecdh", "inboundPaymentKey", "signInvoice", "signGossip"],
  "ChannelManager > EntropySource": ["randomBytes"],
  "ChannelManager > Router": ["findRoute"],
  "ChannelManager > BroadcasterInterface": ["broadcastTransactions"],
  "ChannelManager > FeeEstimator": ["feerate"],
  "ChannelManager > Filter": ["registerOutput"],
  "ChainMonitor > Filter": ["registerOutput"],
  "ChainMonitor > SignerProvider": ["deriveChannelSigner"],
  "ChainMonitor > ChannelSigner": ["sign"],
  "ChainMonitor > BroadcasterInterface": ["broadcastTransactions"],
  "all > Logger": ["log"],
  "host > KVStore": ["read", "scan", "commit"],
  "host > EventsProvider": ["pendingEvents", "acknowledgeEvents"],
  "transport > PeerConnections": [
    "newOutboundConnection",
    "newInboundConnection",
    "readBytes",
    "takeOutgoing",
    "takeConnectionChanges",
    "processEvents",
  ],
};

/** Of a chain source of each style. */
const chainEdges: Readonly<Record<ListenStyle, readonly string[]>> = {
  listen: ["blockConnected"],
  confirm: ["transactionsConfirmed", "bestBlockUpdated", "relevantTxids"],
};

describe("plain data cross every border", () => {
  for (const format of formatNames) {
    it(`in a two-hop payment and a force-close (${format})`, async () => {
      const log = new Map<string, BorderCall[]>();
      const tap: Tap = (edge, target, interfaces = {}) =>
        loggingProxy(target, {
          edge,
          interfaces,
          log(call) {
            const key = `${edge}: ${call.name}`;
            log.set(key, [...(log.get(key) ?? []).slice(-3), call]);
          },
        });
      const net = new BorderNetwork();
      const styles: readonly ListenStyle[] = ["listen", "confirm", "listen"];
      for (const style of styles) await net.add({ store: new MemoryStore(), tap, style });
      net.connect(0, 1);
      net.connect(1, 2);
      await net.settle();
      net.open(0, 1, format);
      await net.settle();
      net.open(1, 2, format);
      await net.settle();
      net.mine(6);
      await net.settle();
      const graphSize = net.node(0).graph.channelCount;
      assert.equal(graphSize, 2, "the payer has not heard of both channels");

      const hash = net.pay(0, 2, 50_000n);
      await net.settle();
      assert.equal(net.told(0, "payment-sent", hash), 1);
      assert.equal(net.told(2, "payment-claimed", hash), 1);
      for (const node of net.nodes) {
        assert.deepEqual(
          node.log.filter(({ level }) => level === "warn" || level === "error"),
          [],
        );
        assert.ok(
          node.manager.listChannels().every(({ isUsable, pendingHtlcs }) => isUsable && pendingHtlcs === 0),
        );
      }
      const [paid] = net.node(2).manager.listChannels();
      assert.equal(paid?.localBalance, 50_000_000n);

      const channelId = net.channelOf(1, 2);
      assert.ok(channelId !== undefined);
      net.node(1).manager.forceCloseBroadcastingLatestTxn(channelId, "the test is over");
      await net.settle();
      net.payForCommitments(net.node(1).broadcaster);
      net.mine(1);
      await net.settle();
      assert.equal(net.node(2).events.at(-1)?.kind, "channel-closed");
      assert.deepEqual(net.node(1).broadcaster.takeRefused(), []);

      const used = new Set(log.keys());
      for (const [edge, names] of Object.entries(edges)) {
        for (const name of names) assert.ok(used.has(`${edge}: ${name}`), `${name} was not called: ${edge}`);
      }
      for (const part of ["ChainMonitor", "ChannelManager"]) {
        for (const name of chainEdges.listen) assert.ok(used.has(`chain > Listen (${part}): ${name}`));
        for (const name of chainEdges.confirm) assert.ok(used.has(`chain > Confirm (${part}): ${name}`));
      }
    });
  }
});
