import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import {
  decodeRapidSnapshot,
  encodeRapidSnapshot,
  NetworkGraph,
  RapidGossipHistory,
  type RapidSnapshot,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import { InvariantError, msat, type UnixSeconds } from "@fulmen/lightning/util";
import { PlainGraph, plainChannel, plainTerms } from "../plainGraph.ts";
import { inGraph, RapidClient } from "./rapidClient.ts";
import { Dice, nodeIdNumber, RapidWorld } from "./rapidWorld.ts";

const hour = 3600;
const day = 24 * hour;
const start = 1_800_000_000;

function at(time: number): UnixSeconds {
  return time as UnixSeconds;
}

function since(history: RapidGossipHistory, time: number): RapidSnapshot {
  const snapshot = rapidSnapshotSince(history, { version: 2, since: at(time) });
  return decodeRapidSnapshot(encodeRapidSnapshot(snapshot));
}

const ends = [nodeIdNumber(1), nodeIdNumber(2)] as const;
const id = 800_000n << 40n;

/** One channel, whose reminders are due `phase` seconds after a multiple of six days. */
function oneChannel(from: Parameters<typeof plainTerms>[0] = {}): PlainGraph {
  return new PlainGraph([plainChannel(id, ends, { from: plainTerms(from), to: plainTerms() })]);
}

describe("what a client is told of a network that changes", () => {
  it("is everything, however often it comes", () => {
    for (let seed = 1; seed <= 3; seed++) {
      const dice = new Dice(seed);
      const world = new RapidWorld(seed, { nodes: 12, channels: 25 });
      const history = RapidGossipHistory.of(world.graph(), at(start));
      const clients = [1, 4, 8, 24, 60, 0].map((period) => ({ period, client: new RapidClient(), next: 0 }));
      for (let tick = 1; tick <= 8 * 40; tick++) {
        const now = start + tick * 3 * hour;
        if (dice.oneIn(3)) world.change();
        history.observe(world.graph(), at(now));
        for (const one of clients) {
          one.client.forget(now);
          if (tick < one.next) continue;
          one.next = tick + (one.period || 1 + dice.below(8 * 16));
          one.client.apply(since(history, one.client.lastSync));
          assert.deepEqual(one.client.knows(world.graph()), inGraph(world.graph()));
        }
      }
    }
  });

  it("keeps what does not change in the memory of one who comes daily", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    const client = new RapidClient();
    client.apply(since(history, 0));
    let mentions = 0;
    for (let now = start + day; now < start + 60 * day; now += day) {
      history.observe(oneChannel(), at(now));
      client.forget(now);
      assert.equal(client.channelCount, 1);
      const delta = since(history, client.lastSync);
      assert.deepEqual(delta.channels, []);
      mentions += delta.updates.length;
      client.apply(delta);
    }
    // Both directions, every sixth day.
    assert.equal(mentions, 2 * 10);
  });

  it("has the channel again where it may be forgotten, and not before", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    for (let days = 1; days <= 20; days++) history.observe(oneChannel(), at(start + days * day));
    const until = start + 20 * day;
    const repeated = Array.from(
      { length: 7 },
      (_, days) => since(history, until - days * day).channels.length,
    );
    // Its reminder was two days ago: who has not come since the one before that, 8 days ago, is told of it anew.
    const lastReminder = until - ((until - Number(id % BigInt(6 * day))) % (6 * day));
    assert.deepEqual(
      repeated,
      repeated.map((_, days) =>
        until - days * day < lastReminder && lastReminder - 6 * day <= until - 7 * day ? 1 : 0,
      ),
    );
    assert(repeated.includes(1) && repeated.includes(0));
  });

  it("forgets a closed channel", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    const client = new RapidClient();
    client.apply(since(history, 0));
    history.observe(new PlainGraph([]), at(start + day));
    client.apply(since(history, client.lastSync));
    client.forget(start + 8 * day);
    assert.equal(client.channelCount, 0);
  });

  it("begins anew for one who has been away for a week, or from before the history", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    assert.equal(since(history, start).channels.length, 0);
    history.observe(oneChannel(), at(start + 7 * day));
    for (const time of [0, start - 1, start]) {
      const { channels, updates } = since(history, time);
      assert.equal(channels.length, 1);
      assert.deepEqual(
        updates.map(({ kind }) => kind),
        ["full", "full"],
      );
    }
  });
});

describe("a delta", () => {
  const changed = { feeBaseMsat: 5, htlcMinimum: msat(7) };
  const later = at(start + 3 * hour);

  it("has the changed fields only", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    history.observe(oneChannel(changed), later);
    const { updates, channels, latestSeen } = since(history, start);
    assert.equal(latestSeen, later);
    assert.deepEqual(channels, []);
    const [update, ...more] = updates;
    assert.deepEqual(more, []);
    assert(update?.kind === "incremental");
    assert.deepEqual(update.changes, changed);
  });

  it("has fields that changed and changed back", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    history.observe(oneChannel(changed), at(start + 1));
    history.observe(oneChannel(), later);
    const [update] = since(history, start).updates;
    assert(update?.kind === "incremental");
    assert.deepEqual(update.changes, { feeBaseMsat: 0, htlcMinimum: msat(0) });
  });

  it("has the terms in full when all of them changed", () => {
    const all = { ...changed, cltvExpiryDelta: 7, feeProportionalMillionths: 8, htlcMaximum: msat(9) };
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    history.observe(oneChannel(all), later);
    assert.deepEqual(
      since(history, start).updates.map(({ kind }) => kind),
      ["full"],
    );
  });

  it("says that a direction was disabled, and nothing else", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    history.observe(oneChannel({ enabled: false }), later);
    const [update, ...more] = since(history, start).updates;
    assert.deepEqual(more, []);
    assert(update?.kind === "incremental" && !update.enabled);
    assert.deepEqual(update.changes, {});
  });

  it("has a channel once both sides have said their terms, and in full", () => {
    const oneSided = new PlainGraph([plainChannel(id, ends, { from: plainTerms() })]);
    const history = RapidGossipHistory.of(oneSided, at(start));
    assert.deepEqual(since(history, 0).channels, []);
    history.observe(oneChannel(), later);
    const { channels, updates } = since(history, start);
    assert.equal(channels.length, 1);
    assert.equal(updates.length, 2);
  });

  it("is empty when nothing changed, and for one who is ahead of us", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    for (const time of [start, start + day]) {
      const { channels, updates, nodes, latestSeen } = since(history, time);
      assert.deepEqual([channels, updates, nodes, latestSeen], [[], [], [], start]);
    }
  });

  it("has its own time, which no other has, and its own chain", () => {
    const history = RapidGossipHistory.of(oneChannel(), at(start));
    assert.throws(() => history.observe(oneChannel(), at(start)), InvariantError);
    const other = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
    assert.throws(() => history.observe(other, later), InvariantError);
  });
});
