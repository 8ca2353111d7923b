import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { FormatName } from "@fulmen/lightning/commitment";
import { chainPositionKey, restoredStore } from "@fulmen/lightning/storage";
import { type Bytes32, type ChannelId, msat, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode, testConfig } from "@fulmen/testkit";
import { formatNames } from "#src/commitment/formats/formatOf";
import { Cheat } from "./cheat.ts";

// A node's disk dies, and its owner brings back an old copy of the store. Since then commitments were revoked: to
// publish the one that the copy knows would cost the whole channel. BOLT 2, `option_data_loss_protect`: the peer proves
// by a secret that it is ahead; it is asked to close, and its commitment pays our balance to a key that we still have.

/**
 * What of B's is in the chain before the loss: its newest commitment, as it is or with an HTLC whose HTLC transaction is in
 * the mempool or in a block; or one that it has revoked.
 */
type Published =
  | "newest"
  | "newest, HTLC on its way"
  | "newest, HTLC taken"
  /** Without a balance of B's. */
  | "newest, HTLC alone"
  | "revoked";

/** A and B with a channel between them; B's store comes back as it was when an HTLC was under way. */
class Lost {
  readonly network = new TestNetwork();
  readonly a: TestNode = this.network.addNode();
  readonly b: TestNode = this.network.addNode();
  readonly channelId: ChannelId;
  /** Of the HTLC that the old copy has. */
  expiry = 0;
  /** What B had in the chain before the loss. */
  readonly before: bigint;

  constructor(format: FormatName, { published }: { readonly published?: Published } = {}) {
    const { network, a, b } = this;
    network.connect(a, b);
    const push = msat(published === "newest, HTLC alone" ? 0n : 400_000_000n);
    this.channelId = network.openChannel(a, b, { funding: sat(1_000_000n), push, format });
    network.giveCoins([a, b], sat(100_000n));
    const copy = push === 0n ? b.store.entries() : this.#moveOn(published === "revoked");
    if (published?.startsWith("newest")) this.#close(published);
    const balances = b.chainMonitor.claimableBalances(this.channelId);
    this.before = balances.reduce((total, { amount }) => total + amount, 0n);
    b.broadcasts.length = 0;
    const since = b.store.entries().map(({ key }) => ({ key, value: undefined }));
    b.store.commitNow([...since, ...copy]);
  }

  /** Gives a copy of B's store with an HTLC under way, of which nothing is left in the end. */
  #moveOn(publishesRevoked: boolean) {
    const { network, a, b } = this;
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
    if (publishesRevoked) network.chain.mine(1, { transactions: [revoked.commitment()], only: [] });
    return copy;
  }

  /** B closes the channel, with an HTLC that it takes. */
  #close(published: Published): void {
    const { network, a, b } = this;
    for (const node of [a, b]) network.claims(node, "hold");
    if (published === "newest, HTLC alone") network.payInvoice(a, b, msat(50_000_000n));
    else if (published !== "newest") network.payInvoice(b, a, msat(50_000_000n));
    const htlc = b.chainMonitor.monitor(this.channelId)?.rows[0]?.htlc;
    b.manager.forceCloseBroadcastingLatestTxn(this.channelId, "the peer is slow");
    const claimable = b.eventList.findLast((event) => event.kind === "payment-claimable");
    if (htlc?.direction === "incoming" && claimable?.purpose.paymentPreimage)
      b.manager.claimFunds(claimable.purpose.paymentPreimage as Bytes32);
    network.settle();
    network.mine(1);
    if (htlc?.direction === "outgoing") network.mine(htlc.cltvExpiry - network.chain.tip.height);
    if (published === "newest, HTLC taken") network.mine(2);
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

    it("has an HTLC, too, that it took on that commitment", () => {
      const lost = new Lost(format, { published: "newest, HTLC taken" });
      assert.ok(lost.before > 420_000n);
      lost.loseAllButBackup();
      checkOwnCommitment(lost, lost.before);
    });
  });
}

describe("a node that starts from an old copy of its store", () => {
  it("has its balance of its own newest commitment that is in the chain", () => {
    checkOwnCommitment(new Lost("anchors-zero-fee-htlc", { published: "newest" }), 430_000n);
  });

  for (const published of ["newest, HTLC on its way", "newest, HTLC alone"] as const) {
    it(`has an HTLC of its own commitment that is in the chain: ${published}`, () => {
      const lost = new Lost("anchors-zero-fee-htlc", { published });
      assert.ok(lost.before >= 50_000n);
      lost.loseAllButBackup();
      checkOwnCommitment(lost, lost.before);
    });
  }

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
  assert.deepEqual(b.chainMonitor.claimableBalances(lost.channelId), []);
}
