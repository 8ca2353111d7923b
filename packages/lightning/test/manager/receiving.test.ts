import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TlvRecord } from "#src/codec/tlv";
import type { Bytes32 } from "#src/util/bytes";
import type { ChannelId } from "#src/util/ids";
import { type Msat, msat } from "#src/util/units";
import { ManagerNet, type ManagerNode, now, testConfig } from "./managers.ts";
import {
  invoiceOf,
  kilosats,
  PartSender,
  type PartWish,
  type SentPart,
  userHash,
  userPreimage,
} from "./parts.ts";

/** Alice pays Bob over `count` channels. */
function pair(count = 2, underpaid = false) {
  const net = new ManagerNet();
  const alice = net.add();
  const bob = net.add({
    ...testConfig,
    channelConfig: { ...testConfig.channelConfig, acceptUnderpayingHtlcs: underpaid },
  });
  net.connect(alice, bob);
  const channels: ChannelId[] = [];
  for (let i = 0; i < count; i++) channels.push(net.open(alice, bob));
  const sender = new PartSender(net, alice, bob);
  const [a = assert.fail(), b = a] = channels;
  return { net, alice, bob, sender, channels, a, b };
}

const unknown = (amount: Msat, height: number) => ({
  hop: 0,
  failure: { type: "incorrect_or_unknown_payment_details", htlcMsat: amount, height },
});

function claimable(node: ManagerNode) {
  return node.eventsOf("payment-claimable");
}

/** The preimage that the node made for its only claimable payment. */
function preimageAt(node: ManagerNode): Bytes32 {
  const [event] = claimable(node);
  return (event?.purpose.paymentPreimage ?? assert.fail("no preimage")) as Bytes32;
}

describe("a payment to a node whose clock was ahead for a tick", () => {
  it("is refused as expired only while the clock is ahead", () => {
    const { bob, sender, a } = pair();
    const paid = invoiceOf(bob, { amount: kilosats(5) });
    const part = { ...paid, amount: kilosats(5), totalAmount: kilosats(5) };
    const month = 30 * 24 * 3_600;
    bob.manager.timerTickOccurred(now + month);
    sender.send(a, part);
    sender.settle();
    assert.equal(claimable(bob).length, 0);
    bob.manager.timerTickOccurred(now);
    sender.send(a, part);
    sender.settle();
    assert.equal(claimable(bob).length, 1);
  });
});

describe("a payment of several parts", () => {
  it("is told of when all are here, and claimed as one", () => {
    const { bob, sender, a, b } = pair();
    const paid = invoiceOf(bob, { amount: kilosats(5) });
    const parts = [
      sender.send(a, { ...paid, amount: kilosats(2), totalAmount: kilosats(5) }),
      sender.send(b, { ...paid, amount: kilosats(2), totalAmount: kilosats(5) }),
    ];
    sender.settle();
    assert.equal(claimable(bob).length, 0);
    assert.deepEqual(bob.manager.listClaimablePayments(), []);
    parts.push(sender.send(a, { ...paid, amount: kilosats(1), totalAmount: kilosats(5) }));
    sender.settle();
    const [event, ...more] = claimable(bob);
    assert.equal(more.length, 0);
    assert.equal(event?.amount, kilosats(5));
    assert.equal(event?.receiverNodeId, bob.nodeId);
    assert.equal(event?.counterpartySkimmedFee, 0n);
    assert.deepEqual(event?.onionFields?.paymentSecret, paid.paymentSecret);
    assert.equal(event?.onionFields?.totalAmount, kilosats(5));
    assert.deepEqual([...(event?.viaChannelIds ?? [])].sort(), [a, b].sort());
    const [listed] = bob.manager.listClaimablePayments();
    assert.equal(listed?.paymentId, event?.paymentId);
    assert.ok(bob.manager.claimFunds(preimageAt(bob)));
    sender.settle();
    assert.ok(parts.every((part) => sender.isFulfilled(part)));
    const [claimed] = bob.eventsOf("payment-claimed");
    assert.equal(claimed?.paymentId, event?.paymentId);
    assert.deepEqual(
      claimed?.htlcs?.map(({ channelId, value }) => [channelId, value]),
      [
        [a, kilosats(2)],
        [b, kilosats(2)],
        [a, kilosats(1)],
      ],
    );
    assert.equal(claimed?.senderIntendedTotal, kilosats(5));
    assert.equal(bob.manager.claimFunds(preimageAt(bob)), false);
  });

  it("takes the part that goes beyond the total, and none after it", () => {
    const { net, bob, sender, a, b } = pair();
    const paid = invoiceOf(bob, { amount: kilosats(5) });
    const total = { totalAmount: kilosats(5) };
    sender.send(a, { ...paid, ...total, amount: kilosats(3) });
    sender.settle();
    sender.send(b, { ...paid, ...total, amount: kilosats(4) });
    sender.settle();
    assert.equal(claimable(bob)[0]?.amount, kilosats(7));
    const late = sender.send(a, { ...paid, ...total, amount: kilosats(1) });
    sender.settle();
    assert.deepEqual(sender.failureOf(late), unknown(kilosats(1), net.height));
    assert.equal(claimable(bob).length, 1);
    assert.ok(bob.manager.claimFunds(preimageAt(bob)));
  });

  it("does not count what a node on the way paid too much", () => {
    const { bob, sender, a, b } = pair();
    const paid = invoiceOf(bob, { amount: kilosats(5) });
    const total = { totalAmount: kilosats(5) };
    sender.send(a, { ...paid, ...total, amount: kilosats(5), onionAmount: kilosats(3) });
    sender.settle();
    assert.equal(claimable(bob).length, 0);
    sender.send(b, { ...paid, ...total, amount: kilosats(2) });
    sender.settle();
    assert.equal(claimable(bob)[0]?.amount, kilosats(7));
    assert.equal(claimable(bob)[0]?.counterpartySkimmedFee, 0n);
  });

  it("times out after three ticks, and not when it is whole", () => {
    const { bob, sender, a, b } = pair();
    const partial = invoiceOf(bob, { amount: kilosats(5) });
    const whole = invoiceOf(bob, { amount: kilosats(1) });
    const part = sender.send(a, { ...partial, amount: kilosats(1), totalAmount: kilosats(5) });
    const other = sender.send(b, { ...whole, amount: kilosats(1) });
    sender.settle();
    for (const failed of [false, false, true, true]) {
      bob.manager.timerTickOccurred(0);
      sender.settle();
      const expected = failed ? { hop: 0, failure: { type: "mpp_timeout" } } : undefined;
      assert.deepEqual(sender.failureOf(part), expected);
    }
    assert.equal(sender.failureOf(other), undefined);
    assert.equal(bob.manager.listClaimablePayments().length, 1);
  });

  const total = kilosats(5);
  const even = (value: number): TlvRecord => ({ type: 65_538n, value: Uint8Array.of(value) });
  const odd = (value: number): TlvRecord => ({ type: 65_539n, value: Uint8Array.of(value) });
  const unlike: readonly (readonly [string, Partial<PartWish>])[] = [
    ["another total", { totalAmount: kilosats(6) }],
    ["another secret", { paymentSecret: new Uint8Array(32).fill(1) }],
    ["other metadata", { paymentMetadata: Uint8Array.of(1) }],
    ["another even TLV", { customTlvs: [even(2)] }],
    ["no even TLV", { customTlvs: [odd(1)] }],
    ["one more even TLV", { customTlvs: [even(1), { type: 65_540n, value: new Uint8Array(0) }] }],
  ];
  for (const [name, change] of unlike) {
    it(`has no part with ${name}`, () => {
      const { net, bob, sender, a, b } = pair();
      const paid = invoiceOf(bob, { amount: total });
      sender.send(a, { ...paid, totalAmount: total, amount: kilosats(2), customTlvs: [even(1)] });
      sender.settle();
      const wish = { ...paid, totalAmount: total, customTlvs: [even(1)], amount: kilosats(3) };
      const wrong = sender.send(b, { ...wish, ...change });
      sender.settle();
      assert.deepEqual(sender.failureOf(wrong), unknown(kilosats(3), net.height));
      assert.equal(claimable(bob).length, 0);
      // What was there waits on, and is completed by one that fits.
      sender.send(b, wish);
      sender.settle();
      assert.equal(claimable(bob).length, 1);
    });
  }

  it("tells of the custom TLVs that all parts have", () => {
    const { bob, sender, a, b } = pair();
    const paid = invoiceOf(bob, { amount: total });
    const same: TlvRecord = { type: 70_001n, value: Uint8Array.of(9, 9) };
    const wish = { ...paid, totalAmount: total };
    sender.send(a, { ...wish, amount: kilosats(2), customTlvs: [odd(1), same] });
    sender.send(b, { ...wish, amount: kilosats(3), customTlvs: [odd(2), same] });
    sender.settle();
    assert.deepEqual(claimable(bob)[0]?.onionFields?.customTlvs, [same]);
    bob.restart();
    assert.deepEqual(bob.manager.listClaimablePayments()[0]?.onionFields.customTlvs, [same]);
    assert.ok(bob.manager.claimFunds(preimageAt(bob)));
  });

  it("has a bounded number of parts", () => {
    const { net, bob, sender, a, b } = pair(6);
    const paid = invoiceOf(bob, { amount: kilosats(5) });
    const channels = bob.manager.listChannels().map(({ channelId }) => channelId);
    assert.ok(channels.includes(a) && channels.includes(b));
    let taken = 0;
    for (let round = 0; round < 50; round++) {
      for (const channelId of channels) {
        if (taken >= 256) break;
        sender.send(channelId, { ...paid, amount: msat(1_000), totalAmount: kilosats(5) });
        taken += 1;
      }
    }
    sender.settle();
    const last = channels.find((id) => {
      const channel = bob.manager.core.channels.funded(id);
      return (channel?.commitments.htlcs.length ?? 0) < 50;
    });
    const part = sender.send(last ?? assert.fail("no room"), {
      ...paid,
      amount: kilosats(1),
      totalAmount: kilosats(5),
    });
    sender.settle();
    assert.deepEqual(sender.failureOf(part), unknown(kilosats(1), net.height));
  });
});

describe("a prober", () => {
  /** What is answered to one HTLC of 3,000 sat. */
  function answer(change: (paid: ReturnType<typeof invoiceOf>) => Partial<PartWish>) {
    const { net, bob, sender, a } = pair(1);
    const paid = invoiceOf(bob, { amount: kilosats(3), minFinalCltvExpiryDelta: 50 });
    const part = sender.send(a, { ...paid, amount: kilosats(3), ...change(paid) });
    sender.settle();
    assert.equal(claimable(bob).length, 0);
    assert.deepEqual(sender.failureOf(part), unknown(kilosats(3), net.height));
    const [{ failureType, failureReason } = assert.fail("the user was not told")] =
      bob.eventsOf("htlc-handling-failed");
    assert.equal(failureType.kind, "receive");
    assert.ok(failureReason?.kind === "local");
    return failureReason.reason;
  }

  const amounts = [0n, 1n, 2_999_999n, 2_100_000_000_000_000_000n - 1n, 2n ** 63n, 2n ** 64n - 1n];

  it("is told the same for an unknown hash", () => {
    assert.equal(
      answer(() => ({ paymentHash: userHash })),
      "incorrect-payment-details",
    );
  });
  it("is told the same for a wrong secret, or none", () => {
    answer(() => ({ paymentSecret: new Uint8Array(32) }));
    answer((paid) => ({ paymentSecret: Uint8Array.from(paid.paymentSecret, (byte) => byte ^ 1) }));
  });
  it("is told the same for a total that is too low", () => {
    for (const amount of amounts.slice(0, 3)) answer(() => ({ totalAmount: msat(amount) }));
  });
  it("is told the same for an expiry that is too near, by the invoice or by what claiming takes", () => {
    for (const cltvExpiryDelta of [4, 39, 40, 41, 49]) answer(() => ({ cltvExpiryDelta }));
    // The secret is looked at first, so that what is said of the expiry is said to nobody else.
    assert.equal(
      answer(() => ({ cltvExpiryDelta: 4, paymentSecret: new Uint8Array(32) })),
      "incorrect-payment-details",
    );
  });
  it("is told the same within the blocks that claiming takes, and beyond them is none", () => {
    const { net, bob, sender, a } = pair(1);
    const paid = invoiceOf(bob, { amount: kilosats(3) });
    const late = sender.send(a, { ...paid, amount: kilosats(3), cltvExpiryDelta: 40 });
    sender.settle();
    assert.deepEqual(sender.failureOf(late), unknown(kilosats(3), net.height));
    assert.deepEqual(bob.eventsOf("htlc-handling-failed")[0]?.failureReason, {
      kind: "local",
      reason: "payment-claim-buffer",
    });
    sender.send(a, { ...paid, amount: kilosats(3), cltvExpiryDelta: 41 });
    sender.settle();
    assert.equal(claimable(bob)[0]?.claimDeadline, net.height + 2);
  });
  it("is told the same for the preimage of another hash", () => {
    assert.equal(
      answer(() => ({ keysendPreimage: userPreimage })),
      "invalid-keysend-preimage",
    );
  });
  it("is told the same when another payment with the hash waits", () => {
    const { net, bob, sender, a, b } = pair();
    const paid = invoiceOf(bob, { paymentHash: userHash, amount: kilosats(3) });
    sender.send(a, { ...paid, amount: kilosats(3) });
    sender.settle();
    assert.equal(claimable(bob).length, 1);
    for (const wish of [
      { ...paid, amount: kilosats(3) },
      { ...paid, amount: kilosats(3), paymentSecret: new Uint8Array(32) },
      { paymentHash: userHash, amount: kilosats(3), keysendPreimage: userPreimage },
    ]) {
      const part = sender.send(b, wish);
      sender.settle();
      assert.deepEqual(sender.failureOf(part), unknown(kilosats(3), net.height));
    }
  });
  it("may promise any total up to the largest u64: its part waits, and goes back", () => {
    for (const amount of amounts.slice(3)) {
      const { bob, sender, a } = pair(1);
      const paid = invoiceOf(bob);
      const part = sender.send(a, { ...paid, amount: kilosats(3), totalAmount: msat(amount) });
      sender.settle();
      assert.equal(sender.failureOf(part), undefined);
      for (let tick = 0; tick < 3; tick++) bob.manager.timerTickOccurred(0);
      sender.settle();
      assert.deepEqual(sender.failureOf(part)?.failure.type, "mpp_timeout");
      assert.equal(claimable(bob).length, 0);
    }
  });
  it("may say in the onion what the HTLC is not: that says nothing of us", () => {
    const { bob, sender, a } = pair(1);
    const paid = invoiceOf(bob);
    for (const wish of [paid, { paymentHash: userHash, paymentSecret: new Uint8Array(32) }]) {
      for (const onionAmount of [3_000_001n, 2n ** 63n, 2n ** 64n - 1n]) {
        const part = sender.send(a, { ...wish, amount: kilosats(3), onionAmount: msat(onionAmount) });
        sender.settle();
        assert.deepEqual(sender.failureOf(part)?.failure, {
          type: "final_incorrect_htlc_amount",
          incomingHtlcAmt: kilosats(3),
        });
      }
      const part = sender.send(a, { ...wish, amount: kilosats(3), onionCltvDelta: 61 });
      sender.settle();
      assert.equal(sender.failureOf(part)?.failure.type, "final_incorrect_cltv_expiry");
    }
    assert.equal(claimable(bob).length, 0);
  });
});

describe("custom TLVs", () => {
  const records: readonly TlvRecord[] = [
    { type: 65_536n, value: Uint8Array.of(1, 2, 3) },
    { type: 65_537n, value: new Uint8Array(600) },
  ];

  function withRecords(customTlvs: readonly TlvRecord[]) {
    const all = pair(1);
    const paid = invoiceOf(all.bob, { amount: kilosats(2) });
    const part = all.sender.send(all.a, { ...paid, amount: kilosats(2), customTlvs });
    all.sender.settle();
    assert.deepEqual(claimable(all.bob)[0]?.onionFields?.customTlvs, customTlvs);
    return { ...all, part };
  }

  it("of even types fail the payment when it is claimed without a word of them", () => {
    const { bob, sender, part } = withRecords(records);
    assert.equal(bob.manager.claimFunds(preimageAt(bob)), false);
    sender.settle();
    assert.deepEqual(sender.failureOf(part)?.failure, {
      type: "invalid_onion_payload",
      tlvType: 65_536n,
      offset: 0,
    });
    assert.equal(bob.manager.claimFundsWithKnownCustomTlvs(preimageAt(bob)), false);
    assert.equal(bob.eventsOf("payment-claimed").length, 0);
  });

  it("of even types are claimed by who knows them, also after a restart", () => {
    const { net, alice, bob, sender, part } = withRecords(records);
    net.disconnect(alice, bob);
    bob.restart();
    assert.deepEqual(bob.manager.listClaimablePayments()[0]?.onionFields.customTlvs, records);
    net.connect(alice, bob);
    sender.settle();
    assert.ok(bob.manager.claimFundsWithKnownCustomTlvs(preimageAt(bob)));
    sender.settle();
    assert.ok(sender.isFulfilled(part));
    assert.deepEqual(bob.eventsOf("payment-claimed")[0]?.onionFields?.customTlvs, records);
  });

  it("of odd types need no knowledge", () => {
    const { bob, sender, part } = withRecords(records.slice(1));
    assert.ok(bob.manager.claimFunds(preimageAt(bob)));
    sender.settle();
    assert.ok(sender.isFulfilled(part));
  });
});

describe("payment metadata", () => {
  it("goes into the invoice hidden, and comes back in clear, by either kind of hash", () => {
    for (const paymentHash of [undefined, userHash]) {
      const { bob, sender, a } = pair(1);
      const clear = Uint8Array.from({ length: 80 }, (_, at) => at + 100);
      const paid = invoiceOf(bob, {
        amount: kilosats(2),
        paymentMetadata: clear,
        ...(paymentHash && { paymentHash }),
      });
      assert.notDeepEqual(paid.paymentMetadata?.subarray(0, 80), clear);
      const without = sender.send(a, {
        paymentHash: paid.paymentHash,
        paymentSecret: paid.paymentSecret,
        amount: kilosats(2),
      });
      sender.send(a, { ...paid, amount: kilosats(2) });
      sender.settle();
      assert.equal(sender.failureOf(without)?.failure.type, "incorrect_or_unknown_payment_details");
      assert.deepEqual(claimable(bob)[0]?.onionFields?.paymentMetadata, clear);
      bob.restart();
      assert.deepEqual(bob.manager.listClaimablePayments()[0]?.onionFields.paymentMetadata, clear);
    }
  });
});

describe("a spontaneous payment", () => {
  it("comes in one part without a secret, and a second one is not joined to it", () => {
    const { net, bob, sender, a, b } = pair();
    const wish = { paymentHash: userHash, amount: kilosats(2), keysendPreimage: userPreimage };
    const part = sender.send(a, wish);
    sender.settle();
    assert.deepEqual(claimable(bob)[0]?.purpose, { kind: "spontaneous", paymentPreimage: userPreimage });
    assert.equal(claimable(bob)[0]?.onionFields?.paymentSecret, undefined);
    const second = sender.send(b, wish);
    sender.settle();
    assert.deepEqual(sender.failureOf(second), unknown(kilosats(2), net.height));
    assert.ok(bob.manager.claimFunds(userPreimage));
    sender.settle();
    assert.ok(sender.isFulfilled(part));
  });

  it("is no part of a payment that was asked for, though it has its hash and secret", () => {
    const { net, bob, sender, a, b } = pair();
    const paid = invoiceOf(bob, { amount: kilosats(5), paymentHash: userHash });
    sender.send(a, { ...paid, amount: kilosats(2), totalAmount: kilosats(5) });
    sender.settle();
    const wish = { ...paid, totalAmount: kilosats(5), keysendPreimage: userPreimage };
    const other = sender.send(b, { ...wish, amount: kilosats(3) });
    sender.settle();
    assert.deepEqual(sender.failureOf(other), unknown(kilosats(3), net.height));
    assert.equal(bob.manager.claimFunds(userPreimage), false);
    assert.equal(bob.eventsOf("payment-claimed").length, 0);
  });

  it("comes in several parts with the payer's secret", () => {
    const { bob, sender, a, b } = pair();
    const wish = {
      paymentHash: userHash,
      paymentSecret: new Uint8Array(32).fill(3),
      totalAmount: kilosats(5),
      keysendPreimage: userPreimage,
    };
    sender.send(a, { ...wish, amount: kilosats(2) });
    sender.settle();
    assert.equal(claimable(bob).length, 0);
    const others = [
      sender.send(b, { ...wish, amount: kilosats(3), paymentSecret: new Uint8Array(32).fill(4) }),
      sender.send(b, { ...wish, amount: kilosats(3), paymentMetadata: Uint8Array.of(1) }),
    ];
    sender.send(b, { ...wish, amount: kilosats(3) });
    sender.settle();
    for (const other of others) {
      assert.equal(sender.failureOf(other)?.failure.type, "incorrect_or_unknown_payment_details");
    }
    assert.equal(claimable(bob)[0]?.amount, kilosats(5));
    assert.ok(bob.manager.claimFunds(userPreimage));
    assert.equal(bob.eventsOf("payment-claimed").length, 0);
    sender.settle();
    assert.equal(bob.eventsOf("payment-claimed")[0]?.purpose.kind, "spontaneous");
  });
});

describe("a payment that waits for the user's preimage", () => {
  function held() {
    const all = pair();
    const paid = invoiceOf(all.bob, { amount: kilosats(5), paymentHash: userHash });
    const parts = [
      all.sender.send(all.a, { ...paid, amount: kilosats(2), totalAmount: kilosats(5) }),
      all.sender.send(all.b, { ...paid, amount: kilosats(3), totalAmount: kilosats(5) }),
    ];
    all.sender.settle();
    assert.equal(claimable(all.bob)[0]?.purpose.paymentPreimage, undefined);
    return { ...all, parts };
  }

  it("is held over restarts, and claimed then", () => {
    const { net, alice, bob, sender, parts } = held();
    for (let i = 0; i < 3; i++) {
      net.disconnect(alice, bob);
      bob.restart();
      alice.restart();
      net.connect(alice, bob);
      sender.settle();
      assert.equal(bob.manager.listClaimablePayments()[0]?.amount, kilosats(5));
    }
    assert.ok(bob.manager.claimFunds(userPreimage));
    sender.settle();
    assert.ok(parts.every((part) => sender.isFulfilled(part)));
    assert.equal(bob.eventsOf("payment-claimed").length, 1);
    assert.equal(claimable(bob).length, 1);
  });

  it("fails at its deadline, and not a block before", () => {
    const { net, bob, sender, parts } = held();
    const deadline = bob.manager.listClaimablePayments()[0]?.claimDeadline ?? assert.fail();
    net.mine(deadline - 1 - net.height);
    sender.settle();
    assert.ok(parts.every((part) => sender.failureOf(part) === undefined));
    net.mine(1);
    sender.settle();
    for (const [part, amount] of [
      [parts[0], 2],
      [parts[1], 3],
    ] as const) {
      assert.deepEqual(sender.failureOf(part ?? assert.fail()), unknown(kilosats(amount), net.height));
    }
    assert.equal(bob.manager.claimFunds(userPreimage), false);
    assert.equal(bob.broadcasts.length, 0);
  });

  it("fails when the user says so, for the reason that is given", () => {
    const codes = [
      [undefined, "incorrect_or_unknown_payment_details"],
      [{ kind: "incorrect-or-unknown-payment-details" }, "incorrect_or_unknown_payment_details"],
      [{ kind: "temporary-node-failure" }, "temporary_node_failure"],
      [{ kind: "required-node-feature-missing" }, "required_node_feature_missing"],
      [{ kind: "invalid-onion-payload", tlvType: 8n, offset: 3 }, "invalid_onion_payload"],
    ] as const;
    for (const [code, type] of codes) {
      const { bob, sender, parts } = held();
      const failed = code
        ? bob.manager.failHtlcBackwardsWithReason(userHash, code)
        : bob.manager.failHtlcBackwards(userHash);
      assert.ok(failed);
      assert.equal(bob.manager.failHtlcBackwards(userHash), false);
      sender.settle();
      for (const part of parts) assert.equal(sender.failureOf(part)?.failure.type, type);
      assert.equal(bob.manager.claimFunds(userPreimage), false);
    }
  });
});

describe("an HTLC of which the peer kept a fee", () => {
  /** The peer passes on `amount` and says that it kept `fee`. */
  function skimmed(allowed: boolean, { amount, fee }: { readonly amount: Msat; readonly fee: bigint }) {
    const all = pair(1, allowed);
    const paid = invoiceOf(all.bob, { amount: kilosats(5) });
    const part = all.sender.send(all.a, {
      ...paid,
      amount,
      onionAmount: kilosats(5),
      totalAmount: kilosats(5),
    });
    all.sender.settle((message) =>
      message.type === "update_add_htlc" && message.tlvs.extraFee === undefined
        ? { ...message, tlvs: { ...message.tlvs, extraFee: msat(fee) } }
        : message,
    );
    return { ...all, part };
  }

  it("is taken where that is allowed, and the user is told", () => {
    const { net, alice, bob, sender, part } = skimmed(true, { amount: kilosats(4), fee: 1_000_000n });
    const [event] = claimable(bob);
    assert.equal(event?.amount, kilosats(4));
    assert.equal(event?.counterpartySkimmedFee, kilosats(1));
    net.disconnect(alice, bob);
    bob.restart();
    assert.equal(bob.manager.listClaimablePayments()[0]?.counterpartySkimmedFee, kilosats(1));
    net.connect(alice, bob);
    sender.settle();
    assert.ok(bob.manager.claimFunds(preimageAt(bob)));
    sender.settle();
    assert.ok(sender.isFulfilled(part));
    const [claimed] = bob.eventsOf("payment-claimed");
    assert.equal(claimed?.htlcs?.[0]?.counterpartySkimmedFee, kilosats(1));
    assert.equal(claimed?.senderIntendedTotal, kilosats(5));
  });

  it("is not taken elsewhere, nor for less than the peer says", () => {
    for (const { bob, sender, part } of [
      skimmed(false, { amount: kilosats(4), fee: 1_000_000n }),
      skimmed(false, { amount: kilosats(4), fee: 2n ** 64n - 1n }),
      skimmed(true, { amount: kilosats(4), fee: 999_999n }),
    ]) {
      assert.equal(sender.failureOf(part)?.failure.type, "final_incorrect_htlc_amount");
      assert.equal(claimable(bob).length, 0);
    }
  });

  it("counts for no more than it brings, whatever the peer says", () => {
    const { bob } = skimmed(true, { amount: kilosats(5), fee: 2n ** 64n - 1n });
    assert.equal(claimable(bob)[0]?.counterpartySkimmedFee, 0n);
  });

  it("brings no more money than there is", () => {
    const { net, bob, sender, a } = pair(1, true);
    const paid = invoiceOf(bob);
    for (const onionAmount of [2_100_000_000_000_000_000n, 2n ** 64n - 1n]) {
      const part = sender.send(a, { ...paid, amount: kilosats(1), onionAmount: msat(onionAmount) });
      sender.settle((message) =>
        message.type === "update_add_htlc" && message.tlvs.extraFee === undefined
          ? { ...message, tlvs: { extraFee: msat(2n ** 64n - 1n) } }
          : message,
      );
      assert.deepEqual(sender.failureOf(part), unknown(kilosats(1), net.height));
    }
    assert.equal(claimable(bob).length, 0);
  });
});

describe("claiming", () => {
  function whole(parts: number) {
    const all = pair(3);
    const paid = invoiceOf(all.bob, { amount: kilosats(parts), paymentHash: userHash });
    const sent: SentPart[] = [];
    for (let i = 0; i < parts; i++) {
      const channelId = all.channels[i % all.channels.length] ?? assert.fail();
      sent.push(all.sender.send(channelId, { ...paid, amount: kilosats(1), totalAmount: kilosats(parts) }));
    }
    all.sender.settle();
    assert.equal(claimable(all.bob).length, 1);
    return { ...all, sent, paid };
  }

  it("is one batch over all channels: once it is durable, all of it happens after a crash", () => {
    const { net, alice, bob, sender, sent } = whole(5);
    assert.ok(bob.manager.claimFunds(userPreimage));
    const { sequence = 0 } = bob.manager.takeBatch() ?? assert.fail("nothing to write");
    assert.equal(bob.manager.takeBatch(), undefined);
    bob.manager.batchCommitted(sequence);
    assert.ok(bob.manager.pendingEvents(10).some(({ event }) => event.kind === "payment-claimed"));
    bob.commit();
    sender.settle();
    assert.ok(sent.every((part) => sender.isFulfilled(part)));
    net.disconnect(alice, bob);
    assert.equal(bob.manager.claimFunds(userPreimage), false);
  });

  it("that was committed happens after a crash, if nothing of it had left", () => {
    const { net, alice, bob, sender, sent } = whole(5);
    assert.ok(bob.manager.claimFunds(userPreimage));
    bob.commit();
    // What was to leave is lost.
    bob.restart();
    alice.manager.peerDisconnected(bob.nodeId);
    alice.commit();
    alice.outbox.length = 0;
    assert.ok(sent.every((part) => !sender.isFulfilled(part)));
    assert.equal(bob.manager.claimFunds(userPreimage), false);
    assert.deepEqual(bob.manager.listClaimablePayments(), []);
    net.connect(alice, bob);
    sender.settle();
    assert.ok(sent.every((part) => sender.isFulfilled(part)));
    // The event was not acknowledged durably: it comes again, and is the same.
    assert.equal(new Set(bob.eventsOf("payment-claimed").map(({ paymentId }) => paymentId)).size, 1);
  });

  it("that was not committed is as if it had never been tried", () => {
    const { net, alice, bob, sender, sent } = whole(5);
    assert.ok(bob.manager.claimFunds(userPreimage));
    bob.restart();
    alice.manager.peerDisconnected(bob.nodeId);
    alice.commit();
    alice.outbox.length = 0;
    assert.equal(bob.manager.listClaimablePayments()[0]?.amount, kilosats(5));
    net.connect(alice, bob);
    sender.settle();
    assert.ok(sent.every((part) => !sender.isFulfilled(part)));
    assert.ok(bob.manager.claimFunds(userPreimage));
    sender.settle();
    assert.ok(sent.every((part) => sender.isFulfilled(part)));
    assert.equal(bob.eventsOf("payment-claimed").length, 1);
  });

  it("reaches a part whose channel was closed: its monitor is told the preimage, and of all other parts", () => {
    const { bob, sender, sent, a, channels } = whole(3);
    bob.manager.forceCloseBroadcastingLatestTxn(a, "closed while it was claimable");
    sender.settle();
    assert.equal(bob.manager.listClaimablePayments()[0]?.amount, kilosats(3));
    assert.ok(bob.manager.claimFunds(userPreimage));
    bob.commit();
    for (const id of channels) {
      const known = bob.monitor.monitor(id)?.preimages.find(({ paymentHash }) => paymentHash === userHash);
      assert.deepEqual(known?.preimage, userPreimage);
      assert.deepEqual(
        known?.parts.map(({ channelId, htlcId }) => [channelId, htlcId]),
        sent.map(({ channelId, htlcId }) => [channelId, htlcId]),
      );
    }
    sender.settle();
    const [first, ...others] = sent;
    assert.ok(first?.channelId === a && !sender.isFulfilled(first));
    assert.ok(others.every((part) => sender.isFulfilled(part)));
    assert.equal(bob.eventsOf("payment-claimed")[0]?.amount, kilosats(3));
  });

  it("waits for more when a part is gone with its channel, and is told again", () => {
    const { bob, sender, sent, a, paid } = whole(3);
    const [lost = assert.fail()] = sent;
    bob.manager.core.input(() => bob.manager.core.claimables.forget(lost));
    assert.deepEqual(bob.manager.listClaimablePayments(), []);
    assert.equal(bob.manager.claimFunds(userPreimage), false);
    sender.send(a, { ...paid, amount: kilosats(1), totalAmount: kilosats(3) });
    sender.settle();
    assert.equal(claimable(bob).length, 2);
    assert.ok(bob.manager.claimFunds(userPreimage));
  });

  it("is not done before all parts are here", () => {
    const { bob, sender, a } = pair();
    const paid = invoiceOf(bob, { amount: kilosats(3), paymentHash: userHash });
    const part = sender.send(a, { ...paid, amount: kilosats(2), totalAmount: kilosats(3) });
    sender.settle();
    assert.equal(bob.manager.claimFunds(userPreimage), false);
    sender.settle();
    assert.ok(!sender.isFulfilled(part));
  });

  it("fails a part that arrives once the payment was claimed, in time", () => {
    const { bob, sender, a, paid } = whole(2);
    assert.ok(bob.manager.claimFunds(userPreimage));
    const old = sender.send(a, { ...paid, amount: kilosats(1), totalAmount: kilosats(2) });
    sender.settle();
    assert.equal(sender.failureOf(old), undefined);
    for (let tick = 0; tick < 3; tick++) bob.manager.timerTickOccurred(0);
    sender.settle();
    assert.equal(sender.failureOf(old)?.failure.type, "mpp_timeout");
    assert.equal(claimable(bob).length, 1);
    assert.equal(bob.eventsOf("payment-claimed").length, 1);
  });

  it("takes an invoice that is paid again as another payment", () => {
    const { bob, sender, a, paid } = whole(1);
    assert.ok(bob.manager.claimFunds(userPreimage));
    sender.settle();
    sender.send(a, { ...paid, amount: kilosats(1) });
    sender.settle();
    assert.ok(bob.manager.claimFunds(userPreimage));
    sender.settle();
    const ids = bob.eventsOf("payment-claimed").map(({ paymentId }) => paymentId);
    assert.equal(new Set(ids).size, 2);
  });

  it("is done in any order, of payments that share their channels", () => {
    const { bob, sender, a, b } = pair();
    const preimages = new Map<string, Bytes32>();
    for (let i = 0; i < 6; i++) {
      const paid = invoiceOf(bob, { amount: kilosats(2) });
      for (const channelId of [a, b]) {
        sender.send(channelId, { ...paid, amount: kilosats(1), totalAmount: kilosats(2) });
      }
      const { preimage } = bob.manager.getPaymentPreimage(paid);
      preimages.set(paid.paymentHash, preimage);
    }
    sender.settle();
    const order = [...preimages.values()];
    for (const at of [3, 0, 5, 1, 4, 2]) {
      assert.ok(bob.manager.claimFunds(order[at] ?? assert.fail()));
      if (at % 2 === 0) sender.settle();
    }
    sender.settle();
    assert.equal(bob.eventsOf("payment-claimed").length, 6);
    for (const id of [a, b]) {
      assert.equal(bob.manager.core.channels.funded(id)?.commitments.htlcs.length, 0);
    }
  });
});
