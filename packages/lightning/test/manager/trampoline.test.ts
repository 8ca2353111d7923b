import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { paymentParameters } from "#src/routing/route";
import type { Bytes32 } from "#src/util/bytes";
import type { ChannelId, PaymentId, Txid } from "#src/util/ids";
import { msat, sat } from "#src/util/units";
import { BlindedLine } from "./blindedLine.ts";
import { type ManagerNode, testConfig } from "./managers.ts";
import { TrampolineLine, trampolineConfig } from "./trampolineLine.ts";

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

  it("is still its payer's to read after the payer has died", () => {
    const line = new TrampolineLine();
    const { alice, dave, net } = line;
    const { paymentHash } = line.pay(msat(50_000_000n), msat(500_000n));
    net.settle();
    line.crash(alice);
    net.settle();
    assert.deepEqual(
      alice.manager.listRecentPayments().map((payment) => payment.kind === "pending" && payment.totalAmount),
      [50_000_000n],
    );
    dave.manager.failHtlcBackwards(paymentHash);
    net.settle();
    const [failed] = alice.eventsOf("payment-path-failed");
    assert.equal(failed?.failureName, "incorrect_or_unknown_payment_details");
    assert.equal(alice.eventsOf("payment-failed")[0]?.reason, "recipient-rejected");
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

describe("a trampoline node that is given too little", () => {
  const amount = msat(50_000_000n);
  /** What each asks by its config: 1,000 msat and 0.1 %. */
  const failures = (node: ManagerNode) =>
    node.eventsOf("payment-path-failed").map(({ failureName }) => failureName);
  const insufficient = "trampoline_fee_or_expiry_insufficient";

  for (const channelsEach of [1, 2]) {
    it(`gets the fee that it asks for, and the payment through (${channelsEach} parts)`, () => {
      const line = new TrampolineLine(channelsEach);
      const { alice, dave, net } = line;
      const whole = channelsEach === 1 ? amount : msat(1_200_000_000n);
      line.pay(whole, msat(0n));
      net.settle();
      assert.deepEqual(failures(alice), Array(2 * channelsEach).fill(insufficient));
      assert.equal(dave.eventsOf("payment-claimable")[0]?.amount, whole);
      assert.ok(line.claim());
      net.settle();
      const carols = 1_000n + whole / 1_000n;
      const bobs = 1_000n + (whole + carols) / 1_000n;
      assert.equal(alice.eventsOf("payment-sent")[0]?.feePaid, bobs + carols);
      line.assertQuiet();
    });
  }

  it("gets the blocks that it asks for", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, dave, net } = line;
    line.payBy(
      [bob, carol].map(({ nodeId }) => ({ nodeId, cltvExpiryDelta: 10 })),
      amount,
    );
    net.settle();
    assert.deepEqual(failures(alice), [insufficient, insufficient]);
    assert.equal(dave.eventsOf("payment-claimable").length, 1);
  });

  it("gets no more than the payer will pay in all", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, net } = line;
    // Bob's 51,051 msat and Carol's 51,000: one msat less than both.
    line.pay(amount, msat(0n), msat(102_050n));
    net.settle();
    assert.deepEqual(failures(alice), [insufficient, insufficient]);
    assert.equal(alice.eventsOf("payment-failed")[0]?.reason, "route-not-found");
    assert.equal(bob.eventsOf("htlc-handling-failed").length, 2);
    assert.equal(carol.eventsOf("htlc-handling-failed").length, 1);
    line.assertQuiet();
    const enough = new TrampolineLine();
    enough.pay(amount, msat(0n), msat(102_051n));
    enough.net.settle();
    assert.equal(enough.dave.eventsOf("payment-claimable").length, 1);
  });

  it("is not given more by a payer who may not try again", () => {
    const line = new TrampolineLine();
    const { alice, bob, dave, net } = line;
    const { invoice } = dave.manager.createBolt11Invoice({ amount, description: "test" });
    const trampolines = [{ nodeId: bob.nodeId, fee: msat(0n) }];
    alice.manager.payForBolt11Invoice(invoice, { trampolines, retry: { kind: "attempts", count: 0 } });
    net.settle();
    assert.deepEqual(failures(alice), [insufficient]);
    assert.equal(alice.eventsOf("payment-failed")[0]?.reason, "retries-exhausted");
  });

  it("is given it by a payer who died after the first try", () => {
    let crashes = 0;
    for (let at = 3; ; at += 9) {
      const line = new TrampolineLine();
      const { alice, dave, net } = line;
      line.pay(amount, msat(0n));
      const before = net.sent.length;
      net.settle(() => net.sent.length - before >= at);
      if (dave.eventsOf("payment-claimable").length > 0) break;
      line.crash(alice);
      net.settle();
      assert.ok(line.claim(), `a crash after ${at}`);
      net.settle();
      assert.equal(alice.eventsOf("payment-sent")[0]?.feePaid, 102_051n);
      line.assertQuiet();
      crashes++;
    }
    assert.ok(crashes >= 3, `${crashes} crashes`);
  });

  it("says what its own way takes, where that is more than its usual fee", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, dave, net } = line;
    const scid = bob.manager.listChannels()[1]?.shortChannelId ?? assert.fail();
    const onward = carol.manager.listChannels()[1]?.shortChannelId ?? assert.fail();
    const plainFee = msat(70_000n);
    bob.findRoute = ({ parameters }) => {
      const { payee, maxTotalCltvExpiryDelta } = parameters.paymentParameters;
      const finalCltvExpiryDelta = payee.kind === "clear" ? payee.finalCltvExpiryDelta : assert.fail();
      if (parameters.maxFee < plainFee || maxTotalCltvExpiryDelta < 80 + finalCltvExpiryDelta) {
        return { ok: false, error: { kind: "no-route", text: "too little" } };
      }
      const hops = [
        { nodeId: carol.nodeId, shortChannelId: scid, fee: plainFee, cltvExpiryDelta: 80 },
        {
          nodeId: dave.nodeId,
          shortChannelId: onward,
          fee: parameters.finalValue,
          cltvExpiryDelta: finalCltvExpiryDelta,
        },
      ];
      return { ok: true, value: { paths: [{ hops }] } };
    };
    line.payBy([{ nodeId: bob.nodeId, fee: msat(51_000n), cltvExpiryDelta: 80 }], amount);
    net.settle();
    assert.deepEqual(failures(alice), [insufficient]);
    assert.ok(line.claim());
    net.settle();
    assert.equal(alice.eventsOf("payment-sent")[0]?.feePaid, 121_000n);
    line.assertQuiet();
  });
});

it("a trampoline node lets one peer fill a channel no more than a forwarding one does", () => {
  const forwardingBudget = { maxSlotsPercent: 100, maxLiquidityPercent: 50 };
  const line = new TrampolineLine(1, { ...trampolineConfig, forwardingBudget });
  const { alice, bob, dave, net } = line;
  const rival = net.add();
  net.connect(rival, bob);
  net.open(rival, bob, { funding: sat(1_000_000) });
  line.pay(msat(300_000_000n));
  net.settle();
  line.pay(msat(300_000_000n));
  net.settle();
  assert.equal(dave.eventsOf("payment-claimable").length, 1);
  assert.equal(alice.eventsOf("payment-failed").length, 1);
  assert.ok(line.claim());
  net.settle();
  line.assertQuiet();
});

it("a trampoline node binds its money no longer than a forwarding one", () => {
  const line = new TrampolineLine();
  const { alice, bob, carol, dave, net } = line;
  const { invoice } = dave.manager.createBolt11Invoice({ amount: msat(1_000_000n), description: "test" });
  const trampolines = [{ nodeId: bob.nodeId }, { nodeId: carol.nodeId, cltvExpiryDelta: 3_000 }];
  alice.manager.payForBolt11Invoice(invoice, { trampolines, routing: { maxTotalCltvExpiryDelta: 5_000 } });
  net.settle();
  const failures = alice.eventsOf("payment-path-failed").map(({ failureName }) => failureName);
  assert.deepEqual([...new Set(failures)], ["expiry_too_far"]);
  line.assertQuiet();
});

it("a trampoline node offers nothing that expires after what it was given, whatever its router says", () => {
  const line = new TrampolineLine();
  const { bob, carol, net } = line;
  const { findRoute } = bob;
  bob.findRoute = (request) => {
    const found = findRoute(request);
    if (!found.ok) return found;
    const paths = found.value.paths.map(({ hops }) => ({
      hops: hops.map((hop) => ({ ...hop, cltvExpiryDelta: hop.cltvExpiryDelta + 600 })),
    }));
    return { ok: true, value: { paths } };
  };
  line.pay(msat(1_000_000n));
  net.settle();
  assert.deepEqual(carol.eventsOf("payment-forwarded"), []);
  assert.equal(line.claim(), false);
  line.assertQuiet();
});

it("a trampoline node looks for ways that are not there no more often than it has time", () => {
  const line = new TrampolineLine();
  const { alice, bob, net } = line;
  let searches = 0;
  const { findRoute } = bob;
  bob.findRoute = (request) => {
    searches++;
    return findRoute(request);
  };
  const payToNobody = (times: number): readonly (string | undefined)[] => {
    alice.events.length = 0;
    for (let i = 0; i < times; i++) {
      line.payBy([{ nodeId: bob.nodeId }], msat(1_000_000n));
      net.settle();
    }
    return alice.eventsOf("payment-path-failed").map(({ failureName }) => failureName);
  };
  const told = payToNobody(65);
  assert.deepEqual(told.slice(0, 60), new Array(60).fill("unknown_next_trampoline"));
  assert.deepEqual(new Set(told.slice(60)), new Set(["temporary_trampoline_failure"]));
  assert.ok(searches <= 60, `${searches} searches`);
  bob.manager.timerTickOccurred(1_800_000_000);
  assert.deepEqual(payToNobody(1), ["unknown_next_trampoline"]);
  line.assertQuiet();
});

it("a trampoline node says that it does not know the next one", () => {
  const line = new TrampolineLine();
  const { alice, bob, dave, net } = line;
  line.payBy([{ nodeId: bob.nodeId }], msat(50_000_000n));
  net.settle();
  assert.deepEqual(
    alice.eventsOf("payment-path-failed").map(({ failureName }) => failureName),
    ["unknown_next_trampoline"],
  );
  assert.equal(alice.eventsOf("payment-failed")[0]?.reason, "route-not-found");
  assert.equal(bob.eventsOf("htlc-handling-failed").length, 1);
  assert.deepEqual(dave.eventsOf("payment-claimable"), []);
  line.assertQuiet();
});

describe("a payment to somebody who knows nothing of trampolines", () => {
  for (const more of [false, true])
    it(`is relayed to its blinded paths${more ? ", as many as fit" : ""}`, () => {
      const line = new BlindedLine(trampolineConfig);
      const { alice, bob, carol, dave, net } = line;
      const amount = msat(10_000_000n);
      const { paymentHash, paymentSecret } = line.request(amount);
      const path = line.path(paymentSecret, { forwardNodes: [line.forwardNode(carol, line.cd)] });
      const scid = (node: ManagerNode, channelId: ChannelId) =>
        node.manager.listChannels().find((one) => one.channelId === channelId)?.shortChannelId ??
        assert.fail();
      bob.findRoute = ({ parameters }) => {
        const { payee } = parameters.paymentParameters;
        if (payee.kind !== "blinded") return { ok: false, error: { kind: "no-route", text: "not blinded" } };
        assert.deepEqual(payee.paths, more ? payee.paths.map(() => path) : [path]);
        assert.ok(payee.paths.length === 1 || payee.paths.length < 8);
        const { blindedHops: hops, pathKey, payinfo } = path;
        const fee = msat(
          payinfo.feeBase + (amount * BigInt(payinfo.feeProportionalMillionths)) / 1_000_000n + 1n,
        );
        const hop = { nodeId: carol.nodeId, shortChannelId: scid(bob, line.bc), fee };
        const tail = { hops, pathKey, excessFinalCltvExpiryDelta: 0, finalValue: amount };
        const { cltvExpiryDelta } = payinfo;
        return { ok: true, value: { paths: [{ hops: [{ ...hop, cltvExpiryDelta }], blindedTail: tail }] } };
      };
      alice.findRoute = ({ parameters }) => {
        const { payee } = parameters.paymentParameters;
        assert.ok(payee.kind === "clear" && payee.nodeId === bob.nodeId);
        const { finalCltvExpiryDelta: cltvExpiryDelta } = payee;
        const hop = { nodeId: bob.nodeId, shortChannelId: scid(alice, line.ab), fee: parameters.finalValue };
        return { ok: true, value: { paths: [{ hops: [{ ...hop, cltvExpiryDelta }] }] } };
      };
      // More paths than an onion holds: those that fit go along.
      const paths = Array.from({ length: more ? 8 : 1 }, () => path);
      alice.manager.sendPayment({
        paymentHash,
        paymentId: "77".repeat(32) as PaymentId,
        recipientOnion: {},
        routeParameters: {
          paymentParameters: paymentParameters({ kind: "blinded", paths }),
          finalValue: amount,
          maxFee: msat(500_000n),
        },
        trampolines: [{ nodeId: bob.nodeId, fee: msat(500_000n) }],
      });
      net.settle();
      // The introduction node's fee is rounded up.
      assert.equal(dave.eventsOf("payment-claimable")[0]?.amount, amount + 1n);
      const [payment] = dave.manager.listClaimablePayments();
      assert.ok(dave.manager.claimFunds(payment?.purpose.paymentPreimage as Bytes32));
      net.settle();
      const [sent] = alice.eventsOf("payment-sent");
      assert.deepEqual([sent?.amount, sent?.feePaid], [amount, 500_000n]);
      assert.equal(bob.eventsOf("payment-forwarded").length, 1);
    });
});

/** Bob has relayed Alice's payment to Carol; their channel is given up, and `confirmed` or not. */
function stuckDownstream(confirmed: boolean) {
  const line = new TrampolineLine();
  const { bob, carol, dave, net } = line;
  const [first = assert.fail(), second = assert.fail()] = line.channels;
  line.pay(msat(50_000_000n), msat(500_000n));
  net.settle();
  const htlcsOf = (node: ManagerNode, channelId: ChannelId) =>
    node.manager.core.channels.funded(channelId)?.commitments.htlcs ?? [];
  const [upstream = assert.fail()] = htlcsOf(bob, first);
  const [downstream = assert.fail()] = htlcsOf(bob, second);
  assert.ok(upstream.cltvExpiry - downstream.cltvExpiry >= 72);
  net.disconnect(bob, carol);
  net.disconnect(carol, dave);
  bob.manager.forceCloseBroadcastingLatestTxn(second, "the peer is gone");
  net.settle();
  const commitment = bob.broadcasts.at(-1) ?? assert.fail("nothing was broadcast");
  if (confirmed) net.mine(1, [commitment]);
  net.settle();
  const mineTo = (height: number): void => {
    net.mine(height - net.height);
    net.settle();
  };
  const preimage = dave.manager.listClaimablePayments()[0]?.purpose.paymentPreimage ?? assert.fail();
  return { net, alice: line.alice, bob, upstream: upstream.cltvExpiry, mineTo, preimage };
}

describe("a relayed payment whose end downstream the chain withholds", () => {
  it("fails upstream three blocks before it expires there", () => {
    const { alice, bob, upstream, mineTo } = stuckDownstream(true);
    mineTo(upstream - 4);
    assert.deepEqual(alice.eventsOf("payment-path-failed"), []);
    mineTo(upstream - 3);
    assert.equal(alice.eventsOf("payment-path-failed")[0]?.failureName, "temporary_trampoline_failure");
    assert.ok(bob.eventsOf("htlc-handling-failed").length > 0);
    assert.equal(alice.manager.listUsableChannels().length, 1);
  });

  it("does not while the commitment downstream is not on the chain", () => {
    const { alice, upstream, mineTo } = stuckDownstream(false);
    mineTo(upstream - 1);
    assert.deepEqual(alice.eventsOf("payment-path-failed"), []);
  });

  for (const restarts of [false, true]) {
    it(`is claimed upstream once the chain shows the preimage${restarts ? ", after a restart" : ""}`, () => {
      const { alice, bob, net, mineTo, preimage } = stuckDownstream(true);
      if (restarts) {
        bob.restart();
        net.disconnect(alice, bob);
        net.connect(alice, bob);
        net.settle();
      }
      bob.manager.transactionSeen({
        version: 2,
        inputs: [
          {
            outPoint: { txid: "77".repeat(32) as Txid, index: 0 },
            scriptSig: new Uint8Array(0),
            sequence: 0,
            witness: [new Uint8Array(72), preimage, new Uint8Array(133)],
          },
        ],
        outputs: [],
        locktime: 0,
      });
      mineTo(bob.manager.bestBlock.height + 1);
      assert.equal(alice.eventsOf("payment-sent").length, 1);
      const [forwarded] = bob.eventsOf("payment-forwarded");
      assert.deepEqual([forwarded?.claimFromOnchainTx, forwarded?.totalFeeEarned], [true, 500_000n]);
    });
  }
});

/** Bob or Carol dies after so many messages; `losing` one more that it had not yet stored. */
function survives(
  line: TrampolineLine,
  at: number,
  how: { readonly role: "bob" | "carol"; readonly losing: boolean },
) {
  const { alice, dave, net } = line;
  const dying = line[how.role];
  const before = net.sent.length;
  const isOver = () => net.sent.length - before >= at;
  net.settle(isOver);
  if (!isOver() && line.claim()) net.settle(isOver);
  const isCrash = isOver();
  if (isCrash) {
    if (how.losing) {
      for (const from of net.nodes) {
        const [item] = from.outbox.filter(({ to }) => to === dying.nodeId);
        if (item !== undefined) dying.receive(from.nodeId, item.message);
      }
    }
    line.crash(dying);
  }
  net.settle();
  line.claim();
  net.settle();
  assert.equal(alice.eventsOf("payment-sent").length, 1, `a crash after ${at}`);
  assert.equal(alice.eventsOf("payment-sent")[0]?.feePaid, 10_000_000n);
  assert.equal(dave.eventsOf("payment-claimed").length, 1);
  // Events that were not acknowledged are told once more.
  const fees = dying.eventsOf("payment-forwarded").map(({ totalFeeEarned }) => totalFeeEarned);
  assert.deepEqual([...new Set(fees)], [5_000_000n]);
  line.assertQuiet();
  return isCrash;
}

describe("a trampoline node that dies", () => {
  for (const role of ["bob", "carol"] as const) {
    for (const losing of [false, true]) {
      it(`loses nothing, wherever ${role} does${losing ? ", with what it had not stored" : ""}`, () => {
        let crashes = 0;
        for (let at = losing ? 2 : 1; ; at += 2) {
          const line = new TrampolineLine();
          line.pay(msat(50_000_000n), msat(5_000_000n), msat(10_000_000n));
          if (!survives(line, at, { role, losing })) break;
          crashes++;
        }
        assert.ok(crashes >= 14, `${crashes} crashes`);
      });
    }

    it(`loses nothing of several parts, wherever ${role} does`, () => {
      let crashes = 0;
      for (let at = role === "bob" ? 1 : 2; ; at += 4) {
        const line = new TrampolineLine(2);
        line.pay(msat(1_200_000_000n), msat(5_000_000n));
        if (!survives(line, at, { role, losing: false })) break;
        crashes++;
      }
      assert.ok(crashes > 10, `${crashes} crashes`);
    });
  }
});
