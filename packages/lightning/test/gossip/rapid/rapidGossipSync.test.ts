import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import {
  encodeRapidSnapshot,
  NetworkGraph,
  RapidGossipHistory,
  RapidGossipSync,
  type RapidSnapshot,
  type RapidVersion,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import {
  fromHex,
  msat,
  type NodeId,
  type ShortChannelId,
  sat,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { chainHash, now } from "../signedGossip.ts";
import { inGraph } from "./rapidClient.ts";
import { Dice, idNumber, nodeIdNumber, RapidWorld } from "./rapidWorld.ts";

const hour = 3600;
const day = 24 * hour;
const ldk = JSON.parse(
  readFileSync(new URL("../../../../../fixtures/rapid-gossip/ldk.json", import.meta.url), "utf8"),
);

interface ListedTerms {
  readonly cltvExpiryDelta: number;
  readonly htlcMinimum: string;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly htlcMaximum: string;
}

interface LdkCase {
  readonly name: string;
  readonly snapshots: readonly string[];
  readonly latestSeen: UnixSeconds;
  readonly channels: readonly {
    readonly shortChannelId: string;
    readonly nodeOne: NodeId;
    readonly nodeTwo: NodeId;
    readonly oneToTwo?: ListedTerms;
    readonly twoToOne?: ListedTerms;
  }[];
}

function mainnetGraph(): NetworkGraph {
  return new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
}

/** All that a graph holds, to be compared. */
function contents(graph: NetworkGraph): unknown {
  const channels = [...graph.channels()].map(({ features, ...channel }) => [features.bits(), channel]);
  const nodes = [...graph.nodes()].map(({ nodeId, announcement }) => {
    const { features, ...said } = announcement ?? {};
    return [nodeId, features?.bits(), said];
  });
  return [channels, nodes, graph.lastRapidGossipSync];
}

describe("RapidGossipSync", () => {
  for (const { name, snapshots, latestSeen, channels } of ldk.cases as readonly LdkCase[]) {
    it(`reads what LDK's tests have: ${name}`, () => {
      const graph = mainnetGraph();
      const sync = new RapidGossipSync(graph);
      for (const hex of snapshots) assert(sync.updateNetworkGraph(fromHex(hex), latestSeen).ok);
      assert.equal(sync.lastSync, latestSeen);
      const found = [...graph.channels()].map(({ shortChannelId, nodeOne, nodeTwo, oneToTwo, twoToOne }) => ({
        shortChannelId: String(shortChannelId),
        nodeOne,
        nodeTwo,
        ...(oneToTwo && { oneToTwo: listed(oneToTwo) }),
        ...(twoToOne && { twoToOne: listed(twoToOne) }),
      }));
      assert.deepEqual(found, channels);
    });
  }

  it("reads what LDK's tests have: addresses and features of nodes", () => {
    const graph = mainnetGraph();
    const { bytes, latestSeen, nodes, node, addresses, ofThemTorV2 } = ldk.details.nodesWithAddresses;
    assert(new RapidGossipSync(graph).updateNetworkGraph(fromHex(bytes), latestSeen).ok);
    assert.equal(graph.nodeCount, nodes);
    const announcement = graph.node(node)?.announcement;
    assert.equal(announcement?.addresses.length, addresses - ofThemTorV2);
    assert.deepEqual(announcement?.features.toBytes(), fromHex("1730"));
    assert.equal(announcement?.lastUpdate, latestSeen - 7 * day);
    assert.equal(announcement?.message, undefined);
  });

  it("reads what LDK's tests have: nodes without channels, which it leaves out", () => {
    const graph = mainnetGraph();
    const { bytes, latestSeen } = ldk.details.nodesWithoutChannels;
    assert.deepEqual(new RapidGossipSync(graph).updateNetworkGraph(fromHex(bytes), latestSeen), {
      ok: true,
      value: latestSeen,
    });
    assert.equal(graph.nodeCount, 0);
  });

  it("reads what LDK's tests have: data that a later version added", () => {
    const graph = mainnetGraph();
    const { bytes, latestSeen } = ldk.details.additionalData;
    assert(new RapidGossipSync(graph).updateNetworkGraph(fromHex(bytes), latestSeen).ok);
    assert.deepEqual(
      [...graph.channels()].map(({ capacity, oneToTwo }) => [capacity, oneToTwo?.feeBaseMsat]),
      [[sat(42), 6]],
    );
  });

  it("forgets with the same second as LDK what was not said for a week", () => {
    const [{ snapshots, latestSeen }] = ldk.cases;
    for (const [age, channels] of [
      [7 * day, 2],
      [7 * day + 1, 0],
      [14 * day, 0],
    ]) {
      const graph = mainnetGraph();
      assert(new RapidGossipSync(graph).updateNetworkGraph(fromHex(snapshots[0]), latestSeen + age).ok);
      assert.equal(graph.channelCount, channels, `after ${age} s`);
    }
  });

  it("knows when it never had a snapshot", () => {
    const graph = mainnetGraph();
    const sync = new RapidGossipSync(graph);
    assert.deepEqual([sync.lastSync, sync.isInitialSyncComplete], [0, false]);
    const [{ snapshots, latestSeen }] = ldk.cases;
    assert(sync.updateNetworkGraph(fromHex(snapshots[0]), latestSeen).ok);
    // The time is the graph's: another `RapidGossipSync` goes on with it.
    const other = new RapidGossipSync(graph);
    assert.deepEqual([other.lastSync, other.isInitialSyncComplete], [latestSeen, true]);
  });
});

describe("RapidGossipSync refuses, and leaves the graph as it is", () => {
  const [{ snapshots, latestSeen }] = ldk.cases;
  const valid = fromHex(snapshots[0]);

  function refusal(bytes: Uint8Array, time: number, graph = mainnetGraph()): string {
    const before = contents(graph);
    const result = new RapidGossipSync(graph).updateNetworkGraph(bytes, time as UnixSeconds);
    assert.deepEqual(contents(graph), before);
    assert(!result.ok);
    if (result.error.kind === "bad-snapshot") assert.equal(result.error.error.name, "DecodeError");
    return result.error.kind;
  }

  it("what is more than two weeks old", () => {
    assert.equal(refusal(valid, latestSeen + 14 * day + 1), "stale");
  });

  it("what is more than a day ahead", () => {
    assert.equal(refusal(valid, latestSeen - day - 1), "from-the-future");
    assert(
      new RapidGossipSync(mainnetGraph()).updateNetworkGraph(valid, (latestSeen - day) as UnixSeconds).ok,
    );
  });

  it("what is of another chain", () => {
    assert.equal(refusal(valid, latestSeen, new NetworkGraph({ chainHash })), "wrong-chain");
  });

  it("what is cut, or of a version to come", () => {
    assert.equal(refusal(fromHex(ldk.refused.clipped), latestSeen), "bad-snapshot");
    assert.equal(refusal(fromHex(ldk.refused.unknownVersion), latestSeen), "bad-snapshot");
    for (let length = 0; length < valid.length; length++) {
      assert.equal(refusal(valid.subarray(0, length), latestSeen), "bad-snapshot");
    }
  });

  it("what is false, wherever it is: nothing of it is taken in", () => {
    const dice = new Dice(11);
    const world = new RapidWorld(5, { nodes: 8, channels: 12 });
    const history = RapidGossipHistory.of(world.graph(), now);
    const first = encodeRapidSnapshot(rapidSnapshotSince(history, { version: 2, since: 0 as UnixSeconds }));
    for (let i = 0; i < 10; i++) world.change();
    const later = (now + hour) as UnixSeconds;
    history.observe(world.graph(), later);
    const delta = encodeRapidSnapshot(rapidSnapshotSince(history, { version: 2, since: now }));
    let refused = 0;
    for (let run = 0; run < 200; run++) {
      const graph = new NetworkGraph({ chainHash });
      const sync = new RapidGossipSync(graph);
      assert(sync.updateNetworkGraph(first, now).ok);
      const before = contents(graph);
      const changed = delta.slice();
      changed[dice.below(changed.length)] = dice.below(256);
      if (sync.updateNetworkGraph(changed, later).ok) continue;
      refused++;
      assert.deepEqual(contents(graph), before);
    }
    assert(refused > 20, `${refused} of 200 refused`);
  });
});

describe("a graph, as a snapshot of it makes another", () => {
  function full(world: RapidWorld, version: RapidVersion): Uint8Array {
    const history = RapidGossipHistory.of(world.graph(), now);
    return encodeRapidSnapshot(rapidSnapshotSince(history, { version, since: 0 as UnixSeconds }));
  }

  it("is equal in all that version 2 can say", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new RapidWorld(seed, { nodes: 20, channels: 60 });
      const graph = new NetworkGraph({ chainHash });
      assert(new RapidGossipSync(graph).updateNetworkGraph(full(world, 2), now).ok);
      assert.deepEqual(listedBy(graph, world), inGraph(world.graph()));
    }
  });

  it("is equal in all that version 1 can say", () => {
    const world = new RapidWorld(1, { nodes: 20, channels: 60 });
    const graph = new NetworkGraph({ chainHash });
    assert(new RapidGossipSync(graph).updateNetworkGraph(full(world, 1), now).ok);
    assert(graph.channelCount > 20);
    for (const channel of graph.channels()) {
      const original = world.graph().channel(channel.shortChannelId);
      assert.equal(channel.capacity, undefined);
      assert.deepEqual(
        [channel.oneToTwo, channel.twoToOne].map((terms) => terms && listed(terms)),
        [original?.oneToTwo, original?.twoToOne].map((terms) => terms && listed(terms)),
      );
    }
    assert([...graph.nodes()].every(({ announcement }) => announcement === undefined));
  });

  it("stays equal by deltas, however often they come", () => {
    for (let seed = 1; seed <= 2; seed++) {
      const dice = new Dice(seed);
      const world = new RapidWorld(seed, { nodes: 10, channels: 20 });
      const history = RapidGossipHistory.of(world.graph(), now);
      const clients = [1, 8, 32, 0].map((period) => {
        return { period, graph: new NetworkGraph({ chainHash }), next: 0 };
      });
      for (let tick = 1; tick <= 8 * 25; tick++) {
        const time = (now + tick * 3 * hour) as UnixSeconds;
        if (dice.oneIn(3)) world.change();
        history.observe(world.graph(), time);
        for (const one of clients) {
          one.graph.removeStaleChannelsAndTracking(time);
          if (tick < one.next) continue;
          one.next = tick + (one.period || 1 + dice.below(8 * 12));
          const sync = new RapidGossipSync(one.graph);
          const delta = rapidSnapshotSince(history, { version: 2, since: sync.lastSync });
          assert(sync.updateNetworkGraph(encodeRapidSnapshot(delta), time).ok);
          assert.deepEqual(listedBy(one.graph, world), inGraph(world.graph()));
        }
      }
    }
  });
});

describe("what the graph knows better than a snapshot", () => {
  const [one, two] = [nodeIdNumber(1), nodeIdNumber(0)].sort() as [NodeId, NodeId];
  const terms = {
    cltvExpiryDelta: 40,
    htlcMinimum: msat(1),
    feeBaseMsat: 1,
    feeProportionalMillionths: 1,
    htlcMaximum: msat(1000),
  };
  const id = idNumber(9n);
  const about = { shortChannelId: id, isFromNodeOne: true, enabled: true };
  const snapshot: RapidSnapshot = {
    version: 2,
    chainHash,
    latestSeen: now,
    nodes: [{ nodeId: one, features: Features.ofBits([7]) }],
    channels: [{ shortChannelId: id, nodeOne: one, nodeTwo: two, features: Features.none }],
    updates: [{ ...about, kind: "full", terms }],
  };

  function synced(): { readonly graph: NetworkGraph; readonly sync: RapidGossipSync } {
    const graph = new NetworkGraph({ chainHash });
    const sync = new RapidGossipSync(graph);
    assert(sync.updateNetworkGraph(encodeRapidSnapshot(snapshot), now).ok);
    return { graph, sync };
  }

  it("stays: what peers said in the last week", () => {
    const { graph, sync } = synced();
    const fresh = { ...terms, feeBaseMsat: 77, enabled: true, lastUpdate: now - 6 * day };
    assert(graph.updateChannelUnsigned({ ...fresh, shortChannelId: id, fromNodeOne: true }, now).ok);
    const later = (now + hour) as UnixSeconds;
    assert(sync.updateNetworkGraph(encodeRapidSnapshot({ ...snapshot, latestSeen: later }), later).ok);
    assert.equal(graph.channel(id)?.oneToTwo?.feeBaseMsat, 77);
  });

  it("is renewed by a reminder, and not changed", () => {
    const { graph, sync } = synced();
    const later = (now + 6 * day) as UnixSeconds;
    const reminder: RapidSnapshot = {
      ...snapshot,
      latestSeen: later,
      nodes: [{ nodeId: one }],
      channels: [],
      updates: [{ ...about, kind: "incremental", changes: {} }],
    };
    assert(sync.updateNetworkGraph(encodeRapidSnapshot(reminder), later).ok);
    const known = graph.channel(id)?.oneToTwo;
    assert.deepEqual(known && listed(known), listed(terms));
    assert.equal(known?.lastUpdate, later - 7 * day);
    const announcement = graph.node(one)?.announcement;
    assert.deepEqual(announcement?.features.bits(), [7]);
    assert.equal(announcement?.lastUpdate, later - 7 * day);
  });

  it("is never relayed: there is no message to relay", () => {
    const { graph } = synced();
    const channel = graph.channel(id);
    assert.deepEqual(
      [channel?.message, channel?.oneToTwo?.message, channel?.fundingVerified],
      [undefined, undefined, false],
    );
  });
});

function listed(terms: Omit<ListedTerms, "htlcMinimum" | "htlcMaximum"> & Amounts): ListedTerms {
  const { cltvExpiryDelta, htlcMinimum, feeBaseMsat, feeProportionalMillionths, htlcMaximum } = terms;
  const amounts = { htlcMinimum: String(htlcMinimum), htlcMaximum: String(htlcMaximum) };
  return { cltvExpiryDelta, feeBaseMsat, feeProportionalMillionths, ...amounts };
}

interface Amounts {
  readonly htlcMinimum: bigint;
  readonly htlcMaximum: bigint;
}

/** What `graph` says of the channels that `world` has, in the world's order. */
function listedBy(graph: NetworkGraph, world: RapidWorld): unknown {
  const original = world.graph();
  return inGraph({
    channelCount: 0,
    nodeCount: 0,
    nodeCounterLimit: 0,
    channel: (id: ShortChannelId) => graph.channel(id),
    // What a node no longer says of itself, nobody is told.
    node: (id: NodeId) => original.node(id)?.announcement && graph.node(id),
    channels: () => original.channels(),
    nodes: () => original.nodes(),
    channelFrom: (from: bigint) => graph.channelFrom(from),
  });
}
