import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { Event } from "@fulmen/lightning/handlers";
import type { BlindedPaymentPath } from "@fulmen/lightning/onion";
import { paymentParameters } from "@fulmen/lightning/routing";
import {
  type Bytes32,
  type Msat,
  msat,
  type PaymentHash,
  type PaymentId,
  present,
  sat,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { type ClaimPolicy, TestNetwork, type TestNode, testConfig } from "@fulmen/testkit";

before(() => {
  installNodeCrypto();
});

const capacity = sat(1_000_000n);

/** What an invoice would say: several parts may come. */
const features = Features.of({ basic_mpp: "optional" }).toBytes();

/** With private channels that are forwarded to, each of which may be filled. */
const config: UserConfig = {
  ...testConfig,
  channelHandshakeConfig: {
    ...testConfig.channelHandshakeConfig,
    announcedMaxInboundHtlcValueInFlightPercent: 100,
  },
  channelHandshakeLimits: { ...testConfig.channelHandshakeLimits, forceAnnouncedChannelPreference: false },
  acceptForwardsToPrivChannels: true,
  forwardingBudget: { maxSlotsPercent: 100, maxLiquidityPercent: 100 },
};

/**
 * Alice knows Bob, Bob knows Carol and Erin, and these know Dave, of whom nobody else does:
 *
 *     Alice - Bob - Carol - Dave
 *                \  Erin  /
 */
class Hidden {
  readonly network = new TestNetwork();
  readonly alice = this.network.addNode({ config });
  readonly bob = this.network.addNode({ config });
  readonly carol = this.network.addNode({ config });
  readonly dave = this.network.addNode({ config });
  readonly erin = this.network.addNode({ config });

  constructor() {
    const { network, alice, bob, carol, dave, erin } = this;
    const pairs = [
      [alice, bob],
      [bob, carol],
      [bob, erin],
      [carol, dave],
      [erin, dave],
    ] as const;
    for (const [from, to] of pairs) {
      network.connect(from, to);
      const funding = from === alice ? sat(5_000_000n) : capacity;
      network.openChannel(from, to, { funding, announce: to !== dave });
    }
    network.settle();
  }

  /** What Dave gives to a payer, over as many of his peers as that may be. */
  ask(amount: Msat) {
    const { paymentHash, paymentSecret } = this.dave.manager.createInboundPayment({ amount });
    return { paymentHash, paths: this.dave.manager.createBlindedPaymentPaths({ paymentSecret }) };
  }

  pay(
    asked: { readonly paymentHash: PaymentHash; readonly paths: readonly BlindedPaymentPath[] },
    amount: Msat,
  ) {
    const { paymentHash, paths } = asked;
    this.alice.manager.sendPayment({
      paymentHash,
      paymentId: paymentHash as string as PaymentId,
      recipientOnion: {},
      routeParameters: {
        paymentParameters: paymentParameters({ kind: "blinded", paths, features }),
        finalValue: amount,
        maxFee: msat(100_000n),
      },
    });
    this.network.settle();
  }
}

function told<K extends Event["kind"]>(node: TestNode, kind: K) {
  return node.eventList.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
}

/** What Dave has by his channels. */
function balanceOf({ manager }: TestNode): bigint {
  return manager.listChannels().reduce((total, { localBalance }) => total + localBalance, 0n);
}

function pendingIn(hidden: Hidden): number {
  const all = hidden.network.nodes.flatMap(({ manager }) => manager.listChannels());
  return all.reduce((total, { pendingHtlcs }) => total + pendingHtlcs, 0);
}

describe("a payer and a recipient whom it does not know", () => {
  it("find each other by a blinded path", () => {
    const hidden = new Hidden();
    const amount = msat(50_000_123n);
    const asked = hidden.ask(amount);
    assert.equal(asked.paths.length, 2);
    const introductions = asked.paths.map(({ introductionNode }) =>
      introductionNode.kind === "node-id" ? introductionNode.nodeId : undefined,
    );
    assert.deepEqual(new Set(introductions), new Set([hidden.carol.nodeId, hidden.erin.nodeId]));
    hidden.pay(asked, amount);
    assert.equal(told(hidden.alice, "payment-sent").length, 1);
    assert.equal(told(hidden.dave, "payment-claimed")[0]?.paymentHash, asked.paymentHash);
    assert.ok(balanceOf(hidden.dave) >= amount);
    assert.equal(pendingIn(hidden), 0);
  });

  it("find each other by two blinded paths at once, where one shall not be filled", () => {
    const hidden = new Hidden();
    const amount = msat(450_000_000n);
    hidden.pay(hidden.ask(amount), amount);
    assert.equal(told(hidden.alice, "payment-sent").length, 1);
    const [claimable] = told(hidden.dave, "payment-claimable");
    assert.equal(claimable?.viaChannelIds.length, 2);
    assert.ok(balanceOf(hidden.dave) >= amount);
    assert.equal(pendingIn(hidden), 0);
  });

  it("find each other by the second path when the first has failed somewhere", () => {
    let failures = 0;
    // Which of the two the payer tries first is its own affair.
    for (const name of ["carol", "erin"] as const) {
      const hidden = new Hidden();
      const amount = msat(50_000_000n);
      const asked = hidden.ask(amount);
      const link = hidden.network.link(hidden[name], hidden.dave);
      link.reconnects = false;
      hidden.network.cut(link);
      hidden.network.settle();
      hidden.pay(asked, amount);
      assert.equal(told(hidden.alice, "payment-sent").length, 1);
      const failed = told(hidden.alice, "payment-path-failed");
      failures += failed.length;
      for (const { failureName } of failed) assert.equal(failureName, "invalid_onion_blinding");
      assert.ok(balanceOf(hidden.dave) >= amount);
      assert.equal(pendingIn(hidden), 0);
    }
    assert.equal(failures, 1);
  });

  it("hide from each other that the chain had to decide", () => {
    const hidden = new Hidden();
    const { network, alice, carol, erin, dave } = hidden;
    network.giveCoins([carol, erin], sat(100_000n));
    network.claims(dave, "hold");
    const amount = msat(50_000_000n);
    hidden.pay(hidden.ask(amount), amount);
    assert.equal(told(dave, "payment-claimable").length, 1);
    for (const peer of [carol, erin]) {
      const link = network.link(peer, dave);
      link.reconnects = false;
      network.cut(link);
    }
    network.settle();
    for (let blocks = 0; blocks < 200 && told(alice, "payment-failed").length === 0; blocks++) network.mine();
    assert.equal(told(alice, "payment-failed").length, 1);
    assert.equal(told(alice, "payment-path-failed")[0]?.failureName, "invalid_onion_blinding");
    const closed = [carol, erin].flatMap((node) => told(node, "channel-closed"));
    assert.equal(closed.length, 1);
    assert.equal(alice.manager.listUsableChannels().length, 1);
  });

  const outcomes: readonly [ClaimPolicy, Event["kind"]][] = [
    ["claim", "payment-sent"],
    ["fail", "payment-failed"],
  ];
  for (const [policy, outcome] of outcomes) {
    it(`come to an end whoever restarts while the payment is held (${outcome})`, () => {
      for (const name of ["bob", "carol", "erin", "dave"] as const) {
        const hidden = new Hidden();
        const { network, dave, alice } = hidden;
        const amount = msat(450_000_000n);
        network.claims(dave, "hold");
        const asked = hidden.ask(amount);
        hidden.pay(asked, amount);
        const { purpose } = present(told(dave, "payment-claimable")[0], "a payment");
        network.crash(hidden[name]);
        network.settle();
        assert.ok(pendingIn(hidden) >= 8, "the parts lie in six channels, and each is seen from both sides");
        if (policy === "fail") dave.manager.failHtlcBackwards(asked.paymentHash);
        else dave.manager.claimFunds(present(purpose.paymentPreimage, "a preimage") as Bytes32);
        network.settle();
        // A part that was tried again in between waits for others in vain.
        network.passTime(4);
        assert.equal(told(alice, outcome).length, 1, name);
        assert.equal(pendingIn(hidden), 0);
        assert.ok(
          network.nodes.every(({ manager }) => manager.listChannels().every(({ isUsable }) => isUsable)),
        );
      }
    });
  }
});
