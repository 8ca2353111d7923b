import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { Event } from "@fulmen/lightning/handlers";
import { type Msat, msat, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { testConfig } from "@fulmen/testkit/node";

before(() => {
  installNodeCrypto();
});

const amount = msat(50_000_000n);

/** A - T1 - X - T2 - D: between the two trampoline nodes there is one that knows nothing of trampolines. */
class Line {
  readonly network = new TestNetwork();
  readonly a: TestNode;
  readonly t1: TestNode;
  readonly x: TestNode;
  readonly t2: TestNode;
  readonly d: TestNode;

  constructor() {
    const { network } = this;
    const config = { ...testConfig, acceptTrampolineForwards: true };
    const nodes = [config, config, testConfig, config, config].map((one) => network.addNode({ config: one }));
    const [a, t1, x, t2, d] = nodes as [TestNode, TestNode, TestNode, TestNode, TestNode];
    [this.a, this.t1, this.x, this.t2, this.d] = [a, t1, x, t2, d];
    for (const [index, from] of nodes.entries()) {
      const to = nodes[index + 1];
      if (to === undefined) continue;
      network.connect(from, to);
      network.openChannel(from, to, { funding: sat(500_000n), push: msat(100_000_000n) });
    }
    // Until all have heard of all channels.
    network.mine(6);
    network.passTime(2);
  }

  /** A pays D by T1 and T2, which are given this much each. */
  pay(fee: Msat | undefined, maxFee: Msat): void {
    const { invoice } = this.d.manager.createBolt11Invoice({ amount, description: "test" });
    const trampolines = [this.t1, this.t2].map(({ nodeId }) => ({
      nodeId,
      ...(fee !== undefined && { fee }),
    }));
    this.a.manager.payForBolt11Invoice(invoice, { trampolines, maxFee });
    this.network.settle();
  }

  of<K extends Event["kind"]>(kind: K): readonly Extract<Event, { kind: K }>[] {
    return this.a.eventList.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }
}

describe("a payment by trampoline nodes that are not neighbours", () => {
  it("goes through with what a payer gives unless told otherwise", () => {
    const line = new Line();
    line.pay(undefined, msat(amount / 50n));
    assert.deepEqual(line.of("payment-path-failed"), []);
    const [sent] = line.of("payment-sent");
    assert.ok(sent?.feePaid !== undefined && sent.feePaid <= amount / 50n);
  });

  it("is given, from nothing on, what both of them and the way between them take", () => {
    const line = new Line();
    line.pay(msat(0n), msat(amount / 50n));
    const names = line.of("payment-path-failed").map(({ failureName }) => failureName);
    assert.deepEqual([...new Set(names)], ["trampoline_fee_or_expiry_insufficient"]);
    // T1's own terms, its way by X, and T2's terms.
    assert.equal(names.length, 3);
    const [sent] = line.of("payment-sent");
    // 1 sat and 0.1 % for each of them, and 1 sat for X.
    assert.equal(sent?.feePaid, 51_000n + 51_051n + 1_000n);
  });

  it("fails when the way takes more than may be spent", () => {
    const line = new Line();
    line.pay(msat(0n), msat(51_500n));
    assert.equal(line.of("payment-failed").length, 1);
    assert.deepEqual(line.of("payment-sent"), []);
    for (const node of line.network.nodes) {
      assert.ok(
        node.manager.listChannels().every(({ pendingHtlcs, isUsable }) => pendingHtlcs === 0 && isUsable),
      );
    }
  });
});
