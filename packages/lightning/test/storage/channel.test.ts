import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { type ChannelState, type FundedChannel, fundedChannel, type RestingState } from "#src/channel/state";
import { decode, encode } from "#src/codec/codec";
import { toJson } from "#src/codec/json";
import { formatNames } from "#src/commitment/formats/formatOf";
import { htlcStates } from "#src/commitment/htlcState";
import type { SigningRequest } from "#src/sign/channelSigner";
import { channelPrefixes, channelWrites } from "#src/storage/v1/channel";
import { settledRow } from "#src/storage/v1/htlcRows";
import { channelParams } from "#src/storage/v1/params";
import { readChannel, readChannels } from "#src/storage/v1/readChannel";
import { fromHex, noBytes, type Script, toHex } from "#src/util/bytes";
import { type ChannelId, commitmentNumber, type Txid } from "#src/util/ids";
import { feeratePerKw, sat } from "#src/util/units";
import { entriesOf } from "./entriesOf.ts";
import { recorded } from "./recorded.ts";
import { channelExample, Dice, randomStep, type StoredParty, settle, storedPair } from "./storedPair.ts";

function read(party: StoredParty) {
  const state = readChannel(entriesOf(party.store, "channel/"));
  if (!state.ok) throw new Error(state.error.text);
  return state.value;
}

/** Neither without a signature, nor waiting for our own revocation, nor over: all that outlive a connection. */
const lasting = Object.keys(htlcStates).filter((name) => {
  const unsigned = ["sent-add-htlc", "received-add-htlc", "sent-remove-htlc", "received-remove-htlc"];
  const over = ["received-remove-ack-revocation", "sent-remove-ack-revocation"];
  return ![...unsigned, ...over].includes(name) && !/^received-.*-commit$/.test(name);
});

describe("channelWrites and readChannel, in dances", () => {
  for (const format of formatNames) {
    it(`give back every state, ${format}`, () => {
      const seen = new Set<string>();
      for (let seed = 1; seed <= 2; seed++) {
        const dice = new Dice(seed);
        const pair = storedPair(format, dice);
        for (const party of pair) party.persist();
        for (let i = 0; i < 150; i++) {
          const party = randomStep(pair, dice);
          // A batch may cover several steps.
          if (dice.roll(3) === 0) continue;
          party.persist();
          assert.deepEqual(read(party), recorded(party.state));
          const { channelId, htlcs } = party.commitments;
          for (const { state } of htlcs) seen.add(state);
          // What is written step by step is what a copy at once would be.
          const atOnce = new Map(
            channelWrites(undefined, party.state, []).map(({ key, value }) => [key, value]),
          );
          assert.deepEqual(
            atOnce,
            new Map(Object.entries(byKey(entriesOf(party.store, `channel/${channelId}/`)))),
          );
        }
      }
      for (const name of lasting) assert.ok(seen.has(name), name);
    });
  }

  it("let a channel go on from what was read, on either side", () => {
    const dice = new Dice(11);
    const pair = storedPair("anchors-zero-fee-htlc", dice);
    let restarts = 0;
    for (let i = 0; i < 300; i++) {
      const party = randomStep(pair, dice);
      party.persist();
      // Nothing under way: a lost connection loses nothing that would have to be sent again.
      if (dice.roll(2) === 0 && pair.every(({ inbox }) => inbox.length === 0)) {
        for (const one of pair) one.disconnect();
        for (const one of pair) one.persist();
        party.restart(read(party));
        restarts++;
      }
    }
    assert.ok(restarts > 5, `only ${restarts} restarts`);
    settle(pair);
    for (const party of pair) {
      party.persist();
      assert.deepEqual(read(party), recorded(party.state));
    }
  });

  for (const [written, everyTime] of [
    ["step by step", true],
    ["in one batch", false],
  ] as const) {
    it(`keep nothing but the channel's own and settled rows once all HTLCs are gone, written ${written}`, () => {
      const dice = new Dice(12);
      const pair = storedPair("static-remotekey", dice);
      for (let i = 0; i < 100; i++) {
        randomStep(pair, dice);
        if (everyTime && dice.roll(3) === 0) for (const party of pair) party.persist();
      }
      settle(pair);
      for (let round = 0; pair.some((party) => party.commitments.htlcs.length > 0) && round < 5; round++) {
        for (const party of pair) for (const htlc of party.removable()) party.remove(htlc);
        settle(pair);
      }
      for (const party of pair) {
        party.persist();
        const { channelId } = party.commitments;
        const [live, settled] = channelPrefixes(channelId).map((prefix) => entriesOf(party.store, prefix));
        const names = live?.map(({ key }) => key.slice(`channel/${channelId}/`.length)) ?? [];
        assert.deepEqual(names.slice(0, 2), ["commitments", "core"]);
        assert.ok(names.slice(2).every((name) => name.startsWith("secret/")));
        assert.ok((settled?.length ?? 0) > 10);
        assert.equal(party.store.size, names.length + (settled?.length ?? 0));
      }
    });
  }

  it("are not taken for a channel when a row is older than the others, or show that they are older", () => {
    const dice = new Dice(14);
    const pair = storedPair("anchors-zero-fee-htlc", dice);
    const [alice] = pair;
    const older = new Map<string, Uint8Array>();
    const refused = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      randomStep(pair, dice);
      const before = new Map(alice.store);
      alice.persist();
      for (const [key, value] of before) {
        const now = alice.store.get(key);
        if (now !== undefined && toHex(now) !== toHex(value)) older.set(key, value);
      }
      if (i % 19 !== 0) continue;
      for (const [key, value] of older) {
        const kind = key.split("/")[2] ?? "";
        if (kind !== "commitments" && kind !== "secret") continue;
        const rows = entriesOf(alice.store, "channel/").map((row) =>
          row.key === key ? { key, value } : row,
        );
        const found = readChannel(rows);
        if (!found.ok) refused.set(kind, (refused.get(kind) ?? 0) + 1);
        else {
          // The monitor has later updates than such a row: that is a refusal to start.
          assert.equal(kind, "commitments");
          const { lastUpdateId } = alice.channel;
          assert.ok((fundedChannel(found.value)?.lastUpdateId ?? lastUpdateId) <= lastUpdateId);
        }
      }
    }
    assert.ok((refused.get("secret") ?? 0) > 10 && (refused.get("commitments") ?? 0) > 3);
  });

  it("write one small row when no HTLC changed, and nothing of an update that is not signed", () => {
    const dice = new Dice(13);
    const pair = storedPair("static-remotekey", dice);
    const [alice] = pair;
    const before = alice.state;
    alice.add();
    const row = `channel/${alice.commitments.channelId}/commitments`;
    const offered = channelWrites(before, alice.state, []);
    assert.deepEqual(
      offered.map(({ key }) => key),
      [row],
    );
    const whole = channelWrites(undefined, before, []);
    assert.deepEqual(offered[0]?.value, whole.find(({ key }) => key === row)?.value);
    assert.ok((offered[0]?.value?.length ?? 0) < 300);
    const added = alice.state;
    alice.sign();
    const signed = alice.state;
    const rows = channelWrites(added, signed, []).map(({ key }) => key.split("/").slice(3).join("/"));
    const prefix = "o00000000000000000000";
    assert.deepEqual(rows, ["", `${prefix}/static`, `${prefix}/onion`]);
    assert.equal(channelWrites(signed, signed, []).length, 1);
  });
});

function byKey(entries: readonly { readonly key: string; readonly value: Uint8Array }[]) {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

const transaction: Transaction = {
  version: 2,
  inputs: [
    { outPoint: { txid: "0a".repeat(32) as Txid, index: 2 }, scriptSig: noBytes, sequence: 5, witness: [] },
  ],
  outputs: [{ value: sat(1_234), script: fromHex(`0014${"22".repeat(20)}`) }],
  locktime: 9,
};

const script = (fill: number): Script => new Uint8Array(22).fill(fill) as Script;

function awaiting(before: RestingState): ChannelState {
  const request: SigningRequest = {
    kind: "revocation",
    number: commitmentNumber(0),
    pointNumber: commitmentNumber(2),
    next: [],
  };
  const continuation = { kind: "resend-revocation" } as const;
  return { kind: "awaiting-signer", before, request, continuation, later: [], stash: [] };
}

/** One state of every kind that is stored, and every optional part of a channel. */
function phases(): readonly ChannelState[] {
  const channel = channelExample();
  const full: FundedChannel = {
    ...channel,
    fundingStatus: { kind: "unconfirmed", since: 100 },
    fundingTransaction: transaction,
    localReady: false,
    shutdown: { local: script(1), remote: script(2) },
    announcementSignatures: {},
    closeInitiator: "remote",
    closingFeerate: feeratePerKw(1_000),
    exchanged: { shutdownSent: true, shutdownReceived: true, announcementSignaturesSent: true },
  };
  const { remoteAlias: _, ...bare } = channel;
  const proposals = [{ transaction, fee: sat(200) }];
  const normal: ChannelState = { kind: "normal", channel };
  return [
    { kind: "wait-for-channel-ready", channel: full },
    normal,
    { kind: "normal", channel: bare },
    { kind: "shutting-down", channel: full },
    {
      kind: "negotiating",
      channel: full,
      proposals,
      localFee: sat(200),
      localRange: { minFeeSatoshis: sat(200), maxFeeSatoshis: sat(900) },
      ticks: 3,
    },
    { kind: "syncing", inner: normal },
    { kind: "offline", inner: { kind: "negotiating", channel: full, proposals: [], ticks: 0 } },
    { kind: "closing", channel, reason: { kind: "funding-timed-out" }, proposals: [] },
    {
      kind: "closing",
      channel: full,
      reason: { kind: "counterparty-force-closed", peerMessage: "x" },
      proposals,
      closingTransaction: transaction,
    },
    { kind: "wait-for-remote-close", channel },
    awaiting(normal),
  ];
}

describe("readChannel", () => {
  it("gives back every kind of state, disconnected", () => {
    for (const state of phases()) {
      const writes = channelWrites(undefined, state, []);
      const found = readChannel(writes.map(({ key, value = noBytes }) => ({ key, value })));
      assert.deepEqual(found, { ok: true, value: recorded(state) }, state.kind);
    }
  });

  it("stores nothing of a channel that is not funded or has ended", () => {
    assert.deepEqual(channelWrites(undefined, { kind: "ended" }, []), []);
  });

  it("finds each of several channels", () => {
    const channel = channelExample();
    const other = {
      ...channel,
      commitments: { ...channel.commitments, channelId: "00".repeat(32) as ChannelId },
    };
    const writes = [other, channel].flatMap((one) =>
      channelWrites(undefined, { kind: "normal", channel: one }, []),
    );
    const found = readChannels(writes.map(({ key, value = noBytes }) => ({ key, value })));
    assert.ok(found.ok);
    assert.deepEqual(found.value, [
      recorded({ kind: "normal", channel: other }),
      recorded({ kind: "normal", channel }),
    ]);
  });

  it("refuses records that do not belong together, in words", () => {
    const { entries } = golden;
    const keys = Object.keys(entries);
    const attempt = (change: (rows: Record<string, string>) => void) => {
      const rows = { ...entries };
      change(rows);
      return readChannel(Object.entries(rows).map(([key, hex]) => ({ key, value: fromHex(hex) })));
    };
    const find = (part: string): string => keys.find((key) => key.includes(part)) ?? "";
    const [core, fixed, interval] = [find("/core"), find("/static"), find("/interval")];
    const kindOf = (result: ReturnType<typeof readChannel>) => (result.ok ? "read" : result.error.kind);
    assert.equal(kindOf(attempt(() => {})), "read");
    assert.equal(kindOf(readChannel([])), "missing");
    // Every single row is needed.
    for (const key of keys) {
      const found = attempt((rows) => delete rows[key]);
      assert.ok(!found.ok, key);
      assert.match(found.error.text, /missing/);
    }
    // A whole HTLC is missed, too.
    const prefix = fixed.slice(0, -"static".length);
    const withoutHtlc = attempt((rows) => {
      for (const key of keys) if (key.startsWith(prefix)) delete rows[key];
    });
    assert.equal(kindOf(withoutHtlc), "missing");
    assert.equal(kindOf(attempt((rows) => Object.assign(rows, { [`${core}2`]: "0101" }))), "corrupt");
    assert.equal(
      kindOf(attempt((rows) => Object.assign(rows, { [core]: `0902${rows[core]?.slice(4)}` }))),
      "from-the-future",
    );
    assert.equal(kindOf(attempt((rows) => Object.assign(rows, { [interval]: "0101" }))), "corrupt");
    const [one, two] = keys.filter((key) => key.endsWith("/static"));
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(
      kindOf(attempt((rows) => Object.assign(rows, { [one]: rows[two], [two]: rows[one] }))),
      "corrupt",
    );
  });

  it("never throws, whatever byte is changed", () => {
    const rows = Object.entries(golden.entries).map(([key, hex]) => ({ key, value: fromHex(hex) }));
    for (const [n, { key, value }] of rows.entries()) {
      for (let i = 0; i < value.length; i += 1 + Math.floor(value.length / 12)) {
        const changed = value.slice();
        changed[i] = (changed[i] ?? 0) ^ 0x41;
        readChannel(rows.with(n, { key, value: changed }));
      }
    }
  });
});

/** Written once and never changed: what is on the disks of those who run version 1. */
const golden: {
  readonly entries: Readonly<Record<string, string>>;
  readonly settled: Readonly<Record<string, { readonly hex: string; readonly row: unknown }>>;
  readonly state: unknown;
} = JSON.parse(
  readFileSync(new URL("../../../../fixtures/storage/v1/channel.json", import.meta.url), "utf8"),
);

describe("a channel of version 1", () => {
  it("is read and written as it always was", () => {
    const entries = Object.entries(golden.entries).map(([key, hex]) => ({ key, value: fromHex(hex) }));
    const found = readChannel(entries);
    assert.ok(found.ok);
    assert.deepEqual(toJson(found.value), golden.state);
    const written = channelWrites(undefined, found.value, []);
    for (const { hex, row } of Object.values(golden.settled)) {
      const value = decode(settledRow, fromHex(hex));
      assert.deepEqual(toJson(value), row);
      assert.equal(toHex(encode(settledRow, value)), hex);
    }
    assert.deepEqual(
      Object.fromEntries(written.map(({ key, value = noBytes }) => [key, toHex(value)])),
      golden.entries,
    );
  });

  it("names each format by a number that never changes", () => {
    const { params } = channelExample().commitments;
    const [legacy, anchors, zeroFee] = formatNames.map((format) => {
      const bytes = encode(channelParams, { ...params, format });
      assert.equal(decode(channelParams, bytes).format, format);
      return bytes;
    });
    const numberIn = (bytes: Uint8Array | undefined) =>
      legacy && bytes?.find((byte, i) => byte !== legacy[i]);
    assert.deepEqual([numberIn(legacy), numberIn(anchors), numberIn(zeroFee)], [undefined, 1, 2]);
  });

  it("has rows of every kind", () => {
    const kinds = new Set(
      Object.keys(golden.entries).map((key) => (key.includes("/secret/") ? "secret" : key.split("/").at(-1))),
    );
    const channel = ["commitments", "core", "secret"];
    assert.deepEqual([...kinds].sort(), [...channel, "disposition", "interval", "onion", "static"].sort());
    assert.ok(Object.keys(golden.settled).length > 0);
  });
});
