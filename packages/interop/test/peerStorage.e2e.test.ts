import assert from "node:assert/strict";
import { test } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelMessageHandler } from "@fulmen/lightning/handlers";
import { PeerStorage } from "@fulmen/lightning/manager";
import { KeysManager } from "@fulmen/lightning/sign";
import { restoredStore, sealStaticBackup } from "@fulmen/lightning/storage";
import { msat, sat } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { OurNode, SharedChain, testConfig } from "#src/index";

installNodeCrypto();

/** Puts peer storage between a node's connections and its manager; `storage` is there once the node is. */
class Tap {
  storage: PeerStorage | undefined;
  readonly #keys: KeysManager;

  constructor(seedByte: number) {
    this.#keys = new KeysManager(new Uint8Array(32).fill(seedByte));
  }

  readonly tap = (inner: ChannelMessageHandler): ChannelMessageHandler => {
    const { nodeId } = this.#keys;
    const storage = PeerStorage.restore(
      { inner, nodeId, network: networks.regtest, key: this.#keys.peerStorageKey() },
      { stored: [], height: 0, now: 1_000 },
    );
    assert.ok(storage.ok);
    this.storage = storage.value;
    return storage.value;
  };
}

test("a node that has only its seed gets its backup from a peer, and by it what is its own", async (t) => {
  const chain = new SharedChain();
  const [ourTap, theirTap] = [new Tap(5), new Tap(6)];
  const peer = await OurNode.start({ name: "peer", seedByte: 6, chain, tap: theirTap.tap });
  t.after(() => peer.stop());
  const first = await OurNode.start({ name: "first", seedByte: 5, chain, tap: ourTap.tap });
  await first.connect(await peer.listen(), peer.nodeId);
  first.act((manager) =>
    manager.createChannel({
      counterparty: peer.nodeId,
      funding: sat(1_000_000n),
      push: msat(300_000_000n),
      announce: false,
    }),
  );
  const { channelId } = await first.waitFor("channel-pending");
  await chain.mine(6);
  for (const node of [first, peer]) await node.waitFor("channel-ready");
  const setups = [...first.chainMonitor.monitors()].map(({ setup }) => setup);
  const funding = setups[0]?.funding.outPoint;
  assert.ok(funding !== undefined);
  const key = first.keys.peerStorageKey();
  const nonce = new Uint8Array(24).fill(1);
  const common = { nodeId: first.nodeId, chain: networks.regtest.genesisHash, peers: [] };
  const bytes = sealStaticBackup({ ...common, counter: 1, channels: setups }, key, nonce);
  ourTap.storage?.setBackup(() => ({ bytes, channels: [channelId] }));
  first.background.wake();
  await peer.until("blob", () => (theirTap.storage?.takeWrites().length ?? 0) > 0);
  await first.discard();

  // All but the seed is lost. The peer gives the backup back, and is told that the channel is not known.
  const emptyTap = new Tap(5);
  const empty = await OurNode.start({ name: "empty", seedByte: 5, chain, tap: emptyTap.tap });
  await empty.connect(await peer.listen(), peer.nodeId);
  const backup = await empty.until("backup", () => emptyTap.storage?.recovered);
  await empty.discard();
  const restored = restoredStore(backup, {
    nodeId: empty.nodeId,
    network: networks.regtest,
    signerProvider: empty.keys,
    channelConfig: testConfig.channelConfig,
  });
  assert.ok(restored.ok);
  const store = new MemoryStore();
  await store.commit(restored.value.writes);

  const again = await OurNode.start({ name: "again", seedByte: 5, chain, store });
  t.after(() => again.discard());
  await again.connect(await peer.listen(), peer.nodeId);
  await peer.waitFor("channel-closed");
  for (let waited = 0; chain.chain.outputSpentBy(funding) === undefined; waited++) {
    assert.ok(waited < 200, "the peer publishes nothing");
    await new Promise((resolve) => setTimeout(resolve, 20));
    chain.collect();
  }
  await chain.mine(8);
  const { outputs } = await again.waitFor("spendable-outputs", (event) => event.channelId === channelId);
  const [output] = outputs;
  assert.ok(output !== undefined && outputs.length === 1);
  // Ours but for the commitment's fee and the anchors, which the opener pays.
  assert.ok(output.output.value > 698_000n && output.output.value < 700_000n, `${output.output.value} sat`);
});
