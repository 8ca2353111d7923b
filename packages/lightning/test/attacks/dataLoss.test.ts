import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { FormatName } from "@fulmen/lightning/commitment";
import { chainPositionKey, restoredStore } from "@fulmen/lightning/storage";
import { type ChannelId, msat, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode, testConfig } from "@fulmen/testkit";
import { formatNames } from "#src/commitment/formats/formatOf";
import { Cheat } from "./cheat.ts";

// A node's disk dies, and its owner brings back an old copy of the store. Since then commitments were revoked: to
// publish the one that the copy knows would cost the whole channel. BOLT 2, `option_data_loss_protect`: the peer proves
// by a secret that it is ahead; it is asked to close, and its commitment pays our balance to a key that we still have.

/** A and B with a channel between them; B's store comes back as it was when an HTLC was under way. */
class Lost {
  readonly network = new TestNetwork();
  readonly a: TestNode = this.network.addNode();
  readonly b: TestNode = this.network.addNode();
  readonly channelId: ChannelId;
  readonly expiry: number;

  /** `published`: a commitment of B's own is in the chain before the loss, its newest or one that it has revoked. */
  constructor(format: FormatName, { published }: { readonly published?: "newest" | "revoked" } = {}) {
    const { network, a, b } = this;
    network.connect(a, b);
    const push = msat(400_000_000n);
    this.channelId = network.openChannel(a, b, { funding: sat(1_000_000n), push, format });
    network.giveCoins([a, b], sat(100_000n));
    network.claims(a, "hold");
    const paymentHash = network.payInvoice(b, a, msat(30_000_000n));
    const copy = b.store.entries();
    const htlc = b.chainMonitor.monitor(this.channelId)?.rows[0]?.htlc;
    assert.ok(htlc?.direction === "outgoing");
    this.expiry = htlc.cltvExpiry;
    a.manager.failHtlcBackwards(paymentHash);
    network.claims(a, "claim");
    network.settle();
    const revoked = new Cheat(b.keys.keys, b.chainMonitor.monitor(this.channelId) ?? assert.fail("none"));
    for (let i = 0; i < 3; i++) network.payInvoice(a, b, msat(10_000_000n));
    if (published === "revoked") network.chain.mine(1, { transactions: [revoked.commitment()], only: [] });
    if (published === "newest") {
      b.manager.forceCloseBroadcastingLatestTxn(this.channelId, "the peer is slow");
      network.settle();
      network.mine(1);
    }
    b.broadcasts.length = 0;
    const since = b.store.entries().map(({ key }) => ({ key, value: undefined }));
    b.store.commitNow([...since, ...copy]);
  }

  /** B starts from the copy. What B's signer remembers would be lost with it. */
  restore({ peerIsThere }: { readonly peerIsThere: boolean }): void {
    const { network, b } = this;
    for (const link of network.links) {
      network.cut(link);
      link.reconnects = peerIsThere;
    }
    b.restart();
    network.settle();
  }

  /** Of B, only the seed and the static backup are left. */
  loseAllButBackup(): void {
    const { b } = this;
    const setups = [...b.chainMonitor.monitors()].map(({ setup }) => setup);
    const backup = { nodeId: b.nodeId, chain: networks.regtest.genesisHash, counter: 1, peers: [] };
    const { channelConfig } = testConfig;
    const terms = { nodeId: b.nodeId, network: networks.regtest, signerProvider: b.keys, channelConfig };
    const restored = restoredStore({ ...backup, channels: setups }, terms);
    assert.ok(restored.ok);
    const lost = b.store.entries().filter(({ key }) => key !== chainPositionKey);
    const deletions = lost.map(({ key }) => ({ key, value: undefined }));
    b.store.commitNow([...deletions, ...restored.value.writes]);
  }

  get published(): readonly Transaction[] {
    return this.b.broadcasts.filter(({ type }) => type !== "sweep").map(({ transaction }) => transaction);
  }

  handedOver(node: TestNode): bigint {
    return node.eventList.reduce((sum, event) => {
      if (event.kind !== "spendable-outputs") return sum;
      return event.outputs.reduce((total, { output }) => total + output.value, sum);
    }, 0n);
  }
}

for (const format of formatNames) {
  describe(`a node that starts from an old copy of its store, ${format}`, () => {
    it("asks the peer to close, publishes nothing, and gets its balance back from the peer's commitment", () => {
      const lost = new Lost(format);
      lost.restore({ peerIsThere: true });
      const { a, b, network } = lost;
      assert.deepEqual(lost.published.map(txid), []);
      const closed = a.eventList.find(({ kind }) => kind === "channel-closed");
      assert.ok(closed?.kind === "channel-closed");
      assert.equal(closed.reason.kind, "counterparty-force-closed");
      assert.ok(
        b.log.some(({ level, text }) => level === "error" && /state of this channel is old/.test(text)),
      );
      network.mine(12);
      assert.deepEqual(lost.published.map(txid), []);
      assert.equal(lost.handedOver(b), 430_000n);
      const told = b.eventList.find(({ kind }) => kind === "channel-closed");
      assert.ok(told?.kind === "channel-closed" && told.reason.kind === "lost-channel-state");
    });

    it("publishes nothing when the peer does not close, though an HTLC of the copy expires", () => {
      const lost = new Lost(format);
      lost.restore({ peerIsThere: true });
      const { a, network, b, channelId } = lost;
      const cheat = new Cheat(a.keys.keys, a.chainMonitor.monitor(channelId) ?? assert.fail("no monitor"));
      const commitment = cheat.commitment();
      // What the peer broadcast goes nowhere: nobody mines it until long after the HTLC's deadline.
      const blocks = lost.expiry + 20 - network.chain.tip.height;
      for (let i = 0; i < blocks; i++) {
        network.chain.mine(1, { only: [] });
        b.syncChain();
        network.settle();
      }
      b.restart();
      network.settle();
      b.manager.listChannels();
      assert.deepEqual(lost.published.map(txid), []);
      network.chain.mine(1, { transactions: [commitment], only: [] });
      network.mine(8);
      assert.deepEqual(lost.published.map(txid), []);
      assert.equal(lost.handedOver(b), 430_000n);
    });

    it("has its balance of its own newest commitment that is in the chain, with the static backup", () => {
      const lost = new Lost(format, { published: "newest" });
      lost.loseAllButBackup();
      checkOwnCommitment(lost, 430_000n);
    });
  });
}

describe("a node that starts from an old copy of its store", () => {
  it("has its balance of its own newest commitment that is in the chain", () => {
    checkOwnCommitment(new Lost("anchors-zero-fee-htlc", { published: "newest" }), 430_000n);
  });

  it("has nothing of its own commitment in the chain that the peer takes", () => {
    checkOwnCommitment(new Lost("anchors-zero-fee-htlc", { published: "revoked" }), 0n);
  });
});

/** B's records know nothing of its commitment in the chain, which brings it so much in the end. */
function checkOwnCommitment(lost: Lost, brings: bigint): void {
  const { b, network } = lost;
  lost.restore({ peerIsThere: true });
  for (const blocks of [80, 80]) {
    network.mine(blocks);
    b.restart();
    network.settle();
  }
  assert.deepEqual(lost.published.map(txid), []);
  assert.equal(lost.handedOver(b), brings);
}
