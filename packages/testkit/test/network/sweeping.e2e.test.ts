import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { type ChannelId, msat, sat, type Txid } from "@fulmen/lightning/util";
import { CrashPlan, describeCrashPoint, TestNetwork, type TestNode } from "@fulmen/testkit";

// What a force-closed channel leaves both nodes comes back to their wallets, on a chain that runs the scripts.

const capacity = 1_000_000n;
const pushed = 400_000n;

before(() => {
  installNodeCrypto();
});

/** Two nodes whose channel one of them, A, its opener, has closed by its commitment. */
class Closed {
  readonly network = new TestNetwork();
  readonly a = this.network.addNode();
  readonly b = this.network.addNode();
  readonly nodes: readonly TestNode[] = [this.a, this.b];
  readonly channelId: ChannelId;
  readonly wealth: readonly bigint[];

  constructor(format: FormatName) {
    const { network, a, b } = this;
    const link = network.connect(a, b);
    const push = msat(pushed * 1_000n);
    this.channelId = network.openChannel(a, b, { funding: sat(capacity), push, format });
    network.giveCoins(this.nodes, sat(100_000n), 3);
    this.wealth = this.nodes.map((node) => this.wealthOf(node));
    link.reconnects = false;
    network.cut(link);
    a.manager.forceCloseBroadcastingLatestTxn(this.channelId, "enough");
    network.settle();
    network.mine(1);
  }

  /** On chain and confirmed. */
  wealthOf({ wallet, keys }: TestNode): bigint {
    const scripts = [keys.destinationScript(new Uint8Array(32)), keys.shutdownScript()];
    const coins = scripts.flatMap((script) => this.network.chain.coins(script));
    return coins.reduce<bigint>((total, { output }) => total + output.value, wallet.balance);
  }

  /** Until A's delay is over and both have swept what they had. */
  finish(): void {
    this.network.mine(150);
  }

  sweeps(node: TestNode): readonly Transaction[] {
    return node.broadcasts.filter(({ type }) => type === "sweep").map(({ transaction }) => transaction);
  }

  statuses(node: TestNode): readonly string[] {
    return node.sweeper.trackedSpendableOutputs().map(({ status }) => status.kind);
  }

  /** Fees of different transactions of the chain that nodes have broadcast. */
  feesOf(node: TestNode, ...types: readonly string[]): bigint {
    const ids = new Map<Txid, bigint>();
    for (const { transaction, type } of node.broadcasts) {
      const id = txid(transaction);
      if (!types.includes(type) || this.network.chain.confirmations(id) === 0) continue;
      ids.set(id, this.network.chain.feeOf(id) ?? 0n);
    }
    return [...ids.values()].reduce((total, fee) => total + fee, 0n);
  }

  /** What of A's commitment nobody has taken, or was taken as an anchor's value by whoever raised its fee. */
  check(): void {
    const { a, b, nodes, network } = this;
    const [beforeA = 0n, beforeB = 0n] = this.wealth;
    const gainB = this.wealthOf(b) - beforeB;
    assert.equal(gainB, pushed - this.feesOf(b, "sweep"));
    const commitment = a.broadcasts.find(({ type }) => type === "unilateral-close" || type === "anchor-bump");
    assert.ok(commitment !== undefined);
    const id = txid(commitment.transaction);
    const left = commitment.transaction.outputs.reduce(
      (total, { value }, index) => (network.chain.coin({ txid: id, index }) ? total + value : total),
      0n,
    );
    const gainA = this.wealthOf(a) - beforeA;
    const fees = this.feesOf(a, "unilateral-close", "anchor-bump", "sweep");
    assert.equal(gainA, capacity - pushed - fees - left);
    for (const node of nodes) {
      assert.deepEqual(this.statuses(node), ["pending-threshold-confirmations"]);
      assert.deepEqual(node.chainMonitor.claimableBalances(this.channelId), []);
      const states = node.chainMonitor.closeTimeline(this.channelId).map(({ state }) => state.kind);
      assert.deepEqual(states, ["closed", "handed-over"]);
      assert.equal(node.eventList.filter(({ kind }) => kind === "spendable-outputs").length, 1);
      assert.deepEqual(
        node.broadcaster.takeRefused().filter(({ type }) => type === "sweep"),
        [],
      );
      assert.deepEqual(node.keys.memory.violations, []);
    }
  }
}

for (const format of formatNames) {
  describe(`sweeping a force-closed channel, ${format}`, () => {
    it("brings every satoshi home but the fees", () => {
      const closed = new Closed(format);
      const [, balance] = closed.a.chainMonitor.closeTimeline(closed.channelId);
      assert.ok(balance?.state.kind === "maturing");
      const { until } = balance.state;
      closed.finish();
      closed.check();
      const [tracked] = closed.a.sweeper.trackedSpendableOutputs();
      assert.ok(tracked?.status.kind === "pending-threshold-confirmations");
      assert.equal(tracked.descriptor.output.value, balance.amount);
      assert.equal(tracked.status.confirmationHeight, until + 2);
    });

    for (const depth of [1, 3, 6]) {
      it(`does so after a reorganisation of depth ${depth}`, () => {
        const closed = new Closed(format);
        const { network, b } = closed;
        while (closed.statuses(b)[0] !== "pending-threshold-confirmations") network.mine(1);
        network.mine(depth - 1);
        network.chain.reorg(depth);
        for (const node of network.nodes) node.syncChain();
        network.settle();
        assert.deepEqual(closed.statuses(b), ["pending-first-confirmation"]);
        closed.finish();
        closed.check();
      });
    }
  });
}

describe("sweeping", () => {
  it("survives a death at every point between the outputs' maturity and the sweep", () => {
    const passed = (at: readonly number[]): CrashPlan => {
      const closed = new Closed("static-remotekey");
      const plan = new CrashPlan(closed.b, at);
      closed.network.mine(10);
      closed.b.onCrashPoint = () => {};
      closed.finish();
      closed.check();
      return plan;
    };
    const all = passed([]).passed;
    const points = all.map(describeCrashPoint);
    assert.ok(points.includes("after event spendable-outputs") && points.includes("after broadcast sweep"));
    for (const index of all.keys()) assert.equal(passed([index]).died.length, 1);
  });

  it("broadcasts no sweep that the store did not take", () => {
    const closed = new Closed("static-remotekey");
    const { network, b } = closed;
    while (b.sweeper.trackedSpendableOutputs().length === 0) network.mine(1);
    assert.deepEqual(closed.sweeps(b), []);
    b.storeFault = "fails";
    network.mine(1);
    assert.ok(b.isFrozen);
    assert.deepEqual(closed.statuses(b), ["pending-first-confirmation"]);
    network.mine(2);
    assert.deepEqual(closed.sweeps(b), []);
    b.thaw();
    network.settle();
    assert.equal(new Set(closed.sweeps(b).map(txid)).size, 1);
    closed.finish();
    closed.check();
  });
});
