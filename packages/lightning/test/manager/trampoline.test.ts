import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat } from "#src/util/units";
import { type ManagerNode, testConfig } from "./managers.ts";
import { TrampolineLine } from "./trampolineLine.ts";

describe("a payment by trampoline nodes", () => {
  it("is relayed, received and told of by each as what it is", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, dave, net } = line;
    const { paymentHash } = line.pay(msat(50_000_000n), msat(500_000n));
    net.settle();
    const [claimable] = dave.eventsOf("payment-claimable");
    assert.equal(claimable?.amount, 50_000_000n);
    assert.ok(line.claim());
    net.settle();
    const [sent] = alice.eventsOf("payment-sent");
    assert.deepEqual(
      [sent?.paymentHash, sent?.amount, sent?.feePaid],
      [paymentHash, 50_000_000n, 1_000_000n],
    );
    for (const relay of [bob, carol]) {
      const [forwarded] = relay.eventsOf("payment-forwarded");
      assert.equal(forwarded?.totalFeeEarned, 500_000n);
      assert.deepEqual([forwarded?.prevHtlcs.length, forwarded?.nextHtlcs.length], [1, 1]);
      const kinds = new Set(relay.events.map(({ kind }) => kind));
      assert.ok(!kinds.has("payment-sent") && !kinds.has("payment-path-successful"));
      assert.deepEqual(relay.manager.listRecentPayments(), []);
    }
    line.assertQuiet();
  });

  it("comes and goes in several parts", () => {
    const line = new TrampolineLine(2);
    const { alice, bob, carol, dave, net } = line;
    line.pay(msat(1_200_000_000n), msat(5_000_000n));
    net.settle();
    assert.equal(dave.eventsOf("payment-claimable")[0]?.amount, 1_200_000_000n);
    assert.ok(line.claim());
    net.settle();
    assert.equal(alice.eventsOf("payment-sent")[0]?.feePaid, 10_000_000n);
    for (const relay of [bob, carol]) {
      const told = relay.eventsOf("payment-forwarded");
      assert.deepEqual(
        told.map(({ prevHtlcs, nextHtlcs }) => [prevHtlcs.length, nextHtlcs.length]),
        [[2, 2]],
      );
      assert.equal(told[0]?.totalFeeEarned, 5_000_000n);
    }
    line.assertQuiet();
  });

  it("fails with what the recipient says, which none of the relays can read", () => {
    const line = new TrampolineLine(2);
    const { alice, bob, carol, dave, net } = line;
    const { paymentHash } = line.pay(msat(1_200_000_000n), msat(5_000_000n));
    net.settle();
    dave.manager.failHtlcBackwards(paymentHash);
    net.settle();
    for (const failed of alice.eventsOf("payment-path-failed")) {
      assert.equal(failed.failureName, "incorrect_or_unknown_payment_details");
      assert.equal(failed.paymentFailedPermanently, true);
    }
    assert.deepEqual(
      alice.eventsOf("payment-failed").map(({ reason }) => reason),
      ["recipient-rejected"],
    );
    for (const relay of [bob, carol]) {
      const told = relay.eventsOf("htlc-handling-failed");
      assert.deepEqual(
        told.map(({ failureType, failureReason }) => [failureType.kind, failureReason?.kind]),
        [
          ["trampoline-forward", "downstream"],
          ["trampoline-forward", "downstream"],
        ],
      );
    }
    line.assertQuiet();
  });

  it("fails at the node that is not given its fee, and says which it asks for", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, net } = line;
    line.pay(msat(50_000_000n), msat(50_999n));
    net.settle();
    const [failed] = alice.eventsOf("payment-path-failed");
    assert.equal(failed?.failureName, "trampoline_fee_or_expiry_insufficient");
    assert.deepEqual(
      alice.eventsOf("payment-failed").map(({ reason }) => reason),
      ["route-not-found"],
    );
    assert.equal(bob.eventsOf("htlc-handling-failed").length, 1);
    assert.deepEqual(
      carol.events.filter(({ kind }) => kind === "htlc-handling-failed"),
      [],
    );
    line.assertQuiet();
  });

  it("fails when the next node cannot be reached for some minutes", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, net } = line;
    net.disconnect(bob, carol);
    line.pay(msat(50_000_000n), msat(500_000n));
    net.settle();
    for (let round = 0; round < 4; round++) {
      assert.deepEqual(alice.eventsOf("payment-path-failed").slice(round), []);
      for (let tick = 0; tick < 3; tick++) bob.manager.timerTickOccurred(1_800_000_000);
      net.settle();
    }
    for (const { failureName } of alice.eventsOf("payment-path-failed")) {
      assert.equal(failureName, "temporary_trampoline_failure");
    }
    assert.equal(alice.eventsOf("payment-failed").length, 1);
    net.connect(bob, carol);
    net.settle();
    line.assertQuiet();
  });

  it("waits for all of its parts, and not for long", () => {
    const line = new TrampolineLine(2);
    const { alice, bob, net } = line;
    line.pay(msat(1_200_000_000n), msat(5_000_000n));
    // What is for the second channel is lost.
    alice.commit();
    const kept = alice.outbox.filter(
      ({ message }) => !("channelId" in message && message.channelId === line.channels[1]),
    );
    alice.outbox.splice(0, alice.outbox.length, ...kept);
    net.settle();
    for (let tick = 0; tick < 3; tick++) {
      assert.deepEqual(bob.eventsOf("htlc-handling-failed"), []);
      bob.manager.timerTickOccurred(1_800_000_000);
    }
    net.settle();
    assert.equal(bob.eventsOf("htlc-handling-failed").length, 1);
    const adds = net.sent.filter(({ from, type }) => from === bob && type === "update_add_htlc");
    assert.deepEqual(adds, []);
  });

  it("is not begun to payees that do not ask for it, and refused by nodes that take no part", () => {
    const plain = new TrampolineLine(1, testConfig);
    assert.throws(() => plain.pay(msat(1_000_000n)), /does not say that it can be paid by trampoline nodes/);
    const line = new TrampolineLine();
    const { alice, bob, net } = line;
    // Bob says that he does, and does no more when he comes back.
    bob.config = testConfig;
    line.crash(bob);
    net.settle();
    line.pay(msat(50_000_000n), msat(500_000n));
    net.settle();
    assert.equal(alice.eventsOf("payment-path-failed")[0]?.failureName, "invalid_onion_payload");
    assert.equal(alice.eventsOf("payment-failed").length, 1);
    line.assertQuiet();
  });

  it("fails before its expiry upstream when the next node is away until then", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, dave, net } = line;
    net.disconnect(bob, carol);
    line.pay(msat(50_000_000n), msat(500_000n));
    net.settle();
    const expiry = (node: ManagerNode) =>
      node.manager
        .listChannels()
        .flatMap(({ channelId }) =>
          (node.manager.core.channels.funded(channelId)?.commitments.htlcs ?? []).map(
            (htlc) => htlc.cltvExpiry,
          ),
        );
    const [first = assert.fail()] = expiry(bob);
    net.mine(first - net.height - 20);
    net.settle();
    assert.deepEqual(expiry(bob), []);
    assert.equal(alice.eventsOf("payment-path-failed")[0]?.failureName, "temporary_trampoline_failure");
    net.connect(bob, carol);
    net.settle();
    assert.deepEqual(expiry(dave), []);
    line.assertQuiet();
  });
});

describe("a trampoline node that dies", () => {
  for (const role of ["bob", "carol"] as const) {
    it(`loses nothing, wherever ${role} does`, () => {
      let crashes = 0;
      for (let at = 1; at < 200; at++) {
        const line = new TrampolineLine(1);
        const { alice, dave, net } = line;
        line.pay(msat(50_000_000n), msat(500_000n));
        const before = net.sent.length;
        let crashed = false;
        const isOver = () => net.sent.length - before >= at;
        net.settle(isOver);
        if (!isOver() && line.claim()) net.settle(isOver);
        if (isOver()) {
          line.crash(line[role]);
          crashed = true;
          crashes++;
        }
        net.settle();
        line.claim();
        net.settle();
        assert.equal(alice.eventsOf("payment-sent").length, 1, `crash after ${at}`);
        assert.equal(new Set(dave.eventsOf("payment-claimed").map(({ paymentHash }) => paymentHash)).size, 1);
        line.assertQuiet();
        if (!crashed) break;
      }
      assert.ok(crashes > 20, `${crashes} crashes`);
    });
  }
});
