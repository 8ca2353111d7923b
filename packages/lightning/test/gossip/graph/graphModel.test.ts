import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ChannelInfo,
  type ChannelUpdateInfo,
  edgeAmount,
  edgeFlag,
  edgeWord,
  type GossipRefusal,
  type GraphMessage,
  NetworkGraph,
  nodeFlag,
  type UtxoLookup,
} from "@fulmen/lightning/gossip";
import {
  msat,
  type NodeId,
  present,
  type Result,
  type ShortChannelId,
  type Signature,
  sat,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { type ChannelUpdate, Features, type NodeAnnouncement } from "@fulmen/lightning/wire";
import fc from "fast-check";
import { storedGossip } from "#src/gossip/graph/timestampFilter";
import { chainHash, fundingScriptOf, now as start } from "../signedGossip.ts";
import { NaiveGraph, type NaiveTerms, unsignedChannel } from "./naiveGraph.ts";

const maxChannels = 8;
const nodeIds = Array.from({ length: 7 }, (_, i) => {
  const hex = (i * 37 + 11).toString(16).padStart(2, "0");
  return `0${2 + (i % 2)}${hex.repeat(32)}` as NodeId;
}).toSorted();
/** Ids that share one word or the other. */
const channelIds = [1n, 2n, 1n << 32n, (1n << 32n) + 1n, (1n << 63n) + 1n, 0xffff_ffff_ffff_ffffn]
  .flatMap((id) => [id, id ^ 0x8000_0000n, id ^ 0x100_0000_0000n])
  .map((id) => id as ShortChannelId);
const featureSets = [Features.none, Features.ofBits([1000]), Features.of({ basic_mpp: "optional" })];

const amounts = fc.constantFrom(
  0n,
  1n,
  1000n,
  5_000_000n,
  15_000_000n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 60n,
  2n ** 64n - 1n,
);
const step = fc.record({
  what: fc.constantFrom(
    ...(["announce", "announce", "announce", "announce-unsigned", "announce-unsigned"] as const),
    ...(["update", "update", "update", "update", "describe", "describe"] as const),
    ...(["close", "fail-channel", "fail-node", "prune", "prune", "reload"] as const),
  ),
  channel: fc.nat(channelIds.length - 1),
  nodes: fc.tuple(fc.nat(nodeIds.length - 1), fc.nat(nodeIds.length - 1)),
  side: fc.nat(1),
  isSigned: fc.boolean(),
  isDisabled: fc.boolean(),
  capacity: fc.option(fc.constantFrom(0n, 1n, 10_000n, 16_777_215n)),
  features: fc.nat(2),
  extra: fc.uint8Array({ maxLength: 3 }),
  minimum: amounts,
  maximum: amounts,
  fee: fc.nat(0xffff_ffff),
  /** Seconds that have passed before, and by which the sender's clock differs. */
  passed: fc.constantFrom(0, 0, 1, 3600, 24 * 3600, 8 * 24 * 3600),
  skew: fc.constantFrom(0, 0, 0, 1, -1, -13 * 24 * 3600, 24 * 3600 + 1, -14 * 24 * 3600 - 1),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  graph = new NetworkGraph({ chainHash, maxChannels, hashSeed: 99 });
  readonly naive = new NaiveGraph(maxChannels);
  readonly seen: Set<string>;
  now: UnixSeconds = start;

  /** `seen` gathers what calls gave. */
  constructor(seen: Set<string>) {
    this.seen = seen;
  }

  take(one: Step): void {
    this.now = (this.now + one.passed) as UnixSeconds;
    const { graph, naive, now } = this;
    const id = present(channelIds[one.channel], "a channel");
    const nodeId = present(nodeIds[one.nodes[0]], "a node");
    switch (one.what) {
      case "announce":
      case "announce-unsigned":
        this.#announce(one, id);
        return;
      case "update":
        this.#update(one, id);
        return;
      case "describe":
        this.#describe(one, nodeId);
        return;
      case "close":
        graph.channelClosed(id, now);
        naive.close(id, now);
        return;
      case "fail-channel":
        graph.handleNetworkUpdate(
          { kind: "channel-failure", shortChannelId: id, isPermanent: one.isSigned },
          now,
        );
        if (one.isSigned) naive.close(id, now);
        return;
      case "fail-node":
        graph.handleNetworkUpdate({ kind: "node-failure", nodeId, isPermanent: one.isSigned }, now);
        if (one.isSigned) naive.fail(nodeId, now);
        return;
      case "prune":
        graph.removeStaleChannelsAndTracking(now);
        naive.prune(now);
        return;
      case "reload":
        this.#reload(one.fee);
        return;
    }
  }

  /** Writes the graph, and goes on with what is read. */
  #reload(hashSeed: number): void {
    this.graph.lastRapidGossipSync = hashSeed % 2 === 0 ? undefined : this.now;
    const bytes = this.graph.write();
    const graph = NetworkGraph.read(bytes, { chainHash, maxChannels, hashSeed });
    assert.deepEqual(graph.write(), bytes);
    assert.equal(graph.lastRapidGossipSync, this.graph.lastRapidGossipSync);
    this.graph = graph;
  }

  #announce(one: Step, shortChannelId: ShortChannelId): void {
    const { graph, naive, now } = this;
    const { what, capacity, features, extra } = one;
    // Mostly the same two nodes, so that their channel is confirmed, not replaced.
    const nodes = one.isDisabled && one.isSigned ? one.nodes : [one.channel % 6, (one.channel % 6) + 1];
    const [nodeOne, nodeTwo] = nodes.map((node) => present(nodeIds[node], "a node")).toSorted();
    if (nodeOne === undefined || nodeTwo === undefined || nodeOne === nodeTwo) return;
    const featureSet = present(featureSets[features], "features");
    const capacitySat = capacity === null ? undefined : sat(capacity);
    if (what === "announce-unsigned") {
      const partial = { shortChannelId, nodeOne, nodeTwo, features: featureSet };
      const withCapacity = { ...partial, ...(capacitySat !== undefined && { capacity: capacitySat }) };
      const result = graph.addChannelFromPartialAnnouncement(withCapacity, now);
      this.#same(result, naive.announceUnsigned(partial, now, capacitySat));
      return;
    }
    const message = unsignedChannel(shortChannelId, [nodeOne, nodeTwo], {
      features: featureSet.toBytes(),
      unknownFields: extra,
    });
    const found = { kind: "found", value: sat(capacity ?? 0n), script: fundingScriptOf(message) } as const;
    const lookup: UtxoLookup = { getUtxo: () => found };
    const result = this.#signed(message, capacity === null ? undefined : lookup);
    this.#same(result, naive.announce(message, now, capacitySat));
  }

  #update(one: Step, shortChannelId: ShortChannelId): void {
    const message: ChannelUpdate = {
      type: "channel_update",
      signature: new Uint8Array(64).fill(one.fee & 0xff) as Signature,
      chainHash,
      shortChannelId,
      timestamp: this.now + one.skew,
      messageFlags: 1,
      channelFlags: one.side + (one.isDisabled ? 2 : 0) + (one.fee % 3 === 0 ? 0x80 : 0),
      cltvExpiryDelta: one.fee & 0xffff,
      htlcMinimumMsat: msat(one.minimum),
      feeBaseMsat: msat(one.fee),
      feeProportionalMillionths: 0xffff_ffff - one.fee,
      htlcMaximumMsat: msat(one.maximum),
      unknownFields: one.extra,
    };
    const result = one.isSigned
      ? this.#signed(message)
      : this.graph.updateChannelUnsigned(
          {
            shortChannelId,
            fromNodeOne: one.side === 0,
            enabled: !one.isDisabled,
            lastUpdate: message.timestamp,
            cltvExpiryDelta: message.cltvExpiryDelta,
            htlcMinimum: message.htlcMinimumMsat,
            htlcMaximum: message.htlcMaximumMsat,
            feeBaseMsat: one.fee,
            feeProportionalMillionths: message.feeProportionalMillionths,
          },
          this.now,
        );
    this.#same(result, this.naive.update(message, this.now, one.isSigned));
  }

  #describe({ features, extra, fee, skew, isSigned }: Step, nodeId: NodeId): void {
    const message: NodeAnnouncement = {
      type: "node_announcement",
      signature: new Uint8Array(64).fill(fee & 0xff) as Signature,
      features: present(featureSets[features], "features").toBytes(),
      timestamp: this.now + skew,
      nodeId,
      rgbColor: Uint8Array.of(1, 2, 3),
      alias: new Uint8Array(32).fill(fee & 0x7f),
      addresses: new Uint8Array(0),
      unknownFields: isSigned ? new Uint8Array(extra.length * 300).fill(7) : new Uint8Array(0),
    };
    const result = isSigned
      ? this.#signed(message)
      : this.graph.updateNodeUnsigned(
          { ...message, features: Features.fromBytes(message.features), addresses: [] },
          this.now,
        );
    this.#same(result, this.naive.describe(message, this.now, isSigned));
  }

  #same(result: Result<string, GossipRefusal>, expected: string): void {
    assert.equal(result.ok ? result.value : result.error.kind, expected);
    this.seen.add(expected);
  }

  /** Takes a message in as if its signatures were valid. */
  #signed(message: GraphMessage, lookup?: UtxoLookup) {
    const prepared = this.graph.prepare(message, { now: this.now }, lookup);
    if (!prepared.ok) return prepared;
    const verdicts = prepared.value.checks.map(() => true);
    return this.graph.apply(prepared.value, verdicts, { now: this.now }, lookup);
  }
}

/** Compares every view and every column. */
function compare(graph: NetworkGraph, naive: NaiveGraph): void {
  assert.equal(graph.channelCount, naive.channels.size);
  assert.equal(graph.nodeCount, naive.nodeIds().length);
  assert.deepEqual([...graph.nodes()].map(({ nodeId }) => nodeId).toSorted(), naive.nodeIds());
  const listed = [...graph.channels()].map(({ shortChannelId }) => shortChannelId);
  assert.deepEqual(listed.toSorted(ascending), [...naive.channels.keys()].toSorted(ascending));
  for (const id of channelIds) compareChannel(graph, naive, id);
  for (const id of nodeIds) compareNode(graph, naive, id);
  compareFree(graph);
  const stored = [...storedGossip(graph, { first: 0, end: Number.POSITIVE_INFINITY })];
  assert.deepEqual(stored.map(toHex).toSorted(), relayed(naive).map(toHex).toSorted());
}

function compareChannel(graph: NetworkGraph, naive: NaiveGraph, id: ShortChannelId): void {
  const known = naive.channels.get(id);
  const view = graph.channel(id);
  const slot = graph.channelSlot(id);
  const next = [...naive.channels.keys()].filter((other) => other >= id).toSorted(ascending)[0];
  assert.equal(graph.channelFrom(id)?.shortChannelId, next);
  assert.equal(view === undefined, known === undefined);
  assert.equal(slot === undefined, known === undefined);
  if (known === undefined || view === undefined || slot === undefined) return;
  assert.ok(slot < graph.channelLimit);
  assert.equal(graph.shortChannelIdOf(slot), id);
  assert.deepEqual(plain(view), {
    nodes: known.nodes,
    features: Features.fromBytes(known.features).toBytes(),
    fundingVerified: known.fundingVerified,
    capacity: known.capacity,
    announcementReceivedAt: known.announcementReceivedAt,
    message: known.message,
    terms: known.terms,
  });
  const requiresUnknown = Features.fromBytes(known.features).hasBit(1000);
  assert.equal(view.unknownFeaturesRequired, requiresUnknown);
  for (const side of [0, 1] as const) {
    compareEdge(graph, 2 * slot + side, {
      ends: side === 0 ? known.nodes : [known.nodes[1], known.nodes[0]],
      terms: known.terms[side],
      capacity: known.capacity,
      requiresUnknown,
      id,
    });
  }
}

function compareEdge(
  graph: NetworkGraph,
  edge: number,
  expected: {
    readonly ends: readonly NodeId[];
    readonly terms: NaiveTerms | undefined;
    readonly capacity: bigint | undefined;
    readonly requiresUnknown: boolean;
    readonly id: bigint;
  },
): void {
  const { terms } = expected;
  const word = (place: number) => graph.edgeWords[edge * edgeWord.count + place];
  const amount = (place: number) => graph.edgeAmounts[edge * edgeAmount.count + place];
  const usable = terms?.enabled === true && terms.htlcMinimum <= terms.htlcMaximum;
  assert.deepEqual(
    {
      ends: [word(edgeWord.source), word(edgeWord.target)],
      base: word(edgeWord.feeBaseMsat),
      proportional: word(edgeWord.feeProportionalMillionths),
      cltv: word(edgeWord.cltvExpiryDelta),
      lastUpdate: word(edgeWord.lastUpdate),
      minimum: amount(edgeAmount.htlcMinimum),
      maximum: amount(edgeAmount.htlcMaximum),
      capacity: amount(edgeAmount.capacity),
      id:
        (BigInt(word(edgeWord.shortChannelIdHigh) ?? 0) << 32n) +
        BigInt(word(edgeWord.shortChannelIdLow) ?? 0),
      flags: (word(edgeWord.flags) ?? 0) & 7,
    },
    {
      ends: expected.ends.map((end) => graph.nodeCounter(end)),
      base: terms?.feeBaseMsat ?? 0,
      proportional: terms?.feeProportionalMillionths ?? 0,
      cltv: terms?.cltvExpiryDelta ?? 0,
      lastUpdate: terms?.lastUpdate ?? 0,
      minimum: Number(terms?.htlcMinimum ?? 0n),
      maximum: Number(terms?.htlcMaximum ?? 0n),
      capacity: expected.capacity === undefined ? -1 : Number(expected.capacity * 1000n),
      id: expected.id,
      flags:
        (usable ? edgeFlag.usable : 0) |
        (terms === undefined ? 0 : edgeFlag.hasTerms) |
        (expected.requiresUnknown ? edgeFlag.unknownFeaturesRequired : 0),
    },
  );
}

function compareNode(graph: NetworkGraph, naive: NaiveGraph, id: NodeId): void {
  const theirs = naive.channelsOf(id);
  const view = graph.node(id);
  const counter = graph.nodeCounter(id);
  assert.equal(view === undefined, theirs.length === 0);
  assert.equal(counter === undefined, theirs.length === 0);
  if (view === undefined || counter === undefined) return;
  assert.equal(graph.nodeIdOf(counter), id);
  assert.equal(view.counter, counter);
  assert.deepEqual(
    view.channels.map(({ shortChannelId }) => shortChannelId).toSorted(ascending),
    theirs.map(({ shortChannelId }) => shortChannelId).toSorted(ascending),
  );
  const first = present(graph.edgesIntoStart[counter], "a start");
  const into = graph.edgesInto.subarray(first, first + (graph.edgesIntoCount[counter] ?? 0));
  const usable = graph.edgesIntoUsable[counter] ?? 0;
  const { unknownFeaturesRequired } = edgeFlag;
  for (const [place, edge] of into.entries()) {
    const flags = graph.edgeWords[edge * edgeWord.count + edgeWord.flags] ?? 0;
    const isUsable = (flags & (edgeFlag.usable | unknownFeaturesRequired)) === edgeFlag.usable;
    assert.equal(place < usable, isUsable, `edge ${edge} at ${place} of ${usable} usable ones`);
    const source = graph.edgeWords[edge * edgeWord.count + edgeWord.source];
    assert.equal(graph.edgesIntoSource[first + place], source);
  }
  const expected = theirs.map(({ shortChannelId, nodes }) => {
    return 2 * present(graph.channelSlot(shortChannelId), "a slot") + (nodes[1] === id ? 0 : 1);
  });
  assert.deepEqual(
    [...into].toSorted((a, b) => a - b),
    expected.toSorted((a, b) => a - b),
  );
  const said = naive.announcements.get(id);
  const features = Features.fromBytes(said?.features ?? new Uint8Array(0));
  assert.deepEqual(
    {
      lastUpdate: view.announcement?.lastUpdate,
      features: view.announcement?.features.toBytes(),
      alias: view.announcement?.alias,
      message: view.announcement?.message,
    },
    { lastUpdate: said?.lastUpdate, features: said?.features, alias: said?.alias, message: said?.message },
  );
  assert.equal(
    (graph.nodeFlags[counter] ?? 0) & 3,
    (features.hasBit(1000) ? nodeFlag.unknownFeaturesRequired : 0) |
      (features.has("basic_mpp") ? nodeFlag.basicMpp : 0),
  );
}

/** All that could be relayed, channels first. */
function relayed(naive: NaiveGraph): readonly Uint8Array[] {
  const channels = [...naive.channels.values()].flatMap(({ message, terms }) => {
    const updates = terms.flatMap((one) => one?.message ?? []);
    return message === undefined || updates.length === 0 ? [] : [message, ...updates];
  });
  return [...channels, ...[...naive.announcements.values()].flatMap(({ message }) => message ?? [])];
}

/** Nothing is left where nothing is. */
function compareFree(graph: NetworkGraph): void {
  const used = new Set(channelIds.map((id) => graph.channelSlot(id)));
  assert.ok(graph.channelLimit <= maxChannels);
  for (let slot = 0; slot < graph.channelLimit; slot++) {
    if (used.has(slot)) continue;
    const words = graph.edgeWords.subarray(2 * slot * edgeWord.count, 2 * (slot + 1) * edgeWord.count);
    assert.ok(words.every((word) => word === 0));
  }
  const counters = new Set(nodeIds.map((id) => graph.nodeCounter(id)));
  assert.equal(graph.nodeLimit, graph.nodeCounterLimit);
  for (let counter = 0; counter < graph.edgesIntoCount.length; counter++) {
    if (!counters.has(counter)) assert.equal(graph.edgesIntoCount[counter], 0);
    if (counter < graph.nodeLimit && !counters.has(counter)) assert.equal(graph.nodeFlags[counter], 0);
  }
}

function plain({ oneToTwo, twoToOne, ...view }: ChannelInfo) {
  return {
    nodes: [view.nodeOne, view.nodeTwo],
    features: view.features.toBytes(),
    fundingVerified: view.fundingVerified,
    capacity: view.capacity,
    announcementReceivedAt: view.announcementReceivedAt,
    message: view.message,
    terms: [oneToTwo, twoToOne] satisfies (ChannelUpdateInfo | undefined)[],
  };
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

describe("NetworkGraph, beside one of maps and objects", () => {
  test("every view and every column is the same after each step", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const run = new Run(seen);
        for (const one of steps) {
          run.take(one);
          compare(run.graph, run.naive);
        }
      }),
      { seed: 51, numRuns: 50 },
    );
    assert.deepEqual([...seen].toSorted(), [
      "added",
      "channel-closed",
      "duplicate",
      "full",
      "htlc-maximum-too-large",
      "node-failed",
      "stale",
      "timestamp-out-of-range",
      "unknown-channel",
      "unknown-node",
      "updated",
    ]);
  });
});
