import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError } from "@fulmen/lightning/manager";
import {
  type Bytes32,
  msat,
  type PaymentId,
  present,
  type ShortChannelId,
  sat,
} from "@fulmen/lightning/util";
import { Diamond, fee, large } from "./diamond.ts";

function refused(act: () => unknown, code: string): void {
  assert.throws(act, (error) => error instanceof ApiError && error.code === code);
}

describe("a payment that no single way carries", () => {
  it("goes in two parts, for both fees, and is claimed as one", () => {
    const diamond = new Diamond();
    const { a, d } = diamond;
    const before = diamond.balances();
    const { paymentHash, paymentId } = diamond.pay(large);
    const [sent] = diamond.told(a, "payment-sent", paymentHash);
    assert.ok(sent?.paymentId === paymentId && sent.amount === large && sent.feePaid === 2n * fee);
    assert.equal(diamond.told(a, "payment-path-successful", paymentHash).length, 2);
    const [claimed] = diamond.told(d, "payment-claimed", paymentHash);
    assert.equal(claimed?.amount, large);
    const after = diamond.balances();
    assert.deepEqual(
      after.map((balance, i) => balance - (before[i] ?? 0n)),
      [-large - 2n * fee, fee, fee, large],
    );
    diamond.checkRest();
  });

  it("keeps its fees below the limit to the millisatoshi, over all parts", () => {
    const diamond = new Diamond();
    const { paymentHash } = diamond.pay(large, { maxFee: msat(2n * fee - 1n) });
    const [failed] = diamond.told(diamond.a, "payment-failed", paymentHash);
    assert.equal(failed?.reason, "route-not-found");
    const paid = diamond.pay(large, { maxFee: msat(2n * fee) });
    assert.equal(diamond.told(diamond.a, "payment-sent", paid.paymentHash).length, 1);
  });

  it("is not split when the user does not want that", () => {
    const diamond = new Diamond();
    const { paymentHash } = diamond.pay(large, { routing: { maxPathCount: 1 } });
    assert.equal(diamond.told(diamond.a, "payment-failed", paymentHash)[0]?.reason, "route-not-found");
  });
});

describe("parts that fail", () => {
  /** What C can still bring to D, after D's channel with it was filled up by D's own payment. */
  function withPoorC(left: bigint): Diamond {
    const diamond = new Diamond();
    const { network, c, d } = diamond;
    // C spends its side of the channel with D, so that it carries less than A believes.
    for (let i = 0; i < 4; i++) network.payInvoice(c, d, msat((1_000_000_000n - left) / 4n));
    return diamond;
  }

  it("are tried again another way, and the failed channel is not used again", () => {
    const diamond = withPoorC(200_000_000n);
    const { a } = diamond;
    // B alone carries it; A, who does not know that, may begin with C.
    const amount = msat(240_000_000n);
    const { paymentHash } = diamond.pay(amount, { routing: { maxChannelSaturationPowerOfHalf: 0 } });
    assert.equal(diamond.told(a, "payment-sent", paymentHash).length, 1);
    diamond.checkRest();
    for (const { shortChannelId, failureName, networkUpdate } of diamond.told(a, "payment-path-failed")) {
      const cd = diamond.c.manager.listChannels().find(({ channelId }) => channelId === diamond.channels.cd);
      assert.equal(shortChannelId, cd?.shortChannelId);
      assert.equal(failureName, "temporary_channel_failure");
      assert.deepEqual(networkUpdate, { kind: "channel-failure", shortChannelId, isPermanent: false });
    }
  });

  it("are made smaller, until each way carries what it can", () => {
    const diamond = withPoorC(200_000_000n);
    const { paymentHash } = diamond.pay(large);
    assert.equal(diamond.told(diamond.a, "payment-sent", paymentHash).length, 1);
    diamond.checkRest();
  });

  it("leave the rest of the payment alone, and fail it when there is no other way", () => {
    const diamond = withPoorC(60_000_000n);
    const { a, d, network } = diamond;
    const { paymentHash } = diamond.pay(large);
    assert.equal(diamond.told(a, "payment-sent", paymentHash).length, 0);
    // B's part waits for the other one until D gives up.
    network.passTime(4);
    const [failed] = diamond.told(a, "payment-failed", paymentHash);
    assert.equal(failed?.reason, "route-not-found");
    assert.equal(diamond.told(d, "payment-claimable", paymentHash).length, 0);
    diamond.checkRest();
  });
});

describe("abandonPayment", () => {
  it("fails the payment once the last part has failed", () => {
    const diamond = new Diamond({ claims: "hold" });
    const { a, d, network } = diamond;
    const { paymentHash, paymentId } = diamond.pay(large);
    assert.equal(diamond.told(d, "payment-claimable", paymentHash).length, 1);
    assert.equal(a.manager.abandonPayment(paymentId), true);
    network.settle();
    const [recent] = a.manager.listRecentPayments();
    assert.ok(recent?.kind === "abandoned" && recent.partsInFlight === 2);
    assert.equal(diamond.told(a, "payment-failed", paymentHash).length, 0);
    d.manager.failHtlcBackwards(paymentHash);
    network.settle();
    assert.deepEqual(
      diamond.told(a, "payment-failed", paymentHash).map(({ reason }) => reason),
      ["user-abandoned"],
    );
    diamond.checkRest();
  });

  it("does not undo what the recipient claims all the same", () => {
    const diamond = new Diamond({ claims: "hold" });
    const { a, d, network } = diamond;
    const { paymentHash, paymentId } = diamond.pay(large);
    a.manager.abandonPayment(paymentId);
    network.crash(a);
    const [claimable] = d.manager.listClaimablePayments();
    d.manager.claimFunds(present(claimable?.purpose.paymentPreimage, "a preimage") as Bytes32);
    network.settle();
    assert.equal(diamond.told(a, "payment-sent", paymentHash).length, 1);
    assert.equal(diamond.told(a, "payment-failed", paymentHash).length, 0);
    diamond.checkRest();
  });
});

describe("a part whose channel goes to the chain", () => {
  for (const claims of [true, false]) {
    it(
      claims
        ? "is paid there, and the payment is sent once"
        : "comes back from there, and nothing more is tried",
      () => {
        const diamond = new Diamond({ claims: "hold" });
        const { a, b, d, network } = diamond;
        network.giveCoins(diamond.nodes, sat(100_000n));
        const { paymentHash } = diamond.pay(large);
        b.manager.forceCloseBroadcastingLatestTxn(diamond.channels.ab, "for the test");
        network.settle();
        network.mine();
        const [claimable] = d.manager.listClaimablePayments();
        assert.equal(claimable?.amount, large);
        if (claims)
          d.manager.claimFunds(present(claimable?.purpose.paymentPreimage, "a preimage") as Bytes32);
        else d.manager.failHtlcBackwards(paymentHash);
        network.settle();
        network.mine(200);
        const sent = diamond.told(a, "payment-sent", paymentHash);
        const failed = diamond.told(a, "payment-failed", paymentHash);
        assert.deepEqual([sent.length, failed.length], claims ? [1, 0] : [0, 1]);
        assert.equal(diamond.told(a, "payment-path-successful", paymentHash).length, claims ? 2 : 0);
        assert.equal(diamond.told(a, "payment-path-failed", paymentHash).length, claims ? 0 : 2);
        assert.deepEqual(a.manager.computeInflightHtlcs(), []);
        network.crash(a);
        network.settle();
        assert.equal(diamond.told(a, "payment-sent", paymentHash).length, claims ? 1 : 0);
        assert.equal(a.manager.listRecentPayments().filter(({ kind }) => kind === "pending").length, 0);
      },
    );
  }
});

describe("a payment's id", () => {
  it("is taken over restarts, with parts out and after the end", () => {
    const diamond = new Diamond({ claims: "hold" });
    const { a, d, network } = diamond;
    const { invoice, paymentHash, paymentId } = diamond.pay(large);
    const again = () => a.manager.payForBolt11Invoice(invoice, { paymentId });
    refused(again, "duplicate-payment");
    network.crash(a);
    refused(again, "duplicate-payment");
    network.settle();
    const [recent] = a.manager.listRecentPayments();
    assert.ok(recent?.kind === "pending" && recent.amountInFlight === large && recent.partsInFlight === 2);
    const [claimable] = d.manager.listClaimablePayments();
    assert.equal(claimable?.amount, large);
    d.manager.claimFunds(present(claimable?.purpose.paymentPreimage, "a preimage") as Bytes32);
    network.settle();
    network.crash(a);
    refused(again, "duplicate-payment");
    network.settle();
    assert.equal(diamond.told(a, "payment-sent", paymentHash).length, 1);
    diamond.checkRest();
  });
});

describe("one invoice, paid by two", () => {
  it("is complete when both parts are there, and neither pays more than its own", () => {
    const diamond = new Diamond();
    const { a, b, d, network } = diamond;
    const total = msat(30_000_000n);
    const { invoice, paymentHash } = d.manager.createBolt11Invoice({ amount: total, description: "split" });
    const part = msat(10_000_000n);
    refused(() => a.manager.payForBolt11Invoice(invoice, { amount: part }), "invalid-amount");
    a.manager.payForBolt11Invoice(invoice, { amount: part, declaredTotalMppValue: total });
    network.settle();
    assert.equal(diamond.told(d, "payment-claimable", paymentHash).length, 0);
    b.manager.payForBolt11Invoice(invoice, { amount: msat(total - part), declaredTotalMppValue: total });
    network.settle();
    assert.equal(diamond.told(d, "payment-claimed", paymentHash)[0]?.amount, total);
    assert.equal(diamond.told(a, "payment-sent", paymentHash)[0]?.amount, part);
    assert.equal(diamond.told(b, "payment-sent", paymentHash)[0]?.amount, total - part);
    diamond.checkRest();
  });
});

describe("spontaneous payments", () => {
  const preimage = new Uint8Array(32).fill(77) as Bytes32;
  const customTlvs = [
    { type: 7_629_169n, value: Uint8Array.of(1, 2) },
    { type: 65_537n, value: Uint8Array.of(3) },
  ];

  it("bring a preimage of the payer's choice and records in order", () => {
    const diamond = new Diamond();
    const { a, d, network } = diamond;
    const paymentId = "ab".repeat(32) as PaymentId;
    a.manager.sendSpontaneousPayment({
      payee: d.nodeId,
      amount: msat(5_000n),
      preimage,
      customTlvs,
      paymentId,
    });
    network.settle();
    const [claimable] = diamond.told(d, "payment-claimable");
    assert.deepEqual(claimable?.purpose, { kind: "spontaneous", paymentPreimage: preimage });
    assert.deepEqual(
      claimable?.onionFields?.customTlvs.map(({ type }) => type),
      [65_537n, 7_629_169n],
    );
    assert.equal(diamond.told(a, "payment-sent")[0]?.paymentId, paymentId);
  });

  it("go in several parts with a secret, in one without", () => {
    const diamond = new Diamond();
    const { a, d, network } = diamond;
    const payee = { payee: d.nodeId, amount: large };
    a.manager.sendSpontaneousPayment(payee);
    network.settle();
    assert.equal(diamond.told(a, "payment-failed")[0]?.reason, "route-not-found");
    const paymentSecret = new Uint8Array(32).fill(78) as Bytes32;
    a.manager.sendSpontaneousPayment({ ...payee, paymentSecret });
    network.settle();
    assert.equal(diamond.told(a, "payment-sent")[0]?.amount, large);
    assert.equal(diamond.told(a, "payment-path-successful").length, 2);
    diamond.checkRest();
  });

  it("are refused with records that are no one's to give", () => {
    const { a, d } = new Diamond();
    const send =
      (...types: readonly bigint[]) =>
      () =>
        a.manager.sendSpontaneousPayment({
          payee: d.nodeId,
          amount: msat(1_000n),
          customTlvs: types.map((type) => ({ type, value: new Uint8Array(1) })),
        });
    for (const types of [[65_535n], [70_000n, 70_000n], [5_482_373_484n], [2n ** 64n]])
      refused(send(...types), "invalid-recipient-fields");
    const tooLong = [{ type: 70_000n, value: new Uint8Array(1_300) }];
    refused(
      () => a.manager.sendSpontaneousPayment({ payee: d.nodeId, amount: msat(1n), customTlvs: tooLong }),
      "onion-too-large",
    );
    assert.deepEqual(a.manager.listRecentPayments(), []);
  });

  it("with long records take short paths only", () => {
    const diamond = new Diamond();
    const { a, d, network } = diamond;
    const send = (length: number): void => {
      const long = [{ type: 70_001n, value: new Uint8Array(length) }];
      a.manager.sendSpontaneousPayment({ payee: d.nodeId, amount: msat(1_000n), customTlvs: long });
      network.settle();
    };
    send(1_100);
    assert.equal(diamond.told(a, "payment-sent").length, 1);
    send(1_180);
    assert.equal(diamond.told(a, "payment-failed")[0]?.reason, "route-not-found");
  });
});

describe("probes", () => {
  const path = (diamond: Diamond, amount: bigint, over: "b" | "c" = "b") => {
    const [first, second] = over === "b" ? (["ab", "bd"] as const) : (["ac", "cd"] as const);
    const middle = diamond[over];
    const idOf = (name: keyof Diamond["channels"]): ShortChannelId =>
      present(
        middle.manager.listChannels().find(({ channelId }) => channelId === diamond.channels[name])
          ?.shortChannelId,
        "a short channel id",
      );
    return {
      hops: [
        { nodeId: middle.nodeId, shortChannelId: idOf(first), fee: msat(fee), cltvExpiryDelta: 80 },
        { nodeId: diamond.d.nodeId, shortChannelId: idOf(second), fee: msat(amount), cltvExpiryDelta: 42 },
      ],
    };
  };

  it("succeed when they reach the end of their path, without a payment for anybody", () => {
    const diamond = new Diamond();
    const { a, d, network } = diamond;
    const before = diamond.balances();
    const { paymentHash, paymentId } = a.manager.sendProbe(path(diamond, 100_000_000n));
    assert.equal(a.manager.computeInflightHtlcs().length, 1);
    network.settle();
    assert.deepEqual(
      diamond.told(a, "probe-successful", paymentHash).map((event) => event.paymentId),
      [paymentId],
    );
    assert.deepEqual(a.manager.listRecentPayments(), []);
    assert.deepEqual(diamond.told(a, "payment-path-failed"), []);
    assert.deepEqual(diamond.told(d, "payment-claimable"), []);
    assert.deepEqual(diamond.balances(), before);
    diamond.checkRest();
  });

  it("are known again after a restart, from their hash alone", () => {
    const diamond = new Diamond();
    const { a, b, d, network } = diamond;
    const link = network.link(b, d);
    const { paymentHash } = a.manager.sendProbe(path(diamond, 100_000_000n));
    // The probe has gone out, and cannot come back yet.
    network.until(() => b.manager.listChannels().some(({ pendingHtlcs }) => pendingHtlcs > 0));
    link.reconnects = false;
    link.cut();
    network.settle();
    network.crash(a);
    network.settle();
    link.reconnects = true;
    network.settle();
    network.passTime(4);
    const ends = [
      ...diamond.told(a, "probe-successful", paymentHash),
      ...diamond.told(a, "probe-failed", paymentHash),
    ];
    assert.equal(ends.length, 1);
    assert.deepEqual(diamond.told(a, "payment-failed"), []);
    diamond.checkRest();
  });

  it("name the channel that does not carry them", () => {
    const diamond = new Diamond();
    const { a, c, d, network } = diamond;
    for (let i = 0; i < 4; i++) network.payInvoice(c, d, msat(200_000_000n));
    const probe = path(diamond, 240_000_000n, "c");
    const { paymentHash } = a.manager.sendProbe(probe);
    network.settle();
    const [failed] = diamond.told(a, "probe-failed", paymentHash);
    assert.equal(failed?.shortChannelId, probe.hops[1]?.shortChannelId);
  });

  it("go ahead of a payment along its ways, if these keep enough for it", () => {
    const diamond = new Diamond();
    const { a, d, network } = diamond;
    const invoice = (amount: bigint) => {
      const { invoice: text } = d.manager.createBolt11Invoice({ amount: msat(amount), description: "probe" });
      return a.manager.paymentTermsOf(text).routeParameters;
    };
    assert.deepEqual(a.manager.sendPreflightProbes(invoice(large)), []);
    const probes = a.manager.sendPreflightProbes(invoice(large), 1n);
    assert.equal(probes.length, 2);
    network.settle();
    assert.equal(diamond.told(a, "probe-successful").length, 2);
    assert.equal(a.manager.sendPreflightProbes(invoice(50_000_000n)).length, 1);
    const keysend = { payee: d.nodeId, amount: msat(40_000_000n) };
    assert.equal(a.manager.sendSpontaneousPreflightProbes(keysend).length, 1);
    network.settle();
    assert.equal(diamond.told(a, "probe-successful").length, 4);
    refused(() => a.manager.sendPreflightProbes(invoice(900_000_000_000n)), "route-not-found");
    refused(() => a.manager.sendProbe({ hops: path(diamond, 5n).hops.slice(0, 1) }), "api-misuse");
    diamond.checkRest();
  });
});

describe("sendPaymentWithRoute", () => {
  it("offers again what a lost connection dropped, without another attempt", () => {
    const diamond = new Diamond();
    const { a, b, d, network } = diamond;
    const { invoice, paymentHash } = d.manager.createBolt11Invoice({
      amount: msat(5_000n),
      description: "again",
    });
    const terms = a.manager.paymentTermsOf(invoice);
    const channel = a.manager.listChannels().find(({ channelId }) => channelId === diamond.channels.ab);
    const second = b.manager.listChannels().find(({ channelId }) => channelId === diamond.channels.bd);
    const hop = (nodeId: typeof a.nodeId, of: typeof channel, kept: bigint, cltvExpiryDelta: number) => ({
      nodeId,
      shortChannelId: present(of?.shortChannelId, "an id"),
      fee: msat(kept),
      cltvExpiryDelta,
    });
    const route = { paths: [{ hops: [hop(b.nodeId, channel, fee, 80), hop(d.nodeId, second, 5_000n, 42)] }] };
    a.manager.sendPaymentWithRoute(paymentHash as string as PaymentId, terms, route);
    // The HTLC was offered, and nothing of it has been signed.
    network.cut(network.link(a, b));
    network.settle();
    assert.equal(diamond.told(a, "payment-sent", paymentHash).length, 1);
    assert.equal(diamond.told(a, "payment-failed", paymentHash).length, 0);
    diamond.checkRest();
  });
});

describe("bad invoices", () => {
  it("are refused with what to do about them", () => {
    const diamond = new Diamond();
    const { a, d, network } = diamond;
    const pay = (invoice: string, amount?: bigint) => () =>
      a.manager.payForBolt11Invoice(invoice, amount === undefined ? {} : { amount: msat(amount) });
    const open = d.manager.createBolt11Invoice({ description: "any" }).invoice;
    refused(pay(open), "invalid-amount");
    refused(pay(a.manager.createBolt11Invoice({ description: "own" }).invoice, 5n), "own-invoice");
    refused(pay(open.slice(0, -1), 5n), "invalid-invoice");
    refused(pay(`${open} `, 5n), "invalid-invoice");
    const start = performance.now();
    refused(pay("lnbcrt1".padEnd(2_000_000, "q")), "invalid-invoice");
    assert.ok(performance.now() - start < 50, "two megabytes are not read");
    const { invoice } = d.manager.createBolt11Invoice({
      amount: msat(5n),
      description: "old",
      expirySeconds: 60,
    });
    network.passTime(1);
    refused(pay(invoice), "payment-expired");
    assert.deepEqual(a.manager.listRecentPayments(), []);
    assert.equal(sat(1n), 1n);
  });
});
