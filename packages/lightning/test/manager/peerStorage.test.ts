import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import type { KvEntry, KvWrite } from "#src/chain/kvStore";
import type { ChannelMessage, ChannelMessageHandler } from "#src/handlers/messageHandler";
import { PeerStorage } from "#src/manager/peerStorage";
import { sealStaticBackup } from "#src/storage/v1/staticBackup";
import type { Point } from "#src/util/bytes";
import type { ChannelId, NodeId } from "#src/util/ids";
import { Features, type Init } from "#src/wire/index";

const us = `02${"aa".repeat(32)}` as NodeId;
const peer = `02${"bb".repeat(32)}` as NodeId;
const other = `03${"cc".repeat(32)}` as NodeId;
const key = new Uint8Array(32).fill(4);

function backup(counter: number, nodeId: NodeId = us, network = networks.regtest): Uint8Array {
  const chain = network.genesisHash;
  const nonce = new Uint8Array(24).fill(counter);
  return sealStaticBackup({ nodeId, chain, counter, channels: [], peers: [] }, key, nonce);
}

/** The same for every peer. */
function copy(counter: number, channels: readonly string[] = []) {
  return () => ({ bytes: backup(counter), channels: channels as readonly ChannelId[] });
}

function init(keeps: boolean): Init {
  const features = Features.of(keeps ? { option_provide_storage: "optional" } : {}).toBytes();
  return { type: "init", globalfeatures: new Uint8Array(0), features, tlvs: {} };
}

/** A manager that has channels with `withChannels`, and says `warning` on each connection. */
function setUp(withChannels: Set<NodeId>, stored: readonly KvEntry[] = []) {
  const heard: ChannelMessage[] = [];
  const connected: NodeId[] = [];
  const inner: ChannelMessageHandler = {
    providedInitFeatures: () => Features.of({ basic_mpp: "optional" }).toBytes(),
    peerConnected: (nodeId) => {
      connected.push(nodeId);
      return "accept";
    },
    peerDisconnected: () => {},
    handleMessage: (_nodeId, message) => void heard.push(message),
    takeMessageSendEvents: () => {
      const events = connected.splice(0).map(
        (nodeId) =>
          ({
            kind: "send-message",
            nodeId,
            message: { type: "ping", numPongBytes: 0, ignored: new Uint8Array(0) },
          }) as const,
      );
      return events;
    },
    wantsToPause: () => false,
    hasChannelWith: (nodeId) => withChannels.has(nodeId),
  };
  const storage = PeerStorage.restore(
    { inner, nodeId: us, network: networks.regtest, key },
    { stored, height: 100, now: 1_000 },
  );
  assert.ok(storage.ok);
  let epoch = 0;
  return {
    storage: storage.value,
    heard,
    connect: (nodeId: NodeId, keeps = true) => {
      storage.value.peerConnected(nodeId, { init: init(keeps), inbound: false, epoch: ++epoch });
      return sent(storage.value);
    },
  };
}

function sent(storage: PeerStorage): readonly string[] {
  return storage.takeMessageSendEvents().map((event) => {
    assert.ok(event.kind === "send-message");
    const { message } = event;
    return "blob" in message ? `${message.type} ${message.blob.length}` : String(message.type);
  });
}

function entriesOf(writes: readonly KvWrite[]): readonly KvEntry[] {
  return writes.flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]));
}

const blob = (length: number) => ({ type: "peer_storage", blob: new Uint8Array(length) }) as const;

describe("peer storage for others", () => {
  it("keeps the last blob of a peer with a channel, and gives it back before anything else", () => {
    const { storage, connect } = setUp(new Set([peer]));
    assert.ok(Features.fromBytes(storage.providedInitFeatures()).has("option_provide_storage"));
    assert.ok(Features.fromBytes(storage.providedInitFeatures()).has("basic_mpp"));
    assert.deepEqual(connect(peer), ["ping"]);
    for (const length of [3, 65_531, 7]) storage.handleMessage(peer, blob(length));
    storage.handleMessage(other, blob(5));
    const writes = storage.takeWrites();
    assert.deepEqual(
      writes.map((write) => write.key),
      [`peer-storage/${peer}`],
    );
    storage.peerDisconnected(peer);
    assert.deepEqual(connect(peer), ["peer_storage_retrieval 7", "ping"]);
    const restored = setUp(new Set([peer]), entriesOf(writes));
    assert.deepEqual(restored.connect(peer), ["peer_storage_retrieval 7", "ping"]);
    assert.deepEqual(restored.connect(other), ["ping"]);
  });

  it("writes once a minute at most", () => {
    const { storage } = setUp(new Set([peer]));
    let writes = 0;
    for (let second = 0; second < 600; second++) {
      storage.handleMessage(peer, blob(second));
      storage.tick(1_000 + second, 100);
      writes += storage.takeWrites().length;
    }
    assert.equal(writes, 10);
  });

  it("takes none that is too long, nor more than 32 MiB in all", () => {
    const many = Array.from({ length: 600 }, (_, n) => `02${String(n).padStart(64, "0")}` as NodeId);
    const { storage, connect } = setUp(new Set([...many, peer]));
    storage.handleMessage(peer, blob(65_532));
    assert.deepEqual(connect(peer), ["ping"]);
    for (const nodeId of many) storage.handleMessage(nodeId, blob(65_531));
    const stored = storage.takeWrites().length;
    assert.equal(stored, Math.floor((32 * 2 ** 20) / 65_531));
  });

  it("keeps it for 2,016 blocks without a channel", () => {
    const channels = new Set([peer]);
    const { storage, connect } = setUp(channels);
    storage.handleMessage(peer, blob(3));
    storage.tick(1_100, 3_000);
    channels.clear();
    storage.tick(1_200, 3_000 + 2_015);
    assert.deepEqual(connect(peer), ["peer_storage_retrieval 3", "ping"]);
    assert.equal(entriesOf(storage.takeWrites()).length, 1);
    storage.tick(1_300, 3_000 + 2_016);
    assert.deepEqual(storage.takeWrites(), [{ key: `peer-storage/${peer}`, value: undefined }]);
    assert.deepEqual(connect(peer), ["ping"]);
  });
});

describe("peer storage of ours", () => {
  it("is sent to peers that keep it and have a channel, once for each backup, and once a minute at most", () => {
    const { storage, connect } = setUp(new Set([peer, other]));
    storage.setBackup(copy(1));
    const length = backup(1).length;
    assert.deepEqual(connect(peer), [`peer_storage ${length}`, "ping"]);
    assert.deepEqual(connect(other, false), ["ping"]);
    assert.deepEqual(connect(`02${"dd".repeat(32)}` as NodeId), ["ping"]);
    storage.setBackup(copy(2, ["02", "03"]));
    storage.tick(1_030, 100);
    assert.deepEqual(sent(storage), []);
    storage.tick(1_060, 100);
    assert.deepEqual(sent(storage), [`peer_storage ${length}`]);
    storage.tick(1_200, 100);
    assert.deepEqual(sent(storage), []);
    assert.deepEqual(storage.keptByPeers, { peers: 1, channels: new Set(["02", "03"]) });
    storage.peerDisconnected(peer);
    assert.deepEqual(storage.keptByPeers, { peers: 0, channels: new Set() });
  });

  it("is made for some peers at a time, and for each its own", () => {
    const peers = Array.from({ length: 40 }, (_, n) => `02${(n + 16).toString(16).repeat(32)}` as NodeId);
    const { storage, connect } = setUp(new Set(peers));
    for (const each of peers) connect(each);
    const asked: NodeId[] = [];
    storage.setBackup((each) => {
      asked.push(each);
      return copy(1, [each])();
    });
    const counts = [sent(storage).length];
    for (const now of [1_010, 1_020, 1_030]) {
      storage.tick(now, 100);
      counts.push(sent(storage).length);
    }
    assert.deepEqual(counts, [16, 16, 8, 0]);
    assert.deepEqual(asked, peers);
    assert.deepEqual(storage.keptByPeers, { peers: 40, channels: new Set(peers) });
  });

  it("is sent again when the peer has seen the funding, before which it need not keep it", () => {
    const { storage, connect, heard } = setUp(new Set([peer]));
    storage.setBackup(copy(1));
    connect(peer);
    const ready = {
      type: "channel_ready",
      channelId: "01".repeat(32) as ChannelId,
      secondPerCommitmentPoint: new Uint8Array(33) as Point,
      tlvs: {},
    } as const;
    storage.handleMessage(peer, ready);
    assert.deepEqual(sent(storage), [`peer_storage ${backup(1).length}`]);
    assert.deepEqual(heard, [ready]);
  });

  it("comes back: the newest that is ours counts, once for each connection", () => {
    const { storage, connect, heard } = setUp(new Set());
    const returned = (nodeId: NodeId, bytes: Uint8Array) =>
      storage.handleMessage(nodeId, { type: "peer_storage_retrieval", blob: bytes });
    const counter = () => storage.recovered?.counter;
    returned(peer, backup(9));
    assert.equal(counter(), undefined, "nobody is connected");
    connect(peer);
    connect(other);
    returned(peer, backup(5));
    returned(peer, backup(8));
    assert.equal(counter(), 5);
    returned(other, backup(4));
    assert.equal(counter(), 5);
    const elsewhere = backup(20, us, networks.signet);
    for (const bytes of [elsewhere, backup(20, peer), new Uint8Array(500), new Uint8Array(0)]) {
      connect(other);
      returned(other, bytes);
    }
    assert.equal(counter(), 5);
    connect(other);
    returned(other, backup(6));
    assert.equal(counter(), 6);
    assert.deepEqual(heard, []);
  });
});
