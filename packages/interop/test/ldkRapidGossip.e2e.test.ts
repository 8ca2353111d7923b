import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import {
  type ChannelUpdateInfo,
  encodeRapidSnapshot,
  NetworkGraph,
  RapidGossipHistory,
  RapidGossipSync,
  type RapidVersion,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import {
  fromHex,
  msat,
  type NodeId,
  nodeIdOf,
  sat,
  shortChannelId,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { encodeAddresses, Features, type SocketAddress } from "@fulmen/lightning/wire";
import { Dice } from "@fulmen/testkit/network";
import * as ldk from "lightningdevkit";
import { type LdkGraphChannel, type LdkGraphNode, LdkRapidGraph } from "#src/ldkRapidGossip";
import { loadLdk } from "#src/ldkRuntime";

const start = 1_800_000_000 as UnixSeconds;
const interval = 3 * 3600;
const { genesisHash: chainHash } = networks.regtest;

/** A network that changes, in a graph of ours to which it is told unsigned. */
class World {
  readonly graph = new NetworkGraph({ chainHash });
  readonly #dice: Dice;
  #channels = 0;

  constructor(seed: number) {
    this.#dice = new Dice(seed);
    for (let i = 0; i < 150; i++) this.#open(start);
  }

  change(now: UnixSeconds): void {
    this.#open(now);
    const ids = [...this.graph.channels()].map((channel) => channel.shortChannelId);
    for (const id of ids) {
      if (this.#dice.roll(60) === 0) this.graph.channelClosed(id, now);
      else if (this.#dice.roll(6) === 0) this.#say(id, this.#dice.roll(2) === 0, now);
    }
    for (const { nodeId } of [...this.graph.nodes()])
      if (this.#dice.roll(10) === 0) this.#announce(nodeId, now);
  }

  #open(now: UnixSeconds): void {
    const [one, two] = [this.#node(), this.#node()].sort() as [NodeId, NodeId];
    if (one === two) return;
    const id = shortChannelId({
      height: 700_000 + this.#channels++,
      txIndex: this.#dice.roll(3000),
      outputIndex: this.#dice.roll(2),
    });
    const features = this.#dice.roll(9) === 0 ? Features.ofBits([101, 3]) : Features.none;
    const channel = { shortChannelId: id, nodeOne: one, nodeTwo: two, features };
    const capacity = this.#dice.roll(9) === 0 ? {} : { capacity: sat(10_000_000) };
    assert(this.graph.addChannelFromPartialAnnouncement({ ...channel, ...capacity }, now).ok);
    for (const fromNodeOne of [true, false]) if (this.#dice.roll(8) > 0) this.#say(id, fromNodeOne, now);
    for (const nodeId of [one, two]) this.#announce(nodeId, now);
  }

  #node(): NodeId {
    const key = new Uint8Array(32).fill(1 + this.#dice.roll(40));
    return nodeIdOf(crypto().publicKey(key));
  }

  #say(id: ReturnType<typeof shortChannelId>, fromNodeOne: boolean, now: UnixSeconds): void {
    const roll = (values: readonly number[]): number => values[this.#dice.roll(values.length)] ?? 0;
    this.graph.updateChannelUnsigned(
      {
        shortChannelId: id,
        fromNodeOne,
        lastUpdate: now,
        enabled: roll([1, 1, 1, 0]) === 1,
        cltvExpiryDelta: roll([40, 40, 80, 0, 0xffff]),
        htlcMinimum: msat(roll([1000, 1000, 0, 1, 2 ** 40])),
        htlcMaximum: msat(roll([9_900_000_000, 9_900_000_000, 10_000_000_000, 1])),
        feeBaseMsat: roll([1000, 1000, 0, 0xffff_ffff]),
        feeProportionalMillionths: roll([1, 100, this.#dice.roll(5000), 0xffff_ffff]),
      },
      now,
    );
  }

  #announce(nodeId: NodeId, now: UnixSeconds): void {
    const addresses: readonly (readonly SocketAddress[])[] = [
      [],
      [{ type: "ipv4", host: `10.0.0.${this.#dice.roll(256)}`, port: 9735 }],
      [
        { type: "ipv6", host: "2001:db8::1", port: 1 },
        { type: "tor-v3", host: `${"a".repeat(56)}.onion`, port: 9735 },
        { type: "dns", host: "node.example.com", port: 9735 },
      ],
    ];
    const features = [[1], [1, 7], [1, 7, 15, 17], [this.#dice.roll(300)], []][this.#dice.roll(5)] ?? [];
    this.graph.updateNodeUnsigned(
      {
        nodeId,
        timestamp: now,
        features: Features.ofBits(features),
        addresses: addresses[this.#dice.roll(3)] ?? [],
      },
      now,
    );
  }
}

/** What LDK's graph should hold after it was told of ours: all channels of which both sides have said their terms. */
function expectedChannels(graph: NetworkGraph): readonly unknown[] {
  const channels: unknown[] = [];
  for (const { shortChannelId: id, nodeOne, nodeTwo, features, oneToTwo, twoToOne } of graph.channels()) {
    if (oneToTwo === undefined || twoToOne === undefined) continue;
    channels.push([id, nodeOne, nodeTwo, toHex(features.toBytes()), termsOf(oneToTwo), termsOf(twoToOne)]);
  }
  return channels.sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

function channelsIn(channels: readonly LdkGraphChannel[], known: NetworkGraph): readonly unknown[] {
  return channels
    .filter(({ shortChannelId: id }) => known.channel(id as ReturnType<typeof shortChannelId>) !== undefined)
    .map(({ shortChannelId: id, nodeOne, nodeTwo, features, oneToTwo, twoToOne }) => [
      id,
      nodeOne,
      nodeTwo,
      features,
      oneToTwo && termsOf(oneToTwo),
      twoToOne && termsOf(twoToOne),
    ])
    .sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

function termsOf(
  terms: Omit<ChannelUpdateInfo, "htlcMinimum" | "htlcMaximum"> & Amounts,
): readonly unknown[] {
  const { enabled, cltvExpiryDelta, htlcMinimum, htlcMaximum, feeBaseMsat, feeProportionalMillionths } =
    terms;
  return [enabled, cltvExpiryDelta, htlcMinimum, htlcMaximum, feeBaseMsat, feeProportionalMillionths];
}

interface Amounts {
  readonly htlcMinimum: bigint;
  readonly htlcMaximum: bigint;
}

function expectedNodes(graph: NetworkGraph): readonly LdkGraphNode[] {
  const ids = new Set<NodeId>();
  for (const { nodeOne, nodeTwo, oneToTwo, twoToOne } of graph.channels()) {
    if (oneToTwo !== undefined && twoToOne !== undefined) ids.add(nodeOne).add(nodeTwo);
  }
  return [...ids].sort().map((nodeId) => {
    const announcement = graph.node(nodeId)?.announcement;
    if (announcement === undefined) return { nodeId };
    const { features, addresses } = announcement;
    return {
      nodeId,
      features: toHex(features.toBytes()),
      addresses: addresses.map((address) => toHex(encodeAddresses([address]))),
    };
  });
}

function snapshotOf(history: RapidGossipHistory, version: RapidVersion, since: number): Uint8Array {
  return encodeRapidSnapshot(rapidSnapshotSince(history, { version, since: since as UnixSeconds }));
}

describe("LDK's client of rapid gossip sync", () => {
  before(loadLdk);

  for (const version of [1, 2] as const) {
    it(`reads our full snapshots, version ${version}: its graph is ours`, () => {
      for (let seed = 1; seed <= 2; seed++) {
        const { graph } = new World(seed);
        const theirs = new LdkRapidGraph(ldk.Network.LDKNetwork_Regtest);
        assert.equal(theirs.apply(snapshotOf(RapidGossipHistory.of(graph, start), version, 0), start), start);
        const expected = expectedChannels(graph);
        assert(expected.length > 80, `${expected.length} channels`);
        assert.deepEqual(channelsIn(theirs.channels(), graph), expected);
        assert.equal(theirs.channels().length, expected.length);
        if (version === 2) assert.deepEqual(theirs.nodes(), expectedNodes(graph));
      }
    });

    it(`reads our deltas, version ${version}: its graph stays ours, and what our client makes of them`, () => {
      const world = new World(version);
      const history = RapidGossipHistory.of(world.graph, start);
      const theirs = new LdkRapidGraph(ldk.Network.LDKNetwork_Regtest);
      const ours = new NetworkGraph({ chainHash });
      const sync = new RapidGossipSync(ours);
      for (let tick = 0; tick <= 8 * 16; tick++) {
        const now = (start + tick * interval) as UnixSeconds;
        if (tick > 0) {
          if (tick % 4 === 0) world.change(now);
          world.graph.removeStaleChannelsAndTracking(now);
          history.observe(world.graph, now);
        }
        // Four times a day, then every second day.
        if (tick % (tick < 48 ? 4 : 16) > 0) continue;
        const snapshot = snapshotOf(history, version, sync.lastSync);
        assert.deepEqual(sync.updateNetworkGraph(snapshot, now), { ok: true, value: now });
        assert.equal(theirs.apply(snapshot, now), now);
        const channels = theirs.channels();
        assert.deepEqual(channelsIn(channels, world.graph), expectedChannels(world.graph));
        // What is closed, too, is forgotten at the same time, and what is kept is of the same age.
        assert.deepEqual(
          channels.map(({ shortChannelId: id, oneToTwo, twoToOne }) => [
            id,
            oneToTwo?.lastUpdate,
            twoToOne?.lastUpdate,
          ]),
          [...ours.channels()]
            .map(({ shortChannelId: id, oneToTwo, twoToOne }) => [
              id,
              oneToTwo?.lastUpdate,
              twoToOne?.lastUpdate,
            ])
            .sort(([a], [b]) => ((a ?? 0) < (b ?? 0) ? -1 : 1)),
        );
      }
    });
  }

  it("refuses what ours refuses", () => {
    const { graph } = new World(1);
    const snapshot = snapshotOf(RapidGossipHistory.of(graph, start), 2, 0);
    const dice = new Dice(5);
    const theirs = new LdkRapidGraph(ldk.Network.LDKNetwork_Regtest);
    let both = 0;
    for (let run = 0; run < 36; run++) {
      const changed = snapshot.slice(0, run % 3 === 0 ? dice.roll(snapshot.length) : undefined);
      if (run % 3 > 0) changed[dice.roll(changed.length)] = dice.roll(256);
      if (theirs.apply(changed, start) !== undefined) continue;
      const ours = new NetworkGraph({ chainHash });
      const result = new RapidGossipSync(ours).updateNetworkGraph(changed, start);
      if (!result.ok) both++;
      // This LDK asks of every key whether it is a point, later ones and we do where a payment is to go there.
      else
        assert(
          [...ours.nodes()].some(({ nodeId }) => !crypto().isPoint(fromHex(nodeId))),
          "LDK refuses",
        );
    }
    assert(both > 9, `${both} of 36`);
  });
});
