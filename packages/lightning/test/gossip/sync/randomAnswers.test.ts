import assert from "node:assert/strict";
import { test } from "node:test";
import type { GossipMessage } from "@fulmen/lightning/handlers";
import type { NodeId, ShortChannelId, UnixSeconds } from "@fulmen/lightning/util";
import { encodeShortChannelIds, encodeTimestamps } from "@fulmen/lightning/wire";
import fc from "fast-check";
import { chainHash, now } from "../signedGossip.ts";
import { connectPeer, Gossiper, offers, sentBy } from "./gossipNetwork.ts";

const peers = [0x21, 0x32, 0x43].map((byte) => `02${byte.toString(16).repeat(32)}` as NodeId);
const us = `03${"55".repeat(32)}` as NodeId;

const idOf = (n: number) => (BigInt(n) << 30n) as ShortChannelId;

/** A reply as a peer might make it up: in order or not, complete or not, with as many times as ids or not. */
const replies = fc
  .record({
    firstBlocknum: fc.oneof(fc.constant(0), fc.nat(60), fc.constant(0xffff_ffff)),
    numberOfBlocks: fc.oneof(fc.constant(0xffff_ffff), fc.nat(60)),
    syncComplete: fc.boolean(),
    ids: fc.array(fc.nat(60_000), { maxLength: 60 }),
    isSorted: fc.boolean(),
    missing: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(2)),
    hasTimes: fc.boolean(),
    age: fc.nat(20 * 24 * 3_600),
    isOurChain: fc.oneof(fc.constant(true), fc.constant(true), fc.boolean()),
  })
  .map((made): GossipMessage => {
    const ids = made.isSorted ? [...new Set(made.ids)].sort((a, b) => a - b) : made.ids;
    const times = ids
      .slice(made.missing)
      .map(() => ({ timestampNodeId1: now - made.age, timestampNodeId2: now }));
    return {
      type: "reply_channel_range",
      chainHash: made.isOurChain ? chainHash : ("11".repeat(32) as typeof chainHash),
      firstBlocknum: made.firstBlocknum,
      numberOfBlocks: made.numberOfBlocks,
      syncComplete: made.syncComplete,
      encodedShortIds: encodeShortChannelIds(ids.map((n) => idOf(n + 1))),
      tlvs: made.hasTimes ? { timestampsTlv: encodeTimestamps(times) } : {},
    };
  });

const ends = fc.boolean().map((fullInformation): GossipMessage => {
  return { type: "reply_short_channel_ids_end", chainHash, fullInformation };
});

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("says" as const), who: fc.nat(2), what: replies }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("says" as const), who: fc.nat(2), what: ends }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("waits" as const), seconds: fc.nat(200) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnects" as const), who: fc.nat(2) }) },
  ),
  { maxLength: 60 },
);

test("whatever peers answer, we ask each for one thing of a kind at a time, and go on asking somebody", () => {
  fc.assert(
    fc.property(steps, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (taken, extended) => {
      const { sync } = new Gossiper(us);
      /** What is owed by whom, since when. */
      const owed = new Map<string, number>();
      let time: number = now;
      const look = () => {
        for (const { to, message } of sentBy(sync)) {
          if (message.type !== "query_channel_range" && message.type !== "query_short_channel_ids") continue;
          const since = owed.get(`${message.type} ${to}`);
          assert.ok(
            since === undefined || time - since >= 60,
            `${message.type} before the end of the one before`,
          );
          owed.set(`${message.type} ${to}`, time);
        }
      };
      const connect = (i: number, epoch: number) => {
        const features = extended[i] === true ? offers.extended : offers.plain;
        connectPeer(sync, peers[i] ?? us, features, epoch);
        look();
      };
      for (const i of peers.keys()) connect(i, i + 1);
      for (const [n, step] of taken.entries()) {
        if (step.kind === "waits") {
          time += step.seconds;
          sync.tick(time as UnixSeconds);
        } else if (step.kind === "reconnects") {
          const peer = peers[step.who] ?? us;
          sync.peerDisconnected(peer);
          for (const type of ["query_channel_range", "query_short_channel_ids"])
            owed.delete(`${type} ${peer}`);
          connect(step.who, 10 + n);
        } else {
          const peer = peers[step.who] ?? us;
          const { what } = step;
          if (what.type === "reply_short_channel_ids_end") owed.delete(`query_short_channel_ids ${peer}`);
          if (what.type === "reply_channel_range" && what.syncComplete)
            owed.delete(`query_channel_range ${peer}`);
          sync.handleMessage(peer, what);
        }
        look();
      }
      // An honest peer that comes after all this is asked, at once or when the turns of the others are over.
      const honest = `02${"77".repeat(32)}` as NodeId;
      connectPeer(sync, honest, offers.extended, 1_000);
      let isAsked = false;
      for (let waited = 0; waited < 8_000; waited += 50) {
        isAsked ||= sentBy(sync).some(
          ({ to, message }) => to === honest && message.type === "query_channel_range",
        );
        time += 50;
        sync.tick(time as UnixSeconds);
      }
      assert.ok(isAsked);
    }),
    { seed: 17, numRuns: 150 },
  );
});
