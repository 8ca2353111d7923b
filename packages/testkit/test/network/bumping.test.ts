import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid, vsize, weight } from "@fulmen/bitcoin/transaction";
import type { FormatName } from "@fulmen/lightning/commitment";
import {
  type Bytes32,
  type ChannelId,
  feeratePerKw,
  msat,
  type PaymentHash,
  present,
  sat,
} from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { createFundedChain } from "@fulmen/testkit/wallet";

// Commitments and HTLC transactions that a wallet has to pay for, on a chain that runs their scripts and has the
// policy of ordinary nodes.

const bumped: readonly FormatName[] = ["anchors-zero-fee-htlc", "zero-fee-commitments"];

/** Two nodes with a channel between them, both with some to spend there. */
class Channel {
  readonly chain;
  readonly network: TestNetwork;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly channelId: ChannelId;

  constructor(format: FormatName, { coins = 3 } = {}) {
    const funded = createFundedChain();
    this.chain = funded.chain;
    this.network = new TestNetwork({ funded });
    this.a = this.network.addNode();
    this.b = this.network.addNode();
    this.network.connect(this.a, this.b);
    const push = msat(400_000_000n);
    this.channelId = this.network.openChannel(this.a, this.b, { funding: sat(1_000_000n), push, format });
    if (coins > 0) this.network.giveCoins([this.a, this.b], sat(100_000n), coins);
  }

  /** What a node thinks that fees are, in satoshis for a virtual byte. */
  estimate(node: TestNode, satPerVbyte: number): void {
    node.feerate = () => feeratePerKw(satPerVbyte * 250);
  }

  close(node: TestNode): void {
    for (const link of this.network.links) {
      link.reconnects = false;
      this.network.cut(link);
    }
    node.manager.forceCloseBroadcastingLatestTxn(this.channelId, "the peer is gone");
    this.network.settle();
  }

  /** Mines blocks of transactions that pay so much, in satoshis for a virtual byte, alone or by their children. */
  mineAbove(satPerVbyte: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      this.chain.mine(1, { minFeerate: BigInt(satPerVbyte) * 1000n });
      for (const node of this.network.nodes) node.syncChain();
      this.network.settle();
    }
  }

  /** The last package that a node broadcast for its commitment. */
  lastPackage(node: TestNode): readonly [Transaction, Transaction] {
    const bumps = node.broadcasts.filter(({ type }) => type === "anchor-bump").map((one) => one.transaction);
    const [commitment, child] = bumps.slice(-2);
    assert.ok(commitment !== undefined && child !== undefined, "a package");
    return [commitment, child];
  }

  feeratePerVbyte(...transactions: readonly Transaction[]): number {
    const fees = transactions.map((each) => Number(this.chain.feeOf(txid(each)) ?? 0n));
    const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
    return sum(fees) / sum(transactions.map(vsize));
  }

  confirmations(transaction: Transaction): number {
    return this.chain.confirmations(txid(transaction));
  }

  /** HTLCs from one node to another, which holds them. */
  hold(from: TestNode, to: TestNode, count: number): readonly PaymentHash[] {
    this.network.claims(to, "hold");
    return Array.from({ length: count }, (_, i) =>
      this.network.payInvoice(from, to, msat(20_000_000n + 1_000_000n * BigInt(i))),
    );
  }

  claim(node: TestNode, hash: PaymentHash): void {
    const event = node.eventList.find((one) => one.kind === "payment-claimable" && one.paymentHash === hash);
    assert.ok(event?.kind === "payment-claimable");
    node.manager.claimFunds(present(event.purpose.paymentPreimage, "a preimage") as Bytes32);
    this.network.settle();
  }

  /** Confirmed transactions that spend HTLCs of the confirmed commitment, each once. */
  htlcTransactions(commitment: Transaction): readonly Transaction[] {
    const id = txid(commitment);
    const found = new Map<string, Transaction>();
    for (const [index, { value }] of commitment.outputs.entries()) {
      if (value < 15_000n || value > 100_000n) continue;
      const spender = this.chain.outputSpentBy({ txid: id, index });
      if (spender?.block !== undefined) found.set(txid(spender.transaction), spender.transaction);
    }
    return [...found.values()];
  }
}

/** Broadcasts that the chain's policy refused, but for commitments that could not go alone. */
function refusals(node: TestNode) {
  return node.broadcaster.takeRefused().filter(({ type }) => type !== "unilateral-close");
}

function bumpLog(node: TestNode): readonly string[] {
  return node.log.filter(({ module }) => module === "bump").map(({ text }) => text);
}

for (const format of bumped) {
  describe(`a commitment of ${format}`, () => {
    it("confirms as a package when mempools are full and miners choosy", () => {
      const channel = new Channel(format);
      const { a, chain } = channel;
      channel.estimate(a, 20);
      chain.raiseMempoolMinimum(5_000n);
      channel.close(a);
      const [commitment, child] = channel.lastPackage(a);
      assert.deepEqual(chain.mempool, [txid(commitment), txid(child)]);
      const paid = channel.feeratePerVbyte(commitment, child);
      assert.ok(paid >= 20 && paid < 20.5, `${paid} sat/vB`);
      assert.equal(child.version, format === "zero-fee-commitments" ? 3 : 2);
      channel.mineAbove(20);
      assert.equal(channel.confirmations(commitment), 1);
      assert.equal(channel.confirmations(child), 1);
      assert.deepEqual(refusals(a), []);
    });

    it("is raised by replacing the child, within BIP 125, until it confirms", () => {
      const channel = new Channel(format);
      const { a, chain } = channel;
      channel.estimate(a, 2);
      channel.close(a);
      const [commitment, first] = channel.lastPackage(a);
      assert.ok(chain.mempool.includes(txid(first)));
      channel.estimate(a, 50);
      channel.mineAbove(40, 15);
      const [same, second] = channel.lastPackage(a);
      assert.equal(txid(same), txid(commitment));
      assert.deepEqual(chain.mempool, [txid(commitment), txid(second)]);
      assert.deepEqual(second.inputs.slice(0, 2).map(input), first.inputs.slice(0, 2).map(input));
      const paid = channel.feeratePerVbyte(commitment, second);
      assert.ok(paid >= 50 && paid < 51, `${paid} sat/vB`);
      channel.mineAbove(40);
      assert.equal(channel.confirmations(second), 1);
      assert.deepEqual(refusals(a), []);
    });

    it("waits for coins, saying how many it needs, and goes on when they come", () => {
      const channel = new Channel(format, { coins: 0 });
      const { a, network } = channel;
      channel.estimate(a, 20);
      channel.chain.raiseMempoolMinimum(5_000n);
      channel.close(a);
      assert.match(bumpLog(a).at(-1) ?? "", /channel-close: needs [1-9]\d+ sat, the wallet has \d+ sat/);
      assert.deepEqual(channel.chain.mempool, []);
      network.giveCoins([a], sat(900n), 1);
      assert.match(bumpLog(a).at(-1) ?? "", /needs/);
      network.giveCoins([a], sat(50_000n), 1);
      const [commitment, child] = channel.lastPackage(a);
      channel.mineAbove(20);
      assert.equal(channel.confirmations(commitment), 1);
      assert.equal(channel.confirmations(child), 1);
    });

    it("pays what the wallet has, when the estimate asks for more", () => {
      const channel = new Channel(format, { coins: 0 });
      const { a, network } = channel;
      network.giveCoins([a], sat(12_000n), 1);
      channel.estimate(a, 4_000);
      channel.close(a);
      const [commitment, child] = channel.lastPackage(a);
      assert.match(bumpLog(a).at(-1) ?? "", /pays less: needs \d{6,} sat, the wallet has 12\d{3} sat/);
      const paid = channel.feeratePerVbyte(commitment, child);
      assert.ok(paid > 20, `${paid} sat/vB`);
      network.giveCoins([a], sat(90_000n), 1);
      const [, second] = channel.lastPackage(a);
      assert.ok(channel.feeratePerVbyte(commitment, second) > 6 * paid);
      channel.mineAbove(150);
      assert.equal(channel.confirmations(second), 1);
      assert.deepEqual(refusals(a), []);
    });

    it("is the same package after a restart", () => {
      const channel = new Channel(format);
      const { a, network } = channel;
      channel.estimate(a, 20);
      channel.close(a);
      const [, child] = channel.lastPackage(a);
      const broadcasts = a.broadcasts.length;
      network.crash(a);
      network.settle();
      assert.ok(a.broadcasts.length > broadcasts);
      const [, again] = channel.lastPackage(a);
      assert.equal(txid(again), txid(child));
      channel.mineAbove(20);
      assert.equal(channel.confirmations(child), 1);
      assert.deepEqual(refusals(a), []);
    });
  });

  describe(`HTLCs on a commitment of ${format}`, () => {
    it("are taken by one HTLC-success transaction with coins added", () => {
      const channel = new Channel(format);
      const { a, b } = channel;
      const hashes = channel.hold(a, b, 3);
      channel.estimate(b, 10);
      channel.close(b);
      for (const hash of hashes) channel.claim(b, hash);
      channel.mineAbove(10);
      const [commitment] = channel.lastPackage(b);
      assert.equal(channel.confirmations(commitment), 1);
      channel.mineAbove(10);
      const [taken, ...others] = channel.htlcTransactions(commitment);
      assert.ok(taken !== undefined);
      assert.deepEqual(others, []);
      assert.equal(taken.inputs.filter(({ outPoint }) => outPoint.txid === txid(commitment)).length, 3);
      assert.ok(taken.inputs.length > 3 && taken.outputs.length === 4);
      assert.equal(taken.version, format === "zero-fee-commitments" ? 3 : 2);
      const paid = channel.feeratePerVbyte(taken);
      assert.ok(paid >= 10 && paid < 10.5, `${paid} sat/vB`);
      assert.deepEqual(refusals(b), []);
      // The payer learns the preimages from the chain.
      assert.equal(a.eventList.filter(({ kind }) => kind === "payment-sent").length, 3);
    });

    it("are taken back by one HTLC-timeout transaction, raised and restarted meanwhile", () => {
      const channel = new Channel(format);
      const { a, b, network } = channel;
      channel.hold(a, b, 3);
      channel.estimate(a, 10);
      channel.close(a);
      channel.mineAbove(10);
      const [commitment] = channel.lastPackage(a);
      assert.equal(channel.confirmations(commitment), 1);
      const claims = () => a.broadcasts.filter(({ type }) => type === "claim").map((one) => one.transaction);
      while (claims().length === 0) channel.mineAbove(1_000);
      const first = present(claims().at(-1), "an HTLC transaction");
      channel.estimate(a, 30);
      network.crash(a);
      network.settle();
      assert.equal(txid(present(claims().at(-1), "an HTLC transaction")), txid(first));
      channel.mineAbove(1_000, 15);
      network.crash(a);
      network.settle();
      channel.mineAbove(25);
      const [taken, ...others] = channel.htlcTransactions(commitment);
      assert.ok(taken !== undefined && txid(taken) !== txid(first));
      assert.deepEqual(others, []);
      assert.equal(taken.inputs.filter(({ outPoint }) => outPoint.txid === txid(commitment)).length, 3);
      assert.ok(weight(taken) <= 40_000);
      assert.deepEqual(refusals(a), []);
      network.mine(6);
      assert.equal(a.eventList.filter(({ kind }) => kind === "payment-failed").length, 3);
    });

    it("are taken as far as the coins go, the most valuable first, and all when there are more", () => {
      const channel = new Channel(format, { coins: 0 });
      const { a, b, network } = channel;
      channel.hold(a, b, 8);
      network.giveCoins([a], sat(9_000n), 1);
      channel.estimate(a, 2);
      channel.close(a);
      channel.mineAbove(2);
      const [commitment] = channel.lastPackage(a);
      assert.equal(channel.confirmations(commitment), 1);
      channel.estimate(a, 25);
      const last = () => a.broadcasts.findLast(({ type }) => type === "claim")?.transaction;
      while (last() === undefined) channel.mineAbove(1_000);
      const first = present(last(), "an HTLC transaction");
      assert.deepEqual([first.inputs.length, first.outputs[0]?.value], [2, 27_000n]);
      assert.match(bumpLog(a).at(-1) ?? "", /htlc-resolution: needs \d+ sat, the wallet has \d+ sat/);
      network.giveCoins([a], sat(100_000n), 1);
      const all = present(last(), "an HTLC transaction");
      assert.equal(all.inputs.filter(({ outPoint }) => outPoint.txid === txid(commitment)).length, 8);
      assert.ok(channel.chain.mempool.includes(txid(all)));
      channel.mineAbove(20);
      assert.equal(channel.confirmations(all), 1);
      assert.deepEqual(refusals(a), []);
    });
  });
}

function input({ outPoint }: Transaction["inputs"][number]): string {
  return outPointKey(outPoint);
}
