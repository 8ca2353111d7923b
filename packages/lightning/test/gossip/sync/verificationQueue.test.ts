import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type UtxoLookup, verifySignatures } from "@fulmen/lightning/gossip";
import type { GossipMessage } from "@fulmen/lightning/handlers";
import { type NodeId, present, sat } from "@fulmen/lightning/util";
import { encodeShortChannelIds, encodeTimestamps } from "@fulmen/lightning/wire";
import fc from "fast-check";
import {
  announcement,
  chainHash,
  fundingScriptOf,
  nodeAnnouncement,
  now,
  spoilt,
  testNodes,
  update,
} from "../signedGossip.ts";
import { connectPeer, Gossiper, sentBy, textOf } from "./gossipNetwork.ts";

const nodes = testNodes(5);
const node = (i: number) => present(nodes[i], "a test node");
const dave = node(3).id;
const erin = node(4).id;
const channel = announcement(node(0), node(1), 100);
const fromOne = update(node(0), channel);
const fromTwo = update(node(1), channel, { channelFlags: 1 });
const ofOne = nodeAnnouncement(node(0));

function queued(utxoLookup?: UtxoLookup): Gossiper {
  const made = new Gossiper(node(2).id, { verification: "queued", ...(utxoLookup && { utxoLookup }) });
  for (const peer of [dave, erin]) connectPeer(made.sync, peer);
  sentBy(made.sync);
  return made;
}

function send({ sync }: Gossiper, from: NodeId, ...messages: readonly GossipMessage[]): void {
  for (const message of messages) sync.handleMessage(from, message);
}

/** Verifies one batch of about so many signatures; how many it had. */
function verify({ sync }: Gossiper, max = 1_000): number {
  const batch = sync.takeSignatureBatch(max);
  if (batch === undefined) return 0;
  sync.signaturesChecked(batch.batchId, verifySignatures(batch.signatures));
  return batch.signatures.length;
}

function verifyAll(us: Gossiper): number {
  let count = 0;
  for (let more = verify(us); more > 0; more = verify(us)) count += more;
  return count;
}

/** How much of the channel is in the graph: it, its terms, its first node's word. */
function known({ graph }: Gossiper): readonly boolean[] {
  const found = graph.channel(channel.shortChannelId);
  return [found, found?.oneToTwo, found?.twoToOne, graph.node(node(0).id)?.announcement].map(
    (part) => part !== undefined,
  );
}

const relayed = ({ sync }: Gossiper) =>
  sync.takeMessageSendEvents().flatMap((event) => (event.kind === "broadcast" ? [event.message] : []));

describe("gossip whose signatures are verified elsewhere", () => {
  test("enters the graph with its verdicts, and what follows an announcement after it", () => {
    const us = queued();
    send(us, dave, channel, fromOne, fromTwo, ofOne);
    assert.deepEqual(known(us), [false, false, false, false]);
    assert.deepEqual(relayed(us), []);
    assert.equal(verify(us), 4);
    assert.deepEqual(known(us), [true, false, false, false]);
    assert.equal(verify(us), 3);
    assert.deepEqual(known(us), [true, true, true, true]);
    assert.equal(verify(us), 0);
    assert.deepEqual(relayed(us), [channel, fromOne, fromTwo, ofOne]);
  });

  test("goes out in batches, whole messages each, and may come back in any order", () => {
    const us = queued();
    const others = [1, 2, 3].map((i) => announcement(node(0), node(1), 100 + i));
    send(us, dave, channel, ...others);
    const batches = [5, 4, 4].map((max) => present(us.sync.takeSignatureBatch(max), "a batch"));
    assert.deepEqual(
      batches.map(({ signatures }) => signatures.length),
      [8, 4, 4],
    );
    assert.equal(us.sync.takeSignatureBatch(1), undefined);
    for (const { batchId, signatures } of batches.toReversed()) {
      us.sync.signaturesChecked(batchId, verifySignatures(signatures));
    }
    assert.equal(us.graph.channelCount, 4);
  });

  test("a bad signature drops that message and blames its peer; the rest of the batch is not touched", () => {
    const us = queued();
    const forged = { ...channel, bitcoinSignature2: spoilt(channel.bitcoinSignature2) };
    const other = announcement(node(1), node(2), 101);
    send(us, dave, forged, fromOne);
    send(us, erin, channel, other, { ...ofOne, signature: spoilt(ofOne.signature) });
    assert.equal(verify(us), 12);
    assert.equal(us.graph.channelCount, 2);
    verifyAll(us);
    assert.deepEqual(known(us), [true, true, false, false]);
    assert.deepEqual(
      sentBy(us.sync).map(({ to, message }) => [to, textOf(message).split(":")[0]]),
      [
        [dave, "bad-signature"],
        [erin, "bad-signature"],
      ],
    );
  });

  test("what needs a channel whose announcement proves false is unknown", () => {
    const us = queued();
    send(us, dave, { ...channel, nodeSignature1: spoilt(channel.nodeSignature1) }, fromOne, ofOne);
    verifyAll(us);
    assert.deepEqual(known(us), [false, false, false, false]);
    assert.equal(sentBy(us.sync).length, 1);
    assert.equal(us.sync.takeSignatureBatch(1), undefined);
  });

  test("the same from several peers is verified once, also when one of them has left", () => {
    const us = queued();
    send(us, dave, channel, fromOne);
    send(us, erin, channel, fromOne);
    us.sync.peerDisconnected(dave);
    assert.equal(verifyAll(us), 5);
    assert.deepEqual(known(us), [true, true, false, false]);
  });

  test("who has left and come again is not blamed for what came before", () => {
    const us = queued();
    send(us, dave, { ...channel, nodeSignature1: spoilt(channel.nodeSignature1) });
    us.sync.peerDisconnected(dave);
    connectPeer(us.sync, dave, undefined, 2);
    sentBy(us.sync);
    verifyAll(us);
    assert.deepEqual(
      sentBy(us.sync).filter(({ message }) => message.type === "warning"),
      [],
    );
  });

  test("the end of an answer counts when what came before it is verified", () => {
    const us = queued();
    send(us, dave, {
      type: "reply_channel_range",
      chainHash,
      firstBlocknum: 0,
      numberOfBlocks: 0xffff_ffff,
      syncComplete: true,
      encodedShortIds: encodeShortChannelIds([channel.shortChannelId]),
      tlvs: { timestampsTlv: encodeTimestamps([{ timestampNodeId1: now, timestampNodeId2: 0 }]) },
    });
    assert.equal(sentBy(us.sync)[0]?.message.type, "query_short_channel_ids");
    send(us, dave, channel, fromOne);
    send(us, dave, { type: "reply_short_channel_ids_end", chainHash, fullInformation: true });
    assert.equal(verify(us), 4);
    assert.deepEqual(sentBy(us.sync), []);
    assert.equal(verify(us), 1);
    assert.deepEqual(
      sentBy(us.sync).map(({ to, message }) => [to, message.type]),
      [[erin, "query_channel_range"]],
    );
  });

  test("who changes his word often is heard ten times, also when all of it waits together", () => {
    const us = queued();
    send(us, dave, channel);
    verify(us);
    for (let i = 0; i < 20; i++) send(us, dave, update(node(0), channel, { timestamp: now + i }));
    assert.equal(verify(us), 20);
    assert.equal(us.graph.channel(channel.shortChannelId)?.oneToTwo?.lastUpdate, now + 9);
    assert.equal(relayed(us).length, 11);
  });

  test("verdicts on nothing are nothing; too few are a bug of the caller's", () => {
    const us = queued();
    send(us, dave, channel);
    us.sync.signaturesChecked(77, [true]);
    const { batchId } = present(us.sync.takeSignatureBatch(1), "a batch");
    assert.throws(() => us.sync.signaturesChecked(batchId, [true]), /1 verdicts on 4/);
  });

  test("the order in which verdicts come changes nothing of what is known in the end", () => {
    const all: GossipMessage[] = [];
    for (let i = 0; i < 6; i++) {
      const [one, two] = [node(i % 4), node((i % 4) + 1)];
      const each = announcement(one, two, 200 + i);
      all.push(each, update(one, each), update(one, each, { timestamp: now + i }));
      all.push(update(two, each, { channelFlags: 1 }), nodeAnnouncement(one, { timestamp: now + i }));
    }
    const plain = new Gossiper(node(2).id);
    connectPeer(plain.sync, dave);
    send(plain, dave, ...all);
    const picks = fc.array(
      fc.record({ take: fc.boolean(), at: fc.nat(9), max: fc.integer({ min: 1, max: 9 }) }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(picks, (steps) => {
        const us = queued();
        const out: { batchId: number; verdicts: readonly boolean[] }[] = [];
        const left = [...all];
        const give = (at: number) => {
          const [batch] = out.splice(at % Math.max(1, out.length), 1);
          if (batch !== undefined) us.sync.signaturesChecked(batch.batchId, batch.verdicts);
        };
        for (const { take, at, max } of [...steps, ...new Array(40).fill({ take: true, at: 0, max: 9 })]) {
          send(us, at % 2 === 0 ? dave : erin, ...left.splice(0, at));
          const batch = take ? us.sync.takeSignatureBatch(max) : undefined;
          if (batch === undefined) give(at);
          else out.push({ batchId: batch.batchId, verdicts: verifySignatures(batch.signatures) });
        }
        send(us, dave, ...left);
        while (out.length > 0) give(0);
        verifyAll(us);
        assert.deepEqual(us.contents(), plain.contents());
      }),
      { seed: 3, numRuns: 30 },
    );
  });
});

describe("the bounds of what waits to be verified", () => {
  /** As many announcements as wanted; nobody verifies their signatures here. */
  function announcements(): () => GossipMessage {
    let height = 500_000;
    return () => {
      height++;
      return { ...channel, shortChannelId: (BigInt(height) << 40n) as typeof channel.shortChannelId };
    };
  }

  test("a peer with 500 messages is not read from; above 1,500 they are dropped", () => {
    const us = queued();
    const more = announcements();
    for (let i = 0; i < 499; i++) send(us, dave, more());
    assert.equal(us.sync.wantsToPause(dave), false);
    send(us, dave, more());
    assert.equal(us.sync.wantsToPause(dave), true);
    assert.equal(us.sync.wantsToPause(erin), false);
    for (let i = 0; i < 2_000; i++) send(us, dave, more());
    const batch = present(us.sync.takeSignatureBatch(1_000_000), "a batch");
    assert.equal(batch.signatures.length, 4 * 1_500);
    us.sync.signaturesChecked(batch.batchId, new Array(6_000).fill(true));
    assert.equal(us.sync.wantsToPause(dave), false);
    assert.equal(us.graph.channelCount, 1_500);
  });

  test("4,000 messages of many peers pause all who have one among them; 8,000 wait at most", () => {
    const us = queued();
    const more = announcements();
    const peers = Array.from({ length: 30 }, (_, i) => `02${(i + 16).toString(16).repeat(32)}` as NodeId);
    for (const peer of peers) connectPeer(us.sync, peer);
    for (const peer of peers.slice(0, 10)) for (let i = 0; i < 400; i++) send(us, peer, more());
    assert.deepEqual(peers.map((peer) => us.sync.wantsToPause(peer)).lastIndexOf(true), 9);
    for (const peer of peers) for (let i = 0; i < 400; i++) send(us, peer, more());
    const batch = present(us.sync.takeSignatureBatch(1_000_000), "a batch");
    assert.equal(batch.signatures.length, 4 * 8_000);
  });

  test("a long node announcement does not wait for a channel", () => {
    const us = queued();
    send(us, dave, channel, nodeAnnouncement(node(0), { addresses: new Uint8Array(2_100) }));
    verify(us);
    assert.equal(us.sync.takeSignatureBatch(1), undefined);
  });
});

describe("more announcements than lookups may be under way", () => {
  const channels = Array.from({ length: 140 }, (_, i) => announcement(node(0), node(1), 1_000 + i));
  const terms = channels.map((each) => update(node(0), each));
  for (const verification of ["queued", "at-once"] as const) {
    test(`wait, and are looked up as others are answered (${verification})`, () => {
      const asked: (typeof channel.shortChannelId)[] = [];
      const utxoLookup: UtxoLookup = {
        getUtxo: (_, id) => {
          asked.push(id);
          return { kind: "pending" };
        },
      };
      const us = new Gossiper(node(2).id, { verification, utxoLookup });
      for (const peer of [dave, erin]) connectPeer(us.sync, peer);
      for (const [i, each] of channels.entries()) send(us, dave, each, present(terms[i], "its terms"));
      send(us, dave, { type: "reply_short_channel_ids_end", chainHash, fullInformation: true });
      verifyAll(us);
      assert.equal(asked.length, 128);
      assert.equal(us.sync.wantsToPause(dave), true);
      const value = sat(10_000_000);
      for (const each of channels) {
        us.sync.utxoResolved(each.shortChannelId, { kind: "found", value, script: fundingScriptOf(each) });
        verifyAll(us);
      }
      assert.equal(asked.length, 140);
      assert.equal(us.graph.channelCount, 140);
      const updates = channels.filter(
        ({ shortChannelId: id }) => us.graph.channel(id)?.oneToTwo !== undefined,
      );
      assert.equal(updates.length, 140);
      assert.equal(us.sync.wantsToPause(dave), false);
    });
  }
});
