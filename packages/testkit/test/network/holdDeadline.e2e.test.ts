import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type Bytes32, msat, paymentHashOf, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";

/**
 * Blocks before an HTLC's expiry: it is failed from the first on, and closed for, when it was claimed, from the second.
 */
const [failBack, closing] = [39, 36];
const preimage = new Uint8Array(32).fill(7) as Bytes32;

before(() => {
  installNodeCrypto();
});

/** A has paid C by B, and C's user, who alone has the preimage, says nothing yet. */
class Held {
  readonly network = new TestNetwork();
  readonly nodes = [this.network.addNode(), this.network.addNode(), this.network.addNode()] as const;
  readonly a: TestNode = this.nodes[0];
  readonly b: TestNode = this.nodes[1];
  readonly c: TestNode = this.nodes[2];
  readonly expiry: number;
  readonly #broadcasts: readonly number[];

  constructor() {
    const { network, a, b, c } = this;
    for (const [from, to] of [
      [a, b],
      [b, c],
    ] as const) {
      network.connect(from, to);
      network.openChannel(from, to, { funding: sat(500_000n), push: msat(100_000_000n) });
    }
    this.#broadcasts = this.nodes.map(({ broadcasts }) => broadcasts.length);
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    const { invoice } = c.manager.createBolt11Invoice({
      amount: msat(50_000_000n),
      description: "held",
      paymentHash,
    });
    a.manager.payForBolt11Invoice(invoice);
    network.settle();
    const [payment] = c.manager.listClaimablePayments();
    assert.ok(payment);
    this.expiry = payment.claimDeadline + failBack;
  }

  /** The block comes `blocks` before C's HTLC expires. */
  mineTo(blocks: number): void {
    this.network.mine(this.expiry - blocks - this.c.manager.bestBlock.height);
    this.network.settle();
  }

  /** C claims. Whether it can. */
  claim(): boolean {
    const claimed = this.c.manager.claimFunds(preimage);
    this.network.settle();
    return claimed;
  }

  told(node: TestNode, kind: "payment-sent" | "payment-failed" | "payment-claimed"): number {
    return node.eventList.filter((event) => event.kind === kind).length;
  }

  /** That the payment ended as it says, for both ends, and that it cost no channel. */
  check(outcome: "paid" | "failed"): void {
    const [sent, failed] = outcome === "paid" ? [1, 0] : [0, 1];
    assert.deepEqual(
      [this.told(this.a, "payment-sent"), this.told(this.a, "payment-failed")],
      [sent, failed],
    );
    assert.equal(this.told(this.c, "payment-claimed"), sent);
    for (const [index, node] of this.nodes.entries()) {
      assert.equal(node.broadcasts.length, this.#broadcasts[index], `node ${index} broadcast something`);
      const channels = node.manager.listChannels();
      assert.ok(channels.every(({ isUsable, pendingHtlcs }) => isUsable && pendingHtlcs === 0));
    }
  }
}

/** Where the recipient dies and comes back. */
const deaths = ["nowhere", "before", "after"] as const;

describe("a payment whose recipient's user takes its time", () => {
  for (const death of deaths) {
    it(`can be claimed until the block before its deadline (the node dies ${death})`, () => {
      for (const blocks of [failBack + 2, failBack + 1]) {
        const held = new Held();
        held.mineTo(blocks);
        if (death === "before") held.network.crash(held.c);
        assert.ok(held.c.manager.claimFunds(preimage));
        // What was not committed has not happened: the user claims again.
        if (death === "after") {
          held.network.crash(held.c);
          held.network.settle();
          assert.equal(held.told(held.c, "payment-claimed"), 0);
          assert.ok(held.claim());
        }
        held.network.settle();
        held.check("paid");
        held.network.mine(failBack + 10);
        held.check("paid");
      }
    });

    it(`goes back from its deadline on, and closes no channel (the node dies ${death})`, () => {
      for (const blocks of [failBack, failBack - 1, closing, closing - 1, 1]) {
        const held = new Held();
        // The node is away while the blocks come.
        held.mineTo(failBack + 1);
        if (death === "before") held.network.crash(held.c);
        held.network.chain.mine(failBack + 1 - blocks);
        for (const node of held.network.nodes) node.syncChain();
        if (death === "after") held.network.crash(held.c);
        assert.equal(held.c.manager.claimFunds(preimage), false, `${blocks} blocks before its expiry`);
        held.network.settle();
        held.check("failed");
        assert.equal(held.claim(), false);
        held.network.mine(failBack + 10);
        held.check("failed");
      }
    });
  }

  it("goes back when its peer returns, without a close by the recipient however late that is", () => {
    const held = new Held();
    const link = held.network.link(held.b, held.c);
    link.reconnects = false;
    held.network.cut(link);
    held.mineTo(1);
    held.network.crash(held.c);
    held.mineTo(0);
    assert.deepEqual(held.c.manager.listClaimablePayments(), []);
    assert.equal(held.told(held.a, "payment-failed"), 0);
    link.reconnects = true;
    held.network.settle();
    held.check("failed");
  });

  for (const restarts of [false, true]) {
    it(`is claimed on the chain when the peer is away from the last block on${restarts ? ", after a restart" : ""}`, () => {
      const held = new Held();
      const { network, a, b, c } = held;
      network.giveCoins([b, c], sat(100_000n));
      held.mineTo(failBack + 1);
      const link = network.link(b, c);
      link.reconnects = false;
      network.cut(link);
      assert.ok(held.claim());
      if (restarts) network.crash(c);
      const broadcasts = c.broadcasts.length;
      held.mineTo(closing + 1);
      assert.equal(c.broadcasts.length, broadcasts, "closed before it had to be");
      held.mineTo(closing);
      assert.ok(c.broadcasts.length > broadcasts, "not closed in time");
      if (restarts) network.crash(c);
      held.mineTo(1);
      assert.equal(held.told(a, "payment-sent"), 1);
      assert.equal(held.told(c, "payment-claimed"), 1);
      assert.ok(
        a.manager.listChannels().every(({ isUsable, pendingHtlcs }) => isUsable && pendingHtlcs === 0),
      );
    });
  }
});
