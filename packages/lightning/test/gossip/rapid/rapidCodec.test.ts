import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import {
  decodeRapidSnapshot,
  encodeRapidSnapshot,
  RapidGossipHistory,
  type RapidSnapshot,
  type RapidVersion,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import { fromHex, msat, sat, toHex, type UnixSeconds } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { chainHash } from "../signedGossip.ts";
import { Dice, idNumber, nodeIdNumber, RapidWorld } from "./rapidWorld.ts";

const never = 0 as UnixSeconds;
const ldk = JSON.parse(
  readFileSync(new URL("../../../../../fixtures/rapid-gossip/ldk.json", import.meta.url), "utf8"),
);

const [one, two] = [nodeIdNumber(1), nodeIdNumber(0)].sort();
assert(one !== undefined && two !== undefined);
const terms = {
  cltvExpiryDelta: 40,
  htlcMinimum: msat(1000),
  feeBaseMsat: 1000,
  feeProportionalMillionths: 1,
  htlcMaximum: msat(99_000_000),
};
const small: RapidSnapshot = {
  version: 2,
  chainHash,
  latestSeen: 1_800_000_000 as UnixSeconds,
  nodes: [{ nodeId: one, features: Features.ofBits([9]), addresses: [] }, { nodeId: two }],
  channels: [
    {
      shortChannelId: idNumber(5n),
      nodeOne: one,
      nodeTwo: two,
      features: Features.none,
      capacity: sat(70_000),
    },
  ],
  updates: [
    { shortChannelId: idNumber(5n), isFromNodeOne: true, enabled: true, kind: "full", terms },
    {
      shortChannelId: idNumber(5n),
      isFromNodeOne: false,
      enabled: false,
      kind: "incremental",
      changes: { feeBaseMsat: 7 },
    },
  ],
};

/** All of a generated network, as bytes. */
function generated(version: RapidVersion, seed = 1): Uint8Array {
  const history = RapidGossipHistory.of(
    new RapidWorld(seed, { nodes: 8, channels: 16 }).graph(),
    1_800_000_000 as UnixSeconds,
  );
  return encodeRapidSnapshot(rapidSnapshotSince(history, { version, since: never }));
}

describe("a rapid gossip snapshot", () => {
  it("is read again as it was written", () => {
    assert.deepEqual(decodeRapidSnapshot(encodeRapidSnapshot(small)), small);
  });

  it("leaves out in version 1 what only version 2 can say", () => {
    const { nodes, channels } = decodeRapidSnapshot(encodeRapidSnapshot({ ...small, version: 1 }));
    assert.deepEqual(nodes, []);
    assert.deepEqual(
      channels.map((channel) => "capacity" in channel),
      [false],
    );
  });

  it("is the same after it was read and written, in both versions", () => {
    for (const version of [1, 2] as const) {
      for (let seed = 1; seed <= 20; seed++) {
        const bytes = generated(version, seed);
        assert.equal(toHex(encodeRapidSnapshot(decodeRapidSnapshot(bytes))), toHex(bytes));
      }
    }
  });

  it("is byte for byte what LDK's is, where all common values are chosen alike", () => {
    const increments = ldk.cases[4].snapshots;
    for (const hex of increments) {
      assert.equal(toHex(encodeRapidSnapshot(decodeRapidSnapshot(fromHex(hex)))), hex);
    }
  });

  it("says once what most have in common", () => {
    const common = { ...small, updates: [...small.updates] };
    for (let i = 6n; i < 106n; i++) {
      common.updates.push({
        shortChannelId: idNumber(i),
        isFromNodeOne: true,
        enabled: true,
        kind: "full",
        terms,
      });
    }
    // A difference and a byte of flags for each.
    assert.equal(encodeRapidSnapshot(common).length, encodeRapidSnapshot(small).length + 200);
  });

  it("refuses to be cut anywhere", () => {
    for (const version of [1, 2] as const) {
      const bytes = generated(version);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decodeRapidSnapshot(bytes.subarray(0, length)), DecodeError, `at ${length}`);
      }
    }
    assert.throws(() => decodeRapidSnapshot(fromHex(ldk.refused.clipped)), DecodeError);
  });

  it("is read, or refused by a typed error, whatever bytes are changed", () => {
    const dice = new Dice(7);
    const originals = [generated(1), generated(2), fromHex(ldk.details.additionalData.bytes)];
    let refused = 0;
    for (let run = 0; run < 3000; run++) {
      const bytes = originals[run % originals.length]?.slice() ?? new Uint8Array(0);
      for (let left = 1 + dice.below(3); left > 0; left--) bytes[dice.below(bytes.length)] = dice.below(256);
      try {
        decodeRapidSnapshot(bytes);
      } catch (error) {
        assert(error instanceof DecodeError, String(error));
        refused++;
      }
    }
    assert(refused > 300 && refused < 3000, `${refused} of 3000 refused`);
  });
});

describe("what a rapid gossip snapshot may not say", () => {
  const bytes = encodeRapidSnapshot({ ...small, nodes: [], updates: [] });
  const prefix = 3 + 1 + 32 + 4;
  const nodeCount = prefix + 1;
  const channelCount = nodeCount + 4 + 2 * 33;
  const firstNode = channelCount + 4 + 2 + 1;

  function refusedWith(reason: RegExp, at: number, ...changes: readonly number[]): void {
    const changed = bytes.slice();
    changed.set(changes, at);
    assert.throws(() => decodeRapidSnapshot(changed), { name: "DecodeError", message: reason });
  }

  it("another prefix or version", () => {
    refusedWith(/^prefix: not a snapshot/, 0, 0);
    refusedWith(/^version: unknown version 0/, 3, 0);
    assert.throws(() => decodeRapidSnapshot(fromHex(ldk.refused.unknownVersion)), /unknown version 3/);
  });

  it("counts that cannot be true, before anything is read", () => {
    refusedWith(/^nodes: 4294967295 of them, at most 200000/, nodeCount, 255, 255, 255, 255);
    refusedWith(/^nodes: 65536 of them in \d+ bytes/, nodeCount, 0, 1, 0, 0);
    refusedWith(/^channels: 630001 of them, at most 630000/, channelCount, 0x00, 0x09, 0x9c, 0xf1);
    refusedWith(/^channels: 65537 of them in \d+ bytes/, channelCount, 0, 1, 0, 1);
    refusedWith(/^updates: 2147483648 of them, at most 630000/, bytes.length - 4, 128, 0, 0, 0);
    refusedWith(/^updates: 1 of them in 0 bytes/, bytes.length - 4, 0, 0, 0, 1);
  });

  it("nodes that are not listed, in the wrong order, or no points", () => {
    assert.deepEqual([...bytes.subarray(firstNode, firstNode + 3)], [0, 0xff, 0x80]);
    refusedWith(/^channels: node 2 of 2/, firstNode, 2);
    refusedWith(/^channels: node 9223372036854776000 of 2/, firstNode + 1, ...Array<number>(9).fill(0xff));
    refusedWith(/^channels: nodes of a channel in the wrong order/, firstNode, 1);
    refusedWith(/^nodes: not a compressed point/, nodeCount + 4, 1);
  });

  it("features by a number that no default has", () => {
    refusedWith(/^nodes: no default features 6/, nodeCount + 4, 0b0011_0010);
  });

  it("ids that leave the range", () => {
    const header = encodeRapidSnapshot({ ...small, version: 1, channels: [], nodes: [], updates: [] });
    const last = [255, ...Array<number>(8).fill(255), 0];
    const next = [1, 0];
    const updates = [0, 0, 0, 2, ...Array<number>(26).fill(0), ...last, ...next];
    const beyond = Uint8Array.from([...header.subarray(0, header.length - 4), ...updates]);
    assert.throws(() => decodeRapidSnapshot(beyond), /^DecodeError: updates: a short channel id above 2\^64/);
  });

  it("a length above what there is", () => {
    const more = encodeRapidSnapshot({ ...small, channels: [], updates: [] });
    const first = prefix + 1 + 4;
    more[first] = (more[first] ?? 0) | 0x80;
    more.set([0xff, 0xff, 0x7f, ...Array<number>(7).fill(0xff)], first + 33 + 1 + 2 + 2);
    assert.throws(() => decodeRapidSnapshot(more), /^DecodeError: nodes: needs 9223372036854775807 bytes/);
  });
});

describe("what later versions of a rapid gossip snapshot may add", () => {
  it("is left out: data behind nodes, channels and updates, addresses of unknown kinds", () => {
    const { nodes, channels, updates } = decodeRapidSnapshot(fromHex(ldk.details.additionalData.bytes));
    assert.equal(nodes.length, 3);
    assert.deepEqual(
      channels.map(({ capacity }) => capacity),
      [sat(42)],
    );
    assert.equal(updates.length, 1);
  });

  it("keeps the addresses that are known", () => {
    const { bytes, node, addresses, ofThemTorV2, nodes } = ldk.details.nodesWithAddresses;
    const snapshot = decodeRapidSnapshot(fromHex(bytes));
    assert.equal(snapshot.nodes.length, nodes);
    const found = snapshot.nodes.find(({ nodeId }) => nodeId === node);
    assert.deepEqual(
      found?.addresses?.map(({ type }) => type),
      ["tor-v3", "ipv4", "dns", "ipv6"],
    );
    assert.equal(found?.addresses?.length, addresses - ofThemTorV2);
  });
});
