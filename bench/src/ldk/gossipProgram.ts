import { installNodeCrypto } from "@fulmen/crypto-node";
import { signedNetwork } from "@fulmen/testkit/gossip";
import * as ldk from "lightningdevkit";
import { type GossipTaker, takeNetwork } from "../gossip/gossipMeasurement.ts";
import { takeTurns } from "../side.ts";
import { loadLdk } from "./loadLdk.ts";

// LDK's side of the gossip benchmark. Its parameters: the number of channels, seconds since 1970, and `turns` when the
// event loop is to get one after every hundred messages, as it does where they come from a socket: LDK's finalizers run
// then only, and without them it is three times slower.
installNodeCrypto();
const [channels = "0", seconds = "0", turns] = process.argv.slice(2);
const network = signedNetwork(Number(channels), Number(seconds));
await loadLdk();
const logger = ldk.Logger.new_impl({ log: () => {} });

await takeTurns(() => takeNetwork(network, taker()));

function taker(): GossipTaker {
  const graph = ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Regtest, logger);
  const noLookup = ldk.Option_UtxoLookupZ.constructor_none();
  const handler = ldk.P2PGossipSync.constructor_new(graph, noLookup, logger).as_RoutingMessageHandler();
  return {
    async take(messages) {
      for (const [i, message] of messages.entries()) {
        handle(handler, (message[0] ?? 0) * 256 + (message[1] ?? 0), message.subarray(2));
        if (turns === "turns" && i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    counts() {
      const view = graph.read_only();
      const ids = view.list_channels();
      let complete = 0;
      for (const id of ids) {
        const channel = view.channel(id);
        if (channel.get_one_to_two() !== null && channel.get_two_to_one() !== null) complete++;
      }
      const nodes = view.list_nodes().filter((id) => {
        const info = view.node(id).get_announcement_info();
        return info instanceof ldk.Option_NodeAnnouncementInfoZ_Some;
      });
      view.free();
      return { channels: complete, nodes: nodes.length };
    },
  };
}

function handle(handler: ldk.RoutingMessageHandler, type: number, body: Uint8Array): void {
  if (type === 256) {
    const read = ldk.ChannelAnnouncement.constructor_read(body);
    if (!(read instanceof ldk.Result_ChannelAnnouncementDecodeErrorZ_OK)) throw new Error("unreadable");
    expectOk(handler.handle_channel_announcement(null, read.res));
  } else if (type === 258) {
    const read = ldk.ChannelUpdate.constructor_read(body);
    if (!(read instanceof ldk.Result_ChannelUpdateDecodeErrorZ_OK)) throw new Error("unreadable");
    expectOk(handler.handle_channel_update(null, read.res));
  } else {
    const read = ldk.NodeAnnouncement.constructor_read(body);
    if (!(read instanceof ldk.Result_NodeAnnouncementDecodeErrorZ_OK)) throw new Error("unreadable");
    expectOk(handler.handle_node_announcement(null, read.res));
  }
}

function expectOk(result: ldk.Result_boolLightningErrorZ): void {
  if (!result.is_ok()) throw new Error("refused");
}
