import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GossipMessage } from "@fulmen/lightning/handlers";
import { type NodeId, present, type UnixSeconds } from "@fulmen/lightning/util";
import {
  decodeQueryFlags,
  decodeShortChannelIds,
  encodeMessage,
  encodeShortChannelIds,
  encodeTimestamps,
  type ReplyChannelRange,
} from "@fulmen/lightning/wire";
import fc from "fast-check";
import { updateChecksum } from "#src/gossip/sync/updateChecksum";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";
import { connectPeer, Gossiper, GossipNetwork, offers, sentBy, textOf } from "./gossipNetwork.ts";

const nodes = testNodes(8);
const node = (i: number) => present(nodes[i % nodes.length], "a test node");
const peerIds = Array.from({ length: 12 }, (_, i) => `02${(i + 16).toString(16).repeat(32)}` as NodeId);
const peerId = (i: number) => present(peerIds[i], "a peer");
const at = (seconds: number) => (now + seconds) as UnixSeconds;

const channels = Array.from({ length: 12 }, (_, i) => {
  const [a, b] = [i % 7, (i % 7) + 1];
  return { channel: announcement(node(a), node(b), 100 + i), one: node(a), two: node(b) };
});
/** All there is: of each channel both terms, and what most nodes say. */
const everything: readonly (readonly GossipMessage[])[] = channels.map(({ channel, one, two }, i) => [
  channel,
  update(one, channel, { timestamp: now - 100 * i }),
  update(two, channel, { timestamp: now - 50 * i, channelFlags: 1 }),
  ...(i < 6 ? [nodeAnnouncement(one)] : []),
]);

function gossiper(i: number, parts: readonly number[] = []): Gossiper {
  const made = new Gossiper(peerId(i));
  connectPeer(made.sync, peerId(11), offers.none);
  for (const part of parts) {
    for (const message of present(everything[part], "a part")) made.sync.handleMessage(peerId(11), message);
  }
  made.sync.peerDisconnected(peerId(11));
  made.sync.takeMessageSendEvents();
  return made;
}

const all = channels.map((_, i) => i);

describe("a new node", () => {
  test("fetches from an extended peer, by range and ids, all that it has", () => {
    const [us, them] = [gossiper(0), gossiper(1, all)];
    const network = new GossipNetwork();
    assert.deepEqual(us.sync.status, { kind: "waiting" });
    network.connect(us, them);
    assert.deepEqual(us.sync.status, { kind: "syncing", toFetch: 0 });
    network.passes = ({ type }) => type !== "gossip_timestamp_filter";
    network.settle();
    assert.deepEqual(us.contents(), them.contents());
    assert.deepEqual(us.sync.status, { kind: "synced", since: now });
    assert.equal(network.carried.get("channel_announcement"), channels.length);
  });

  test("gets from other peers only what the first lacks", () => {
    const [us, a, b] = [gossiper(0), gossiper(1, all.slice(0, 10)), gossiper(2, all.slice(5))];
    const network = new GossipNetwork();
    network.passes = ({ type }) => type !== "gossip_timestamp_filter";
    network.connect(us, a);
    network.settle();
    assert.equal(us.graph.channelCount, 10);
    network.connect(us, b);
    network.settle();
    assert.equal(us.graph.channelCount, 12);
    // The first lacks two as well, and asks us for none: it had its turn, and hears of them as they come.
    assert.equal(network.carried.get("channel_announcement"), 12 + 5);
  });

  test("listens to a peer's dump when it cannot say how new its terms are, then asks for the rest", () => {
    const [us, them] = [gossiper(0), gossiper(1, all)];
    const network = new GossipNetwork();
    const late = channels.slice(0, 3).map(({ channel }) => channel.shortChannelId);
    let isDumping = true;
    network.passes = (message) => {
      if (message.type === "reply_channel_range") Object.assign(message, { tlvs: {} });
      return !isDumping || !("shortChannelId" in message) || !late.includes(message.shortChannelId);
    };
    network.connect(us, them, offers.plain);
    network.settle();
    isDumping = false;
    network.wait(30);
    assert.equal(us.graph.channelCount, channels.length - 3);
    assert.equal(network.carried.get("query_short_channel_ids"), undefined);
    assert.equal(us.sync.status.kind, "syncing");
    network.wait(20);
    assert.equal(network.carried.get("query_short_channel_ids"), 1);
    assert.deepEqual(us.contents(), them.contents());
    assert.equal(us.sync.status.kind, "synced");
  });

  test("is synced when its only peer lists channels but never answers by ids, as LDK does not", () => {
    const [us, them] = [gossiper(0), gossiper(1, all)];
    const network = new GossipNetwork();
    network.passes = (message) => {
      if (message.type === "reply_channel_range") Object.assign(message, { tlvs: {} });
      if (message.type === "channel_announcement")
        return message.shortChannelId !== channels[3]?.channel.shortChannelId;
      return message.type !== "query_short_channel_ids";
    };
    network.connect(us, them, offers.plain);
    network.wait(100);
    assert.equal(us.graph.channelCount, channels.length - 1);
    assert.equal(us.sync.status.kind, "synced");
  });

  test("whose peers come and go, lose messages and know different parts, ends with all that they know", () => {
    const scenario = fc.record({
      parts: fc.array(fc.uniqueArray(fc.nat(channels.length - 1)), { minLength: 2, maxLength: 4 }),
      isExtended: fc.boolean(),
      lost: fc.array(fc.nat(60), { maxLength: 12 }),
      breaks: fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(scenario, ({ parts, isExtended, lost, breaks }) => {
        const network = new GossipNetwork();
        const each = parts.map((known, i) => gossiper(i, known));
        const pick = (i: number) => present(each[i % each.length], "a node");
        const features = isExtended ? offers.extended : offers.plain;
        let count = 0;
        // The network is bad for a while, then good.
        network.passes = () => !lost.includes(count++);
        for (const [i, one] of each.entries()) if (i > 0) network.connect(pick(i - 1), one, features);
        network.settle();
        for (const [i, j] of breaks) {
          const [a, b] = [pick(i), pick(i + 1 + j)];
          if (a === b) continue;
          network.disconnect(a, b);
          network.connect(a, b, features);
          network.settle();
        }
        network.passes = () => true;
        for (const [i, one] of each.entries()) {
          if (i === 0) continue;
          network.disconnect(pick(i - 1), one);
          network.connect(pick(i - 1), one, features);
        }
        network.wait(2 * 3_700);
        const union = gossiper(10, [...new Set(parts.flat())]).contents();
        for (const { contents } of each.map((one) => ({ contents: one.contents() }))) {
          assert.deepEqual(contents, union);
        }
      }),
      { seed: 5, numRuns: 12 },
    );
  });
});

/** A node that has asked `peers` for everything so far, and what it asked of the last one. */
function asking(...features: readonly (typeof offers)[keyof typeof offers][]) {
  const us = gossiper(0);
  const asked = features.map((each, i) => {
    connectPeer(us.sync, peerId(i + 1), each, i + 1);
    return sentBy(us.sync);
  });
  return { us, sync: us.sync, asked: asked.flat() };
}

interface Listed {
  readonly channel: number;
  readonly times?: readonly [number, number];
  readonly sums?: readonly [number, number];
}

function reply(listed: readonly Listed[], changes: Partial<ReplyChannelRange> = {}): ReplyChannelRange {
  const [first] = listed;
  return {
    type: "reply_channel_range",
    chainHash,
    firstBlocknum: 0,
    numberOfBlocks: 0xffff_ffff,
    syncComplete: true,
    encodedShortIds: encodeShortChannelIds(listed.map((one) => idOf(one.channel))),
    tlvs: {
      ...(first?.times && {
        timestampsTlv: encodeTimestamps(
          listed.map(({ times = [0, 0] }) => ({ timestampNodeId1: times[0], timestampNodeId2: times[1] })),
        ),
      }),
      ...(first?.sums && {
        checksumsTlv: listed.map(({ sums = [0, 0] }) => ({
          checksumNodeId1: sums[0],
          checksumNodeId2: sums[1],
        })),
      }),
    },
    ...changes,
  };
}

function idOf(channel: number) {
  return present(channels[channel], "a channel").channel.shortChannelId;
}

/** What the one query among these asks for. */
function idsAsked(sent: ReturnType<typeof sentBy>) {
  const queries = sent.flatMap(({ message }) =>
    message.type === "query_short_channel_ids" ? [message] : [],
  );
  assert.ok(queries.length <= 1);
  return queries.flatMap(({ encodedShortIds, tlvs: { queryFlags } }) => {
    const flags = queryFlags && decodeQueryFlags(queryFlags);
    return decodeShortChannelIds(encodedShortIds).map((id, i) => [
      channels.findIndex(({ channel }) => channel.shortChannelId === id),
      flags?.[i],
    ]);
  });
}

const end = { type: "reply_short_channel_ids_end", chainHash, fullInformation: true } as const;

describe("what is asked for", () => {
  test("one peer at a time is asked for its channels, and each for new gossip", () => {
    const { asked } = asking(offers.extended, offers.plain, offers.none);
    const filter = { type: "gossip_timestamp_filter", chainHash, timestampRange: 0xffff_ffff } as const;
    assert.deepEqual(asked, [
      { to: peerId(1), message: { ...filter, firstTimestamp: now - 3_600 } },
      {
        to: peerId(1),
        message: {
          type: "query_channel_range",
          chainHash,
          firstBlocknum: 0,
          numberOfBlocks: 0xffff_ffff,
          tlvs: { queryOption: 3n },
        },
      },
      { to: peerId(2), message: { ...filter, firstTimestamp: now - 14 * 24 * 3_600 } },
      { to: peerId(3), message: { ...filter, firstTimestamp: 0xffff_ffff, timestampRange: 0 } },
    ]);
  });

  test("what is lacking or newer, but not what is stale, from the future, or says nothing new", () => {
    const us = gossiper(0, [0, 1, 2]);
    const sums = [0, 1, 2].map((i): readonly [number, number] => {
      const [, one, two] = present(everything[i], "a part").map(encodeMessage);
      return [updateChecksum(present(one, "update")), updateChecksum(present(two, "update"))];
    });
    connectPeer(us.sync, peerId(1));
    sentBy(us.sync);
    const day = 24 * 3_600;
    const listed: readonly Listed[] = [
      { channel: 0, times: [now, now], sums: [1, 1] },
      { channel: 1, times: [now + 5, now - 50], sums: [1, 1] },
      { channel: 2, times: [now + 5, now + 5], sums: [sums[2]?.[0] ?? 0, 7] },
      { channel: 3, times: [now - 15 * day, now - 15 * day] },
      { channel: 4, times: [now + 2 * day, 0] },
      { channel: 5, times: [now - 13 * day, 0] },
      { channel: 6, times: [now, now] },
    ];
    us.sync.handleMessage(peerId(1), reply(listed));
    assert.deepEqual(idsAsked(sentBy(us.sync)), [
      [1, 2n],
      [2, 4n],
      [5, 27n],
      [6, 31n],
    ]);
    assert.deepEqual(us.sync.status, { kind: "syncing", toFetch: 0 });
  });

  test("terms that say the same are fetched when ours will be stale soon", () => {
    const us = gossiper(0, [0]);
    const sum = updateChecksum(encodeMessage(present(everything[0]?.[1], "update")));
    for (const [days, expected] of [
      [6, []],
      [7, [[0, 2n]]],
    ] as const) {
      const later = at(days * 24 * 3_600);
      us.sync.tick(later);
      connectPeer(us.sync, peerId(days));
      sentBy(us.sync);
      us.sync.handleMessage(peerId(days), reply([{ channel: 0, times: [later, now], sums: [sum, 0] }]));
      assert.deepEqual(idsAsked(sentBy(us.sync)), expected);
      us.sync.peerDisconnected(peerId(days));
    }
  });

  test("many channels are fetched in batches, each when the one before has ended", () => {
    const us = gossiper(0);
    connectPeer(us.sync, peerId(1));
    sentBy(us.sync);
    const ids = Array.from({ length: 1_200 }, (_, i) => BigInt(i + 1) << 40n) as ReturnType<typeof idOf>[];
    const times = encodeTimestamps(ids.map(() => ({ timestampNodeId1: now, timestampNodeId2: now })));
    const answer = reply([], { encodedShortIds: encodeShortChannelIds(ids), tlvs: { timestampsTlv: times } });
    us.sync.handleMessage(peerId(1), answer);
    for (const [count, left] of [
      [500, 700],
      [500, 200],
      [200, 0],
    ]) {
      assert.equal(idsAsked(sentBy(us.sync)).length, count);
      us.sync.tick(at(10));
      assert.deepEqual(sentBy(us.sync), []);
      assert.deepEqual(us.sync.status, { kind: "syncing", toFetch: left });
      us.sync.handleMessage(peerId(1), present(everything[0]?.[0], "anything"));
      us.sync.handleMessage(peerId(1), end);
    }
    assert.equal(us.sync.status.kind, "synced");
  });
});

describe("peers that answer badly", () => {
  const good: readonly Listed[] = [{ channel: 0, times: [now, now] }];
  const wrong: Readonly<
    Record<string, { readonly replies: readonly ReplyChannelRange[]; readonly says: RegExp }>
  > = {
    "another chain": { replies: [reply(good, { chainHash: "11".repeat(32) as never })], says: /chain 11/ },
    "not the first block": { replies: [reply(good, { firstBlocknum: 1 })], says: /first block/ },
    "no blocks": { replies: [reply(good, { numberOfBlocks: 0 })], says: /first block/ },
    "ids that descend": { replies: [reply([...good, { channel: 0 }])], says: /ascending/ },
    "ids that come again": {
      replies: [reply(good, { syncComplete: false }), reply(good)],
      says: /ascending/,
    },
    "replies that go back": {
      replies: [
        reply(good, { syncComplete: false, numberOfBlocks: 200 }),
        reply([], { firstBlocknum: 150, numberOfBlocks: 1, syncComplete: false }),
        reply([], { firstBlocknum: 149, numberOfBlocks: 9, syncComplete: false }),
      ],
      says: /replies are not in ascending order/,
    },
    "nothing, again and again": {
      replies: [reply([], { syncComplete: false }), reply([], { syncComplete: false })],
      says: /the same blocks again/,
    },
    "too few timestamps": {
      replies: [reply(good, { encodedShortIds: encodeShortChannelIds([idOf(0), idOf(1)]) })],
      says: /1 timestamps for 2 channels/,
    },
    "too many checksums": {
      replies: [reply([], { tlvs: { checksumsTlv: [{ checksumNodeId1: 1, checksumNodeId2: 2 }] } })],
      says: /1 checksums for 0 channels/,
    },
    "half an id": { replies: [reply([], { encodedShortIds: new Uint8Array(8) })], says: /./ },
    "more after the last": { replies: [reply([]), reply([])], says: /without a query/ },
  };
  for (const [what, { replies, says }] of Object.entries(wrong)) {
    test(`${what}: warned, and the next one is asked`, () => {
      const { sync } = asking(offers.extended, offers.extended);
      let sent = sentBy(sync);
      for (const each of replies) {
        sync.handleMessage(peerId(1), each);
        sent = [...sent, ...sentBy(sync)];
      }
      const warning = sent.find(({ message }) => message.type === "warning");
      assert.equal(warning?.to, peerId(1));
      assert.match(textOf(warning.message), says);
      assert.ok(sent.some(({ to, message }) => to === peerId(2) && message.type === "query_channel_range"));
    });
  }

  test("an answer without end is cut off", () => {
    const { sync } = asking(offers.extended);
    let replies = 0;
    let sent = sentBy(sync);
    for (; sent.length === 0; sent = sentBy(sync)) {
      const ids = Array.from({ length: 4_000 }, (_, i) => BigInt(replies * 4_000 + i + 1) << 16n);
      replies++;
      assert.ok(replies < 200);
      const encodedShortIds = encodeShortChannelIds(ids as ReturnType<typeof idOf>[]);
      sync.handleMessage(peerId(1), reply([], { encodedShortIds, syncComplete: false }));
    }
    assert.equal(replies, 101);
    assert.match(textOf(sent[0]?.message), /more than 400000 channels/);
  });

  test("an end that nobody waits for, and one after nothing was told of many channels", () => {
    const { sync } = asking(offers.extended);
    sync.handleMessage(peerId(1), end);
    assert.match(textOf(sentBy(sync)[0]?.message), /what we did not ask/);
    const us = gossiper(0);
    connectPeer(us.sync, peerId(1));
    const ids = Array.from({ length: 20 }, (_, i) => BigInt(i + 1) << 40n) as ReturnType<typeof idOf>[];
    us.sync.handleMessage(peerId(1), reply([], { encodedShortIds: encodeShortChannelIds(ids) }));
    us.sync.tick(at(10));
    us.sync.tick(at(40));
    sentBy(us.sync);
    us.sync.handleMessage(peerId(1), end);
    assert.match(textOf(sentBy(us.sync)[0]?.message), /nothing about channels that you listed/);
    assert.equal(us.sync.status.kind, "waiting");
  });

  test("silence ends a turn; a late answer is no offence, and the peer is asked again in an hour", () => {
    const { sync } = asking(offers.extended, offers.extended);
    sync.tick(at(50));
    assert.deepEqual(sentBy(sync), []);
    sync.tick(at(60));
    assert.deepEqual(
      sentBy(sync).map(({ to, message }) => [to, message.type]),
      [
        [peerId(1), "gossip_timestamp_filter"],
        [peerId(2), "query_channel_range"],
      ],
    );
    sync.handleMessage(peerId(1), reply([]));
    assert.deepEqual(sentBy(sync), []);
    sync.handleMessage(peerId(2), reply([]));
    assert.deepEqual(sync.status, { kind: "synced", since: at(60) });
    sync.tick(at(3_650));
    assert.deepEqual(sentBy(sync), []);
    sync.tick(at(3_660));
    assert.deepEqual(
      sentBy(sync).map(({ to, message }) => [to, message.type]),
      [[peerId(1), "query_channel_range"]],
    );
  });

  test("one that goes in the middle of its turn gives it to the next", () => {
    const { sync } = asking(offers.extended, offers.extended);
    sync.peerDisconnected(peerId(1));
    assert.deepEqual(
      sentBy(sync).map(({ to, message }) => [to, message.type]),
      [[peerId(2), "query_channel_range"]],
    );
    sync.peerDisconnected(peerId(2));
    assert.deepEqual(sync.status, { kind: "waiting" });
  });

  test("one that trickles keeps its turn for ten minutes at most", () => {
    const { sync } = asking(offers.extended, offers.extended);
    for (let seconds = 30; seconds < 600; seconds += 30) {
      const firstBlocknum = seconds === 30 ? 0 : seconds;
      sync.handleMessage(peerId(1), reply([], { firstBlocknum, numberOfBlocks: 30, syncComplete: false }));
      sync.tick(at(seconds));
      assert.deepEqual(sentBy(sync), []);
    }
    sync.tick(at(600));
    assert.equal(sentBy(sync)[1]?.to, peerId(2));
  });

  test("nothing is fetched anew from one that says it has not all, but it is not enough either", () => {
    const { sync } = asking(offers.extended);
    sync.handleMessage(peerId(1), reply([{ channel: 0, times: [now, now] }]));
    sync.handleMessage(peerId(1), { ...end, fullInformation: false });
    assert.equal(sync.status.kind, "waiting");
  });
});

describe("an update of a channel that we never heard of", () => {
  const [channel, fromOne] = present(everything[0], "a part");
  const strange = (height: number) =>
    update(node(0), { shortChannelId: (BigInt(height) << 40n) as ReturnType<typeof idOf> });

  test("is followed by a query for the channel, once an hour", () => {
    const { sync } = asking(offers.extended);
    sync.handleMessage(peerId(1), reply([]));
    for (const message of [present(fromOne, "update"), strange(7), strange(7)]) {
      sync.handleMessage(peerId(1), message);
    }
    assert.deepEqual(sentBy(sync), []);
    sync.tick(at(10));
    assert.deepEqual(idsAsked(sentBy(sync)), [
      [-1, 31n],
      [0, 31n],
    ]);
    sync.handleMessage(peerId(1), present(channel, "channel"));
    sync.handleMessage(peerId(1), end);
    sync.handleMessage(peerId(1), strange(7));
    sync.tick(at(20));
    assert.deepEqual(idsAsked(sentBy(sync)), []);
    sync.tick(at(3_600));
    sync.handleMessage(peerId(1), strange(7));
    sync.tick(at(3_610));
    assert.deepEqual(idsAsked(sentBy(sync)), [[-1, 31n]]);
  });

  test("floods of them cost a query of 200 ids at a time, and 1,000 ids an hour", () => {
    const { sync } = asking(offers.extended);
    sync.handleMessage(peerId(1), reply([]));
    const template = strange(1);
    let height = 0;
    const asked: number[] = [];
    for (let second = 10; second <= 100; second += 10) {
      for (let i = 0; i < 300; i++) {
        const shortChannelId = (BigInt(++height) << 40n) as ReturnType<typeof idOf>;
        sync.handleMessage(peerId(1), { ...template, shortChannelId });
      }
      sync.tick(at(second));
      asked.push(idsAsked(sentBy(sync)).length);
      sync.handleMessage(peerId(1), end);
    }
    assert.deepEqual(asked, [200, 200, 200, 200, 200, 0, 0, 0, 0, 0]);
  });

  test("one query at a time; who does not answer is not asked again", () => {
    const { sync } = asking(offers.extended);
    sync.handleMessage(peerId(1), reply([]));
    sync.handleMessage(peerId(1), strange(7));
    sync.tick(at(10));
    assert.equal(idsAsked(sentBy(sync)).length, 1);
    sync.handleMessage(peerId(1), strange(8));
    sync.tick(at(20));
    assert.deepEqual(sentBy(sync), []);
    sync.tick(at(80));
    sync.handleMessage(peerId(1), strange(9));
    sync.tick(at(90));
    assert.deepEqual(idsAsked(sentBy(sync)), []);
  });
});

describe("whom we listen to", () => {
  const types = (sent: ReturnType<typeof sentBy>) =>
    sent.flatMap(({ to, message }) =>
      message.type === "gossip_timestamp_filter" ? [[to, message.timestampRange > 0] as const] : [],
    );

  test("eight peers; another one when one of them leaves, and in turn every hour", () => {
    const { sync, asked } = asking(...new Array(10).fill(offers.extended));
    assert.deepEqual(
      types(asked).map(([, listens]) => listens),
      [...new Array(8).fill(true), false, false],
    );
    sync.peerDisconnected(peerId(3));
    assert.deepEqual(types(sentBy(sync)), [[peerId(9), true]]);
    sync.peerDisconnected(peerId(10));
    connectPeer(sync, peerId(3));
    sentBy(sync);
    sync.tick(at(3_600));
    assert.deepEqual(types(sentBy(sync)).slice(-2), [
      [peerId(3), true],
      [peerId(1), false],
    ]);
    sync.tick(at(7_200));
    assert.deepEqual(types(sentBy(sync)).slice(-2), [
      [peerId(1), true],
      [peerId(2), false],
    ]);
  });
});
