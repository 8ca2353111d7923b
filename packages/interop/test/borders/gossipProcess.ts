import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import type { MessageSendEvent } from "@fulmen/lightning/handlers";
import { DefaultRouter } from "@fulmen/lightning/routing";
import type { NodeId, UnixSeconds } from "@fulmen/lightning/util";
import type { FromGossip, ToGossip } from "./remoteGossip.ts";

// The graph of one node in a process of its own: gossip comes in and goes out as messages, routes are found on request.
// The process dies with the one that started it.

installNodeCrypto();
const { now }: { readonly now: UnixSeconds } = JSON.parse(process.argv[2] ?? "{}");
const graph = new NetworkGraph({ chainHash: networks.regtest.genesisHash });
const gossip = new P2PGossipSync({ graph, now, flushInterval: 0 });
const router = new DefaultRouter(graph);
const peers = new Set<NodeId>();
let toldChannels = 0;

function say(message: FromGossip): void {
  process.send?.(message);
}

/** Others' messages go to those who want them: only this side knows who does. */
function addressed(event: MessageSendEvent): readonly MessageSendEvent[] {
  if (event.kind !== "broadcast" || event.except === undefined) return [event];
  const { message, except } = event;
  return [...peers]
    .filter((nodeId) => nodeId !== except && gossip.wantsGossip(nodeId, message))
    .map((nodeId) => ({ kind: "send-message", nodeId, message }));
}

function take(message: ToGossip): void {
  switch (message.kind) {
    case "connected":
      peers.add(message.nodeId);
      gossip.peerConnected(message.nodeId, message.connection);
      break;
    case "disconnected":
      peers.delete(message.nodeId);
      gossip.peerDisconnected(message.nodeId);
      break;
    case "message":
      gossip.handleMessage(message.nodeId, message.message);
      break;
    case "own-message":
      gossip.handleOwnMessage(message.message);
      break;
    case "take-backlog": {
      const { nodeId, maxBytes } = message;
      say({ kind: "backlog", nodeId, messages: gossip.takeGossipBacklog(nodeId, maxBytes) });
      break;
    }
    case "find-route":
      say({ kind: "route", request: message.request, found: router.findRoute(message.wanted) });
      break;
  }
  const events = gossip.takeMessageSendEvents().flatMap(addressed);
  const { channelCount: channels } = graph;
  if (events.length > 0 || channels !== toldChannels) say({ kind: "events", events, channels });
  toldChannels = channels;
}

process.on("message", (message) => take(message as ToGossip));
process.on("disconnect", () => process.exit(0));
say({ kind: "ready" });
