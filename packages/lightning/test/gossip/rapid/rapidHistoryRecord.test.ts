import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DecodeError, Writer } from "@fulmen/lightning/codec";
import {
  decodeRapidHistory,
  encodeRapidHistory,
  encodeRapidSnapshot,
  RapidGossipHistory,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { Dice, RapidWorld } from "./rapidWorld.ts";

const start = 1_800_000_000;

function grown(
  seed: number,
  size: { readonly nodes: number; readonly channels: number },
): RapidGossipHistory {
  const world = new RapidWorld(seed, size);
  const history = RapidGossipHistory.of(world.graph(), start as UnixSeconds);
  for (let time = start + 3600; time < start + 10 * 3600; time += 3600) {
    world.change();
    history.observe(world.graph(), time as UnixSeconds);
  }
  return history;
}

describe("a stored history", () => {
  it("tells what the history would have told", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const history = grown(seed, { nodes: 15, channels: 30 });
      const bytes = encodeRapidHistory(history);
      const stored = decodeRapidHistory(bytes);
      assert.deepEqual(encodeRapidHistory(stored), bytes);
      for (let since = start - 1; since < start + 11 * 3600; since += 1800) {
        const request = { version: 2, since: since as UnixSeconds } as const;
        const { nodes, ...told } = rapidSnapshotSince(stored, request);
        const { nodes: expectedNodes, ...expected } = rapidSnapshotSince(history, request);
        assert.deepEqual(told, expected);
        assert.deepEqual(
          nodes.map(({ nodeId }) => nodeId).sort(),
          expectedNodes.map(({ nodeId }) => nodeId).sort(),
        );
      }
    }
  });

  it("goes on where it stopped", () => {
    const world = new RapidWorld(3, { nodes: 15, channels: 30 });
    const whole = RapidGossipHistory.of(world.graph(), start as UnixSeconds);
    let stored = RapidGossipHistory.of(world.graph(), start as UnixSeconds);
    for (let time = start + 3600; time < start + 20 * 3600; time += 3600) {
      world.change();
      whole.observe(world.graph(), time as UnixSeconds);
      stored = decodeRapidHistory(encodeRapidHistory(stored));
      stored.observe(world.graph(), time as UnixSeconds);
    }
    const request = { version: 1, since: (start + 7200) as UnixSeconds } as const;
    assert.deepEqual(rapidSnapshotSince(stored, request), rapidSnapshotSince(whole, request));
  });

  it("is refused by a typed error where it is cut or not what it says", () => {
    const bytes = encodeRapidHistory(grown(1, { nodes: 4, channels: 6 }));
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeRapidHistory(bytes.subarray(0, length)), DecodeError);
    }
    assert.throws(() => decodeRapidHistory(Uint8Array.from([...bytes, 0])), DecodeError);
    const dice = new Dice(1);
    for (let run = 0; run < 1000; run++) {
      const changed = bytes.slice();
      changed[dice.below(changed.length)] = dice.below(256);
      try {
        decodeRapidHistory(changed);
      } catch (error) {
        assert(error instanceof DecodeError, String(error));
      }
    }
  });

  it("is refused when terms in it are of another channel, or of the other side", () => {
    const history = RapidGossipHistory.of(new RapidWorld(1, { nodes: 4, channels: 9 }).graph(), at(start));
    const snapshot = rapidSnapshotSince(history, { version: 2, since: at(0) });
    assert(snapshot.channels.length > 2);
    const [first, second, third, ...others] = snapshot.updates;
    assert(first !== undefined && second !== undefined && third !== undefined);
    for (const [updates, isRight] of [
      [[first, second, third, ...others], true],
      [[second, first, third, ...others], false],
      [[first, third, ...others], false],
      [[first, second, third], false],
    ] as const) {
      const bytes = new Writer();
      bytes.utf8("FRGH").u8(1).u32(start);
      const encoded = encodeRapidSnapshot({ ...snapshot, nodes: [], updates });
      bytes
        .u32(encoded.length)
        .bytes(encoded)
        .bytes(new Uint8Array(13 * 4 * snapshot.channels.length));
      if (isRight) assert.equal(decodeRapidHistory(bytes.finish()).channels.length, snapshot.channels.length);
      else assert.throws(() => decodeRapidHistory(bytes.finish()), /not the terms of a channel/);
    }
  });
});

function at(time: number): UnixSeconds {
  return time as UnixSeconds;
}
