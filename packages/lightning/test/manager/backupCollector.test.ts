import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { defaultUserConfig } from "#src/channel/config";
import { BackupCollector } from "#src/manager/backupCollector";
import { sealStaticBackup } from "#src/storage/v1/staticBackup";
import type { Bytes32, Point } from "#src/util/bytes";
import type { ChannelId, NodeId } from "#src/util/ids";
import { Features } from "#src/wire/index";

const us = `02${"aa".repeat(32)}` as NodeId;
const peers = ["b1", "b2", "b3", "b4", "b5", "b6"].map((byte) => `02${byte.repeat(32)}` as NodeId);
const key = new Uint8Array(32).fill(4);

const here = networks.regtest.genesisHash;

function blob(counter: number, { nodeId = us, sealedBy = key, chain = here } = {}) {
  const backup = { nodeId, chain, counter, channels: [], peers: [] };
  const nonce = new Uint8Array(24).fill(counter);
  return { type: "peer_storage_retrieval", blob: sealStaticBackup(backup, sealedBy, nonce) } as const;
}

const reestablish = {
  type: "channel_reestablish",
  channelId: "01".repeat(32) as ChannelId,
  nextCommitmentNumber: 1n,
  nextRevocationNumber: 0n,
  yourLastPerCommitmentSecret: new Uint8Array(32) as Bytes32,
  myCurrentPerCommitmentPoint: new Uint8Array(33) as Point,
  tlvs: {},
} as const;

describe("a collector of backups", () => {
  const collector = new BackupCollector({
    nodeId: us,
    network: networks.regtest,
    key,
    config: defaultUserConfig,
  });

  it("gives the newest of those that are ours, and says of each peer what it gave", () => {
    const newest = () => collector.newest?.counter;
    assert.equal(newest(), undefined);
    const [first, second, foreign, other, elsewhere, none] = peers;
    assert.ok(first && second && foreign && other && elsewhere && none);
    collector.handleMessage(first, blob(7));
    collector.handleMessage(second, blob(5));
    collector.handleMessage(second, blob(9));
    collector.handleMessage(foreign, blob(11, { sealedBy: new Uint8Array(32) }));
    collector.handleMessage(other, blob(12, { nodeId: first }));
    collector.handleMessage(elsewhere, blob(14, { chain: networks.signet.genesisHash }));
    collector.handleMessage(none, reestablish);
    collector.handleMessage(none, blob(13));
    assert.equal(newest(), 7);
    const kinds = peers.map((peer) => collector.returnedBy(peer)?.kind);
    assert.deepEqual(kinds, ["backup", "backup", "unusable", "unusable", "unusable", "nothing"]);
    const said = collector.returnedBy(foreign);
    assert.match(said?.kind === "unusable" ? said.text : "", /damaged, or belongs to another seed/);
    const strange = collector.returnedBy(elsewhere);
    assert.match(
      strange?.kind === "unusable" ? strange.text : "",
      /of the chain .*, not of regtest: choose that network/,
    );
    assert.equal(collector.returnedBy(us), undefined);
  });

  it("offers what a node offers, and says nothing", () => {
    const features = Features.fromBytes(collector.providedInitFeatures());
    for (const name of ["option_static_remotekey", "option_provide_storage"] as const)
      assert.ok(features.has(name), name);
    assert.deepEqual(collector.takeMessageSendEvents(), []);
  });
});
