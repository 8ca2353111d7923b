import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import type { KvWrite } from "#src/chain/kvStore";
import { defaultUserConfig } from "#src/channel/config";
import type { ChannelContext } from "#src/channel/input";
import { nothingExchanged } from "#src/channel/state";
import { step } from "#src/channel/step";
import { xchacha20Poly1305Encrypt } from "#src/crypto/xchacha20Poly1305";
import type { MonitorSetup } from "#src/onchain/watch";
import { KeysManager } from "#src/sign/keysManager";
import { readChannels } from "#src/storage/v1/readChannel";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import { type RestoreTerms, restoredStore } from "#src/storage/v1/restoredChannels";
import {
  backupForPeer,
  mergedBackups,
  openStaticBackup,
  peerStorageLength,
  type StaticBackup,
  sealStaticBackup,
} from "#src/storage/v1/staticBackup";
import { concatBytes, fromHex, toHex } from "#src/util/bytes";
import { commitmentNumber, type NodeId } from "#src/util/ids";
import { sat } from "#src/util/units";
import { Features } from "#src/wire/index";
import { defaultFeatures, defaultFeerates } from "../channel/pair.ts";
import { entriesOf } from "./entriesOf.ts";
import { channelId, monitorSetup, otherChannelId } from "./examples.ts";

interface Golden {
  readonly key: string;
  readonly nonce: string;
  /** As the first format was. */
  readonly sealed: string;
  /** SHA-256 of the same in the format of today. */
  readonly hash: string;
}

const fixture = new URL("../../../../fixtures/storage/v1/staticBackup.json", import.meta.url);
const golden = JSON.parse(readFileSync(fixture, "utf8")) as Golden;

const keys = new KeysManager(new Uint8Array(32).fill(5));
const peer = `02${"a1".repeat(32)}` as NodeId;

/** As the examples have it, with keys of this node. */
function setupOf(id: MonitorSetup["channelId"]): MonitorSetup {
  const signer = keys.deriveChannelSigner(monitorSetup.channelKeysId);
  const [holder, counterparty] = monitorSetup.initial.steps;
  assert.ok(holder?.kind === "holder-commitment" && counterparty?.kind === "counterparty-commitment");
  const htlcs = { entered: [], left: [] };
  const initial = {
    ...monitorSetup.initial,
    channelId: id,
    steps: [holder, counterparty].map((one) => ({ ...one, number: commitmentNumber(0), htlcs })),
  };
  return {
    ...monitorSetup,
    channelId: id,
    funding: { ...monitorSetup.funding, localKey: signer.fundingKey },
    initial,
  };
}

const backup: StaticBackup = {
  nodeId: keys.nodeId,
  chain: networks.regtest.genesisHash,
  counter: 7,
  channels: [
    setupOf(channelId),
    { ...setupOf(otherChannelId), bestHeight: 799_000 as MonitorSetup["bestHeight"] },
  ],
  peers: [{ nodeId: peer, addresses: ["example.org:9735", "[::1]:9735"] }],
  birthday: 798_500,
};

const ctx: ChannelContext = {
  ourNodeId: keys.nodeId,
  ourFeatures: defaultFeatures,
  chainHash: networks.regtest.genesisHash,
  bestHeight: 800_010,
  feerates: defaultFeerates,
  config: defaultUserConfig,
};

const terms: RestoreTerms = {
  nodeId: keys.nodeId,
  network: networks.regtest,
  signerProvider: keys,
  channelConfig: defaultUserConfig.channelConfig,
};

function mapOf(writes: readonly KvWrite[]): ReadonlyMap<string, Uint8Array> {
  return new Map(writes.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value] as const])));
}

describe("a static channel backup", () => {
  const nonce = new Uint8Array(24).fill(9);
  const sealed = sealStaticBackup(backup, keys.peerStorageKey(), nonce);

  it("has everything but what could be broadcast", () => {
    const opened = openStaticBackup(sealed, keys.peerStorageKey());
    assert.ok(opened.ok);
    const { channels, ...rest } = opened.value;
    const { channels: given, ...restGiven } = backup;
    assert.deepEqual(rest, restGiven);
    for (const [index, setup] of channels.entries()) {
      assert.deepEqual({ ...setup, initial: undefined }, { ...given[index], initial: undefined });
      for (const one of setup.initial.steps) {
        if (one.kind !== "holder-commitment") continue;
        for (const { signature, htlcSignatures } of one.commitments) {
          assert.equal(toHex(signature), "00".repeat(64));
          assert.deepEqual(htlcSignatures, []);
        }
      }
    }
  });

  it("is read from a Buffer, as files are in Node, like from any other bytes", () => {
    const pool = Buffer.concat([Buffer.alloc(5), sealed]);
    assert.deepEqual(
      openStaticBackup(pool.subarray(5), keys.peerStorageKey()),
      openStaticBackup(sealed, keys.peerStorageKey()),
    );
    assert.ok(openStaticBackup(pool.subarray(5), keys.peerStorageKey()).ok);
  });

  it("stays readable, byte for byte", () => {
    const opened = openStaticBackup(fromHex(golden.sealed), fromHex(golden.key));
    assert.ok(opened.ok);
    const again = sealStaticBackup(opened.value, fromHex(golden.key), fromHex(golden.nonce));
    assert.equal(toHex(crypto().sha256(again)), golden.hash);
    assert.deepEqual(openStaticBackup(again, fromHex(golden.key)), opened);
  });

  it("is as long with forty channels as with none, and with seventy twice as long", () => {
    const lengthOf = (count: number): number => {
      const channels = Array.from({ length: count }, () => setupOf(channelId));
      const bytes = sealStaticBackup({ ...backup, channels }, keys.peerStorageKey(), nonce);
      const opened = openStaticBackup(bytes, keys.peerStorageKey());
      assert.equal(opened.ok && opened.value.channels.length, count);
      return bytes.length;
    };
    assert.deepEqual([0, 1, 40].map(lengthOf), Array(3).fill(peerStorageLength));
    assert.equal(lengthOf(70), 2 * peerStorageLength);
  });

  it("whose padding is missing is refused", () => {
    const bare = xchacha20Poly1305Encrypt(
      keys.peerStorageKey(),
      nonce,
      sealed.subarray(0, 8),
      new Uint8Array(9),
    );
    const opened = openStaticBackup(concatBytes(sealed.subarray(0, 32), bare), keys.peerStorageKey());
    assert.ok(!opened.ok && opened.error.kind === "corrupt");
  });

  it("that is damaged, cut off, another node's or a later program's is named", () => {
    for (let at = 8; at < sealed.length; at += at < 100 ? 11 : 7_001) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const cut = sealed.slice(0, at);
      for (const bytes of [changed, cut]) {
        const opened = openStaticBackup(bytes, keys.peerStorageKey());
        assert.ok(!opened.ok && opened.error.kind === "corrupt", `byte ${at}`);
        assert.match(opened.error.text, /damaged, or belongs to another seed/);
      }
    }
    const other = openStaticBackup(sealed, new Uint8Array(32));
    assert.ok(!other.ok && other.error.kind === "corrupt");
    const later = openStaticBackup(
      concatBytes(sealed.subarray(0, 7), Uint8Array.of(3), sealed.subarray(8)),
      keys.peerStorageKey(),
    );
    assert.ok(!later.ok && later.error.kind === "from-the-future");
    for (const bytes of [new Uint8Array(0), new Uint8Array(200)]) {
      const none = openStaticBackup(bytes, keys.peerStorageKey());
      assert.ok(!none.ok);
      assert.match(none.error.text, /no static channel backup/);
    }
  });
});

describe("restoredStore", () => {
  it("gives a store whose channels wait for their peers to close", () => {
    const restored = restoredStore(backup, terms);
    assert.ok(restored.ok);
    assert.equal(restored.value.oldestHeight, 799_000);
    const store = mapOf(restored.value.writes);
    const channels = readChannels(entriesOf(store, "channel/"));
    assert.ok(channels.ok);
    assert.deepEqual(
      channels.value.map((state) => state.kind),
      ["wait-for-remote-close", "wait-for-remote-close"],
    );
    const monitors = restoreMonitors(entriesOf(store, "monitor/"));
    assert.ok(monitors.ok);
    assert.deepEqual(
      monitors.value.map(({ monitor }) => monitor.latestUpdateId),
      [1, 1],
    );
    assert.ok(store.has("node"));
  });

  it("whose channels say on each connection that they lost everything, and refuse to broadcast", () => {
    const restored = restoredStore(backup, terms);
    assert.ok(restored.ok);
    const channels = readChannels(entriesOf(mapOf(restored.value.writes), "channel/"));
    assert.ok(channels.ok);
    const [state] = channels.value;
    assert.ok(state?.kind === "wait-for-remote-close");
    assert.deepEqual(state.channel.exchanged, nothingExchanged);
    const connected = step(ctx, state, { kind: "connected", remoteFeatures: Features.of({}) });
    const [sent] = connected.actions;
    assert.ok(sent?.kind === "send" && sent.message.type === "channel_reestablish");
    assert.equal(sent.message.nextCommitmentNumber, 1n);
    assert.equal(sent.message.nextRevocationNumber, 0n);
    assert.equal(toHex(sent.message.yourLastPerCommitmentSecret), "00".repeat(32));
    const asked = step(ctx, connected.state, { kind: "message", message: sent.message });
    assert.ok(asked.actions.some((one) => one.kind === "send" && one.message.type === "error"));
    const forced = step(ctx, state, { kind: "command", command: { kind: "force-close", message: "now" } });
    assert.equal(forced.actions[0]?.kind, "refused");
    assert.deepEqual(forced.state, state);
  });

  it("refuses another node's backup, another network's, and keys of another seed", () => {
    const otherNode = restoredStore(backup, { ...terms, nodeId: peer });
    assert.ok(!otherNode.ok && otherNode.error.kind === "wrong-node");
    const otherNetwork = restoredStore(backup, { ...terms, network: networks.mainnet });
    assert.ok(!otherNetwork.ok && otherNetwork.error.kind === "wrong-network");
    const signerProvider = new KeysManager(new Uint8Array(32).fill(6));
    const otherSeed = restoredStore(backup, { ...terms, signerProvider });
    assert.ok(!otherSeed.ok && otherSeed.error.kind === "corrupt");
    assert.match(otherSeed.error.text, /keys are not those of this seed/);
  });
});

describe("what of a backup peers keep", () => {
  const key = keys.peerStorageKey();
  const id = (n: number) => n.toString(16).padStart(64, "0") as MonitorSetup["channelId"];
  const node = (n: number) => `02${n.toString(16).padStart(64, "0")}` as NodeId;
  const example = setupOf(channelId);
  /** `count` channels with half as many peers, the later the larger. */
  const many = (count: number): StaticBackup => ({
    ...backup,
    channels: Array.from({ length: count }, (_, n) => ({
      ...example,
      channelId: id(n),
      counterparty: node(Math.floor(n / 2)),
      funding: { ...example.funding, capacity: sat(100_000 + n) },
    })),
    peers: Array.from({ length: count / 2 }, (_, n) => ({ nodeId: node(n), addresses: ["10.0.0.1:9735"] })),
  });
  const idsOf = ({ channels }: StaticBackup) => channels.map(({ channelId: one }) => one);
  const sealedLength = (one: StaticBackup) => sealStaticBackup(one, key, new Uint8Array(24)).length;

  it("is all of it when there is room", () => {
    const copy = backupForPeer(many(40), node(3));
    assert.equal(sealedLength(copy), peerStorageLength);
    assert.deepEqual(new Set(idsOf(copy)), new Set(idsOf(many(40))));
    assert.equal(copy.leftOut, undefined);
  });

  it("is the channels with a peer itself, then the largest, and where all others are", () => {
    const whole = many(120);
    const copy = backupForPeer(whole, node(3));
    assert.equal(sealedLength(copy), peerStorageLength);
    const ids = idsOf(copy);
    assert.deepEqual(ids.slice(0, 4), [id(7), id(6), id(119), id(118)]);
    assert.ok(ids.length > 30, `${ids.length} channels`);
    assert.equal(ids.length + (copy.leftOut ?? 0), 120);
    assert.equal(copy.peers.length, 60);
    assert.equal(sealedLength(backupForPeer(many(600), node(3))), peerStorageLength);
    const read = openStaticBackup(sealStaticBackup(copy, key, new Uint8Array(24)), key);
    assert.ok(read.ok && read.value.leftOut === copy.leftOut);
  });

  it("comes together again from what several give back", () => {
    const whole = many(120);
    const copies = whole.peers.map(({ nodeId }) => backupForPeer(whole, nodeId));
    const merged = mergedBackups(copies);
    assert.ok(merged !== undefined && merged.leftOut === undefined);
    assert.deepEqual(idsOf(merged).sort(), idsOf(whole).sort());
    const two = mergedBackups(copies.slice(0, 2));
    assert.equal((two?.channels.length ?? 0) + (two?.leftOut ?? 0), 120);
    // A newest one that is whole needs no older one, with channels that closed since.
    const newest = { ...many(2), counter: 8 };
    assert.deepEqual(mergedBackups([...copies, newest]), newest);
    assert.equal(mergedBackups([]), undefined);
  });
});
