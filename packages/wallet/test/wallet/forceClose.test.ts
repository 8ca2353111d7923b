import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Transaction, txid, vsize, weight } from "@fulmen/bitcoin/transaction";
import type { FormatName } from "@fulmen/lightning/commitment";
import { type ChannelId, feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { World } from "./world.ts";

// A node closes a channel and takes its HTLCs back, with coins of a descriptor wallet.

const htlcs = 3;

class ClosingNode {
  readonly world = new World();
  readonly network: TestNetwork;
  readonly node: TestNode;
  readonly peer: TestNode;
  readonly channelId: ChannelId;
  #seen = 0;

  constructor(format: FormatName) {
    const { world } = this;
    const { chain, faucet } = world;
    this.network = new TestNetwork({ funded: { chain, faucet } });
    this.node = this.network.addNode({
      coins: {
        selectConfirmedUtxos: (request) => world.wallet.selectConfirmedUtxos(request),
        signPsbt: (psbt) => world.wallet.signPsbt(psbt),
        retainClaims: (claimIds) => world.wallet.retainClaims(claimIds),
      },
    });
    this.peer = this.network.addNode();
    const link = this.network.connect(this.node, this.peer);
    this.channelId = this.network.openChannel(this.node, this.peer, { funding: sat(1_000_000n), format });
    this.network.claims(this.peer, "hold");
    for (let i = 0; i < htlcs; i++) this.network.payInvoice(this.node, this.peer, msat(20_000_000n));
    link.reconnects = false;
    this.network.cut(link);
    world.sync();
  }

  estimate(satPerVbyte: number): void {
    this.node.feerate = () => feeratePerKw(250 * satPerVbyte);
  }

  /** The wallet stores what it knows, and sees what the node has broadcast. */
  settle(): void {
    this.network.settle();
    const { broadcasts } = this.node;
    for (const { transaction } of broadcasts.slice(this.#seen))
      this.world.wallet.transactionSeen(transaction);
    this.#seen = broadcasts.length;
    this.world.save();
  }

  /** Blocks of what pays so much, in satoshis for a virtual byte. */
  mine(minSatPerVbyte: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      this.world.chain.mine(1, { minFeerate: 1_000n * BigInt(minSatPerVbyte) });
      this.world.sync();
      for (const each of this.network.nodes) each.syncChain();
      this.settle();
    }
  }

  /** Both node and wallet die, and come back with what they have stored. */
  crash(): void {
    this.world.restart();
    this.network.crash(this.node);
    this.settle();
  }

  /** What was last broadcast of this type. */
  last(type: "anchor-bump" | "claim"): Transaction {
    return present(this.node.broadcasts.findLast((one) => one.type === type)?.transaction, type);
  }
}

for (const format of ["anchors-zero-fee-htlc", "zero-fee-commitments"] as const) {
  describe(`a wallet of a node that closes a channel of ${format}`, () => {
    it("pays for commitment and HTLCs through raised fees, restarts and a full mempool, to the satoshi", () => {
      const closing = new ClosingNode(format);
      const { world, network, node } = closing;
      const { chain } = world;
      world.give(30_000, 0);
      world.give(40_000, 1);
      world.mine();
      for (const each of network.nodes) each.syncChain();
      const before = world.total();

      chain.raiseMempoolMinimum(5_000n);
      closing.estimate(10);
      node.manager.forceCloseBroadcastingLatestTxn(closing.channelId, "the peer is gone");
      closing.settle();
      const first = closing.last("anchor-bump");
      assert.ok(weight(first) <= (format === "zero-fee-commitments" ? 4_000 : 400_000));
      assert.equal(chain.mempool.length, 2);
      closing.crash();
      assert.equal(txid(closing.last("anchor-bump")), txid(first));

      closing.estimate(30);
      closing.mine(25, 15);
      const child = closing.last("anchor-bump");
      assert.notEqual(txid(child), txid(first));
      assert.equal(chain.mempool.length, 2);
      closing.mine(25);
      assert.equal(chain.confirmations(txid(child)), 1);

      const isTaken = (): boolean =>
        node.broadcasts.some(
          ({ type, transaction }) => type === "claim" && transaction.inputs.length > htlcs,
        );
      while (!isTaken()) closing.mine(5);
      const timeout = closing.last("claim");
      assert.equal(timeout.outputs.length, htlcs + 1);
      closing.crash();
      assert.equal(txid(closing.last("claim")), txid(timeout));
      const paid = Number(present(chain.feeOf(txid(timeout)), "fee")) / vsize(timeout);
      assert.ok(paid >= 30 && paid < 31, `${paid} sat/vB`);
      closing.mine(25);
      assert.equal(chain.confirmations(txid(timeout)), 1);

      closing.mine(25, 6);
      network.passTime(1);
      assert.deepEqual(world.wallet.locks(), []);
      const fees = [child, timeout].map((each) => present(chain.feeOf(txid(each)), "fee"));
      const anchor = format === "zero-fee-commitments" ? 0n : 330n;
      assert.equal(world.total(), before + anchor - fees.reduce((sum, fee) => sum + fee, 0n));
      assert.equal(world.wallet.balance().confirmed, world.total());
      assert.deepEqual(
        node.broadcaster.takeRefused().filter(({ type }) => type !== "unilateral-close"),
        [],
      );
    });

    it("pays what it has when the estimate asks for more", () => {
      const closing = new ClosingNode(format);
      const { world, network, node } = closing;
      world.give(12_000, 1);
      world.mine();
      for (const each of network.nodes) each.syncChain();
      closing.estimate(4_000);
      node.manager.forceCloseBroadcastingLatestTxn(closing.channelId, "the peer is gone");
      closing.settle();
      const child = closing.last("anchor-bump");
      assert.ok((world.chain.feeOf(txid(child)) ?? 0n) > 9_000n);
      world.mine();
      assert.equal(world.chain.confirmations(txid(child)), 1);
    });

    it("has its coins back when the peer was faster", () => {
      const closing = new ClosingNode(format);
      const { world, network, node, peer } = closing;
      network.giveCoins([peer], sat(50_000n), 1);
      world.give(50_000, 0);
      world.mine();
      for (const each of network.nodes) each.syncChain();
      closing.estimate(10);
      node.manager.forceCloseBroadcastingLatestTxn(closing.channelId, "the peer is gone");
      closing.settle();
      assert.equal(world.wallet.locks().length, 1);
      const child = closing.last("anchor-bump");
      peer.manager.forceCloseBroadcastingLatestTxn(closing.channelId, "the peer is gone");
      network.settle();
      const isClose = ({ type }: TestNode["broadcasts"][number]) => /unilateral-close|anchor-bump/.test(type);
      const theirs = present(peer.broadcasts.find(isClose)?.transaction, "the peer's commitment");
      world.chain.mine(1, { transactions: [theirs], only: [] });
      world.sync();
      for (const each of network.nodes) each.syncChain();
      closing.settle();
      world.wallet.transactionEvicted(txid(child));
      network.passTime(1);
      assert.deepEqual(world.wallet.locks(), []);
      assert.equal(world.wallet.balance().confirmed, 50_000n);
    });
  });
}
