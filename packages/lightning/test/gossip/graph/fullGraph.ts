import { NetworkGraph } from "@fulmen/lightning/gossip";
import {
  msat,
  type NodeId,
  present,
  type ShortChannelId,
  sat,
  shortChannelId,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";

const [alice, bob, carol] = testNodes(3);

/** A graph in which everything is that a graph can hold: signed and unsigned, closed and failed. */
export function fullGraph(): NetworkGraph {
  const graph = new NetworkGraph({ chainHash });
  const [one, two, three] = [present(alice, "alice"), present(bob, "bob"), present(carol, "carol")];
  const features = Features.ofBits([1000]).toBytes();
  const first = announcement(one, two, 700_000, { features, unknownFields: Uint8Array.of(1, 2, 3) });
  graph.addOwnChannel(first, { now, capacity: sat(5_000_000) });
  graph.updateChannel(update(one, first, { unknownFields: Uint8Array.of(9) }), { now });
  graph.updateChannel(update(two, first, { channelFlags: 3, messageFlags: 0x81 }), { now });
  const second = announcement(two, three, 600_000);
  graph.updateChannelFromAnnouncement(second, { now });
  graph.updateChannel(update(three, second, { channelFlags: 1, htlcMaximumMsat: msat(2n ** 60n) }), { now });
  const told = { nodeOne: one.id, nodeTwo: three.id, features: Features.none };
  const third = shortChannelId({ height: 650_000, txIndex: 7, outputIndex: 1 });
  graph.addChannelFromPartialAnnouncement({ ...told, shortChannelId: third, capacity: sat(123_456) }, now);
  const terms = { enabled: true, lastUpdate: now - 60, cltvExpiryDelta: 144, feeProportionalMillionths: 250 };
  const amounts = { htlcMinimum: msat(1_000), htlcMaximum: msat(120_000_000), feeBaseMsat: 0xffff_ffff };
  graph.updateChannelUnsigned({ ...terms, ...amounts, shortChannelId: third, fromNodeOne: false }, now);
  graph.updateNodeFromAnnouncement(nodeAnnouncement(one, { unknownFields: new Uint8Array(40).fill(5) }), {
    now,
  });
  graph.updateNodeUnsigned(
    {
      nodeId: three.id,
      timestamp: now - 3,
      features: Features.of({ basic_mpp: "optional" }),
      addresses: [{ type: "ipv4", host: "10.0.0.1", port: 9735 }],
    },
    now,
  );
  const closed = shortChannelId({ height: 1, txIndex: 1, outputIndex: 1 });
  addAndRemove(graph, closed, [one.id, two.id], (at) => graph.channelClosed(closed, at));
  const gone = `03${"ff".repeat(32)}` as NodeId;
  addAndRemove(graph, (closed + 1n) as ShortChannelId, [one.id, gone], (at) =>
    graph.handleNetworkUpdate({ kind: "node-failure", nodeId: gone, isPermanent: true }, at),
  );
  graph.lastRapidGossipSync = (now - 86_400) as UnixSeconds;
  return graph;
}

function addAndRemove(
  graph: NetworkGraph,
  id: ShortChannelId,
  [nodeOne, nodeTwo]: readonly [NodeId, NodeId],
  remove: (at: UnixSeconds) => void,
): void {
  graph.addChannelFromPartialAnnouncement(
    { shortChannelId: id, nodeOne, nodeTwo, features: Features.none },
    now,
  );
  remove(now);
}
