import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { feeratePerKw, msat, type PaymentId, sat } from "@fulmen/lightning/util";
import {
  NodeCrash,
  type StoreFault,
  TestNetwork,
  type TestNode,
  type TestNodeOptions,
} from "@fulmen/testkit";

type Options = Partial<Omit<TestNodeOptions, "chain" | "now">>;

/** A channel from A to B; the link does not come back by itself. */
function pair(options: Options = {}) {
  const network = new TestNetwork();
  const a = network.addNode(options);
  const b = network.addNode();
  const link = network.connect(a, b);
  const channelId = network.openChannel(a, b, { funding: sat(500_000n), format: "static-remotekey" });
  link.reconnects = false;
  return { network, a, b, link, channelId };
}

/** A pays B; nothing but A moves. */
function order(from: TestNode, to: TestNode): PaymentId {
  const { invoice, paymentHash } = to.manager.createBolt11Invoice({
    amount: msat(7_000_000n),
    description: "test",
  });
  from.manager.payForBolt11Invoice(invoice);
  return paymentHash as string as PaymentId;
}

const kinds = (node: TestNode): readonly string[] => node.eventList.map(({ kind }) => kind);

describe("a failing store", () => {
  for (const fault of ["fails", "loses-answer"] satisfies StoreFault[]) {
    it(`${fault}: nothing leaves before it works again, then all does`, () => {
      const { network, a, b, link } = pair();
      order(a, b);
      a.storeFault = fault;
      const before = a.store.commits;
      network.pump(a);
      assert.equal(a.isFrozen, true);
      assert.equal(a.store.commits - before, fault === "fails" ? 0 : 1);
      assert.deepEqual([link.wires[0].chunks.length, a.isCommitting], [0, true]);
      a.thaw();
      network.settle();
      assert.equal(a.isFrozen, false);
      assert.ok(kinds(a).includes("payment-sent"));
      assert.equal(b.manager.listChannels()[0]?.localBalance, 7_000_000n);
    });
  }

  it("is as it was stored after a crash: an order whose answer was lost is there, one that failed is not", () => {
    for (const fault of ["fails", "loses-answer"] satisfies StoreFault[]) {
      const { network, a, b } = pair();
      const paymentId = order(a, b);
      a.storeFault = fault;
      network.pump(a);
      network.crash(a);
      assert.equal(a.isFrozen, false);
      const known = a.manager.listRecentPayments().some((payment) => payment.paymentId === paymentId);
      assert.equal(known, fault === "loses-answer");
    }
  });
});

describe("a node that dies", () => {
  it("takes with it what is on its way, if that is said", () => {
    for (const losesSent of [false, true]) {
      const { network, a, b, link } = pair();
      order(a, b);
      network.pump(a);
      assert.ok(link.wires[0].chunks.length > 0);
      network.crash(a, { losesSent });
      network.settle();
      assert.equal(b.manager.listChannels()[0]?.pendingHtlcs, losesSent ? 0 : 1);
    }
  });

  it("does so at a crash point, too", () => {
    for (const losesSent of [false, true]) {
      const { network, a, b } = pair();
      let isDue = true;
      a.onCrashPoint = (_node, point) => {
        if (!isDue || point.kind !== "after-effect" || !point.effect.includes("commitment_signed")) return;
        isDue = false;
        throw new NodeCrash("for the test", { losesSent });
      };
      order(a, b);
      network.pump(a);
      network.settle();
      assert.equal(isDue, false);
      assert.equal(b.manager.listChannels()[0]?.pendingHtlcs, losesSent ? 0 : 1);
    }
  });
});

describe("a node's feerates", () => {
  it("are what a test says", () => {
    const { network, a } = pair();
    const effects: string[] = [];
    a.onCrashPoint = (_node, point) => {
      if (point.kind === "after-effect") effects.push(point.effect);
    };
    network.passTime(1);
    assert.deepEqual(effects, []);
    a.feerate = (target) => feeratePerKw(target === "maximum-fee-estimate" ? 5_000 : 1_000);
    network.passTime(1);
    assert.equal(effects[0], "send-message update_fee");
  });
});

describe("a watch that answers late", () => {
  it("holds back what rests on its updates, and nothing else", () => {
    const { network, a, b } = pair({ hasLateWatch: true });
    const effects: string[] = [];
    a.onCrashPoint = (_node, point) => {
      if (point.kind === "after-effect") effects.push(point.effect);
    };
    a.holdsUpdates = true;
    order(a, b);
    network.settle();
    assert.deepEqual([a.lateWatch?.pending, a.isCommitting], [1, false]);
    const sent = effects.length;
    assert.ok(!effects.includes("send-message commitment_signed"));
    assert.equal(a.lateWatch?.complete(), true);
    network.settle();
    assert.deepEqual(effects.slice(sent), ["send-message commitment_signed"]);
    assert.ok(!kinds(b).includes("payment-claimable"));
    a.holdsUpdates = false;
    network.settle();
    assert.ok(kinds(a).includes("payment-sent"));
  });

  it("is given again what it had not stored when the node died", () => {
    const { network, a, b, link, channelId } = pair({ hasLateWatch: true });
    a.holdsUpdates = true;
    order(a, b);
    network.settle();
    const stored = a.lateWatch?.latestUpdateId(channelId);
    network.crash(a);
    assert.equal(a.lateWatch?.pending, 1);
    a.lateWatch?.restart();
    assert.equal(a.lateWatch?.latestUpdateId(channelId), stored);
    a.holdsUpdates = false;
    link.reconnects = true;
    network.settle();
    assert.ok(kinds(a).includes("payment-sent"));
    assert.equal(a.chainMonitor.monitor(channelId)?.latestUpdateId, a.lateWatch?.latestUpdateId(channelId));
  });

  it("follows the chain by itself, through reorganisations and its own death", () => {
    const { network, a, channelId } = pair({ hasLateWatch: true });
    a.manager.closeChannel(channelId);
    network.settle();
    network.mine(2);
    assert.ok(a.chainMonitor.monitor(channelId)?.chain.fundingSpend);
    network.chain.reorg(2);
    for (const node of network.nodes) node.syncChain();
    assert.equal(a.chainMonitor.monitor(channelId)?.chain.fundingSpend, undefined);
    a.lateWatch?.restart();
    network.mine(6);
    assert.ok(a.chainMonitor.monitor(channelId)?.chain.fundingSpend);
  });
});
