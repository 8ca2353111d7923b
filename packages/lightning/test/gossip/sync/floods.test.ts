import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeAliasText, type UtxoLookup } from "@fulmen/lightning/gossip";
import type { GossipMessage } from "@fulmen/lightning/handlers";
import { msat, type NodeId, present, type ShortChannelId, type UnixSeconds } from "@fulmen/lightning/util";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";
import { connectPeer, Gossiper, sentBy } from "./gossipNetwork.ts";

const nodes = testNodes(4);
const node = (i: number) => present(nodes[i], "a test node");
const peer = node(3).id;
const channel = announcement(node(0), node(1), 100);
const day = 24 * 3_600;

/** A node that verifies nothing unless it is told to: what is to be verified has cost no more than being read. */
function gossiper(utxoLookup?: UtxoLookup): Gossiper {
  const made = new Gossiper(node(2).id, { verification: "queued", ...(utxoLookup && { utxoLookup }) });
  connectPeer(made.sync, peer);
  sentBy(made.sync);
  return made;
}

function send({ sync }: Gossiper, ...messages: readonly GossipMessage[]): void {
  for (const message of messages) sync.handleMessage(peer, message);
}

/** Signatures that wait; their messages are taken in. */
function verified({ sync }: Gossiper): number {
  let count = 0;
  for (;;) {
    const batch = sync.takeSignatureBatch(100_000);
    if (batch === undefined) return count;
    count += batch.signatures.length;
    sync.signaturesChecked(batch.batchId, new Array(batch.signatures.length).fill(true));
  }
}

function withChannel(utxoLookup?: UtxoLookup): Gossiper {
  const us = gossiper(utxoLookup);
  send(us, channel, update(node(0), channel));
  verified(us);
  us.sync.takeMessageSendEvents();
  return us;
}

describe("floods", () => {
  test("of nodes without channels: nothing is verified, kept, relayed or held against the peer", () => {
    const us = gossiper();
    const template = nodeAnnouncement(node(0));
    for (let i = 0; i < 5_000; i++) {
      const nodeId = `02${i.toString(16).padStart(64, "0")}` as NodeId;
      send(us, { ...template, nodeId });
    }
    assert.equal(verified(us), 0);
    assert.equal(us.graph.nodeCount, 0);
    assert.deepEqual(us.sync.takeMessageSendEvents(), []);
    assert.equal(us.sync.wantsToPause(peer), false);
  });

  test("of channels that the chain does not have: none is kept", () => {
    let asked = 0;
    const us = gossiper({
      getUtxo: () => {
        asked++;
        return { kind: "not-found" };
      },
    });
    for (let i = 0; i < 1_000; i++) {
      const shortChannelId = (BigInt(700_000 + i) << 40n) as ShortChannelId;
      send(us, { ...channel, shortChannelId }, { ...update(node(0), channel), shortChannelId });
      if (us.sync.wantsToPause(peer)) verified(us);
    }
    verified(us);
    assert.equal(asked, 1_000);
    assert.equal(us.graph.channelCount, 0);
    assert.equal(us.graph.nodeCount, 0);
    assert.deepEqual(us.sync.takeMessageSendEvents(), []);
  });

  test("of updates from the far past and future: none is verified, or held against the peer", () => {
    const us = withChannel();
    const template = update(node(1), channel, { channelFlags: 1 });
    const past = [0, 1, now - 100 * day, now - 14 * day - 1];
    const future = [now + day + 1, now + 365 * day, 0xffff_ffff];
    for (let i = 0; i < 500; i++) {
      for (const timestamp of past) send(us, { ...template, timestamp: Math.max(0, timestamp - i) });
      for (const timestamp of future)
        send(us, { ...template, timestamp: Math.min(0xffff_ffff, timestamp + i) });
    }
    assert.equal(verified(us), 0);
    assert.deepEqual(sentBy(us.sync), []);
    for (const timestamp of [now - 14 * day, now + day]) send(us, { ...template, timestamp });
    assert.equal(verified(us), 2);
  });

  test("of a node's announcements with long addresses: ten are taken in, too long ones are not read", () => {
    const us = withChannel();
    // Thirty Tor addresses: 1,110 bytes.
    const addresses = new Uint8Array(30 * 38);
    for (let i = 0; i < 30; i++) addresses.set([4, i, i, i], 38 * i);
    const template = nodeAnnouncement(node(0), { addresses });
    for (let i = 0; i < 500; i++) {
      send(us, { ...template, timestamp: now + i });
      verified(us);
    }
    const found = us.graph.node(node(0).id)?.announcement;
    assert.equal(found?.lastUpdate, now + 9);
    assert.equal(found.addresses.length, 30);
    const long = new Uint8Array(60 * 38);
    for (let i = 0; i < 60; i++) long.set([4, i, i, i], 38 * i);
    us.sync.tick((now + day) as UnixSeconds);
    for (let i = 0; i < 500; i++) send(us, { ...template, addresses: long, timestamp: now + 1_000 + i });
    assert.equal(verified(us), 0);
    assert.equal(us.graph.node(node(0).id)?.announcement?.lastUpdate, now + 9);
  });

  test("of queries: one of each kind is answered at a time, and who goes on asking is disconnected", () => {
    const us = withChannel();
    const range = {
      type: "query_channel_range",
      chainHash,
      firstBlocknum: 0,
      numberOfBlocks: 0xffff_ffff,
      tlvs: {},
    } as const;
    for (let i = 0; i < 30; i++) send(us, range);
    const events = us.sync.takeMessageSendEvents();
    assert.equal(events.length, 29);
    assert.deepEqual(
      events.map((event) => event.kind === "handle-error" && event.action.kind).indexOf("disconnect"),
      19,
    );
    assert.equal(us.sync.takeGossipBacklog(peer, 100_000).length, 1);
  });
});

describe("strange figures and names", () => {
  test("terms with the largest fees, no HTLCs at all, or a minimum above the maximum are kept as they are", () => {
    const us = withChannel();
    const terms = {
      feeBaseMsat: msat(0xffff_ffff),
      feeProportionalMillionths: 0xffff_ffff,
      cltvExpiryDelta: 0xffff,
      htlcMinimumMsat: msat(5_000n),
      htlcMaximumMsat: msat(0n),
    };
    send(us, update(node(1), channel, { ...terms, channelFlags: 1 }));
    verified(us);
    const found = us.graph.channel(channel.shortChannelId)?.twoToOne;
    assert.equal(found?.feeBaseMsat, 0xffff_ffff);
    assert.equal(found.feeProportionalMillionths, 0xffff_ffff);
    assert.deepEqual([found.htlcMinimum, found.htlcMaximum], [5_000n, 0n]);
  });

  test("more than all bitcoins through a channel is refused", () => {
    const us = withChannel();
    for (const htlcMaximumMsat of [msat(2_100_000_000_000_000_001n), msat(0xffff_ffff_ffff_ffffn)]) {
      send(us, update(node(1), channel, { htlcMaximumMsat, channelFlags: 1 }));
    }
    assert.equal(verified(us), 0);
  });

  test("a node may be called __proto__", () => {
    const us = withChannel();
    const alias = new Uint8Array(32);
    alias.set(Buffer.from("__proto__"));
    send(us, nodeAnnouncement(node(0), { alias }));
    verified(us);
    const found = us.graph.node(node(0).id)?.announcement;
    assert.equal(found && nodeAliasText(found.alias), "__proto__");
  });
});
