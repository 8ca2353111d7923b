import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseInvoice } from "@fulmen/lightning/invoice";
import { ApiError } from "@fulmen/lightning/manager";
import {
  type BlindedPaymentPath,
  createBlindedPaymentPath,
  encodePaymentPathId,
} from "@fulmen/lightning/onion";
import { paymentParameters } from "@fulmen/lightning/routing";
import {
  type BlockHeight,
  type Bytes32,
  type Msat,
  msat,
  type PaymentId,
  present,
  type ShortChannelId,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import type { TestNode } from "@fulmen/testkit";
import { Diamond, fee, large } from "./diamond.ts";

const features = Features.of({ basic_mpp: "optional" }).toBytes();

/** D hides: what it asks for, and its paths by way of the nodes named. */
class HiddenPayee {
  readonly diamond: Diamond;
  readonly paymentHash;
  readonly #paymentSecret: Bytes32;
  readonly #amount: Msat;
  #paths = 0;

  constructor(diamond: Diamond, amount: Msat) {
    this.diamond = diamond;
    this.#amount = amount;
    const { invoice, paymentHash } = diamond.d.manager.createBolt11Invoice({ amount, description: "hidden" });
    const parsed = parseInvoice(invoice);
    assert.ok(parsed.ok);
    this.paymentHash = paymentHash;
    this.#paymentSecret = parsed.value.paymentSecret;
  }

  path(over: "b" | "c" | undefined, changes: { readonly wrongChannel?: boolean } = {}): BlindedPaymentPath {
    const { d, channels } = this.diamond;
    const node = over && this.diamond[over];
    const name = over === "b" ? channels.bd : channels.cd;
    const channel = node?.manager.listChannels().find(({ channelId }) => channelId === name);
    const shortChannelId = changes.wrongChannel
      ? (12_345n as ShortChannelId)
      : present(channel?.shortChannelId ?? (1n as ShortChannelId), "an id");
    const relay = { feeBase: msat(fee), feeProportionalMillionths: 0, cltvExpiryDelta: 72 };
    const limits = { htlcMinimum: msat(1), htlcMaximum: msat(240_000_000n) };
    const made = createBlindedPaymentPath({
      forwardNodes: node ? [{ nodeId: node.nodeId, shortChannelId, relay, ...limits }] : [],
      payee: d.nodeId,
      receiveAuthKey: d.keys.receiveAuthKey(),
      pathId: encodePaymentPathId({ paymentSecret: this.#paymentSecret }),
      maxCltvExpiry: 100_000 as BlockHeight,
      minFinalCltvExpiryDelta: 80,
      ...limits,
      dummyHops: 0,
      sessionKey: new Uint8Array(32).fill(++this.#paths),
    });
    if (!made.ok) throw new Error(made.error.text);
    return made.value;
  }

  payBy(payer: TestNode, paths: readonly BlindedPaymentPath[]): PaymentId {
    const paymentId = this.paymentHash as string as PaymentId;
    payer.manager.sendPayment({
      paymentId,
      paymentHash: this.paymentHash,
      recipientOnion: {},
      routeParameters: {
        paymentParameters: paymentParameters({ kind: "blinded", paths, features }),
        finalValue: this.#amount,
        maxFee: msat(10_000n),
      },
    });
    this.diamond.network.settle();
    return paymentId;
  }
}

describe("a payment to a hidden payee", () => {
  it("goes in parts over its paths, and the fees are told", () => {
    const diamond = new Diamond();
    const { a, d } = diamond;
    const payee = new HiddenPayee(diamond, large);
    payee.payBy(a, [payee.path("b"), payee.path("c")]);
    const [sent] = diamond.told(a, "payment-sent", payee.paymentHash);
    assert.equal(sent?.feePaid, 2n * fee);
    assert.equal(diamond.told(d, "payment-claimed", payee.paymentHash)[0]?.amount, large);
    diamond.checkRest();
  });

  it("needs no node but the payee where that stands at the beginning itself", () => {
    const diamond = new Diamond();
    const { a } = diamond;
    const payee = new HiddenPayee(diamond, msat(5_000n));
    payee.payBy(a, [payee.path(undefined)]);
    assert.equal(diamond.told(a, "payment-sent", payee.paymentHash)[0]?.feePaid, fee);
  });

  it("leaves a path that failed, and takes another one", () => {
    const diamond = new Diamond();
    const { a } = diamond;
    const payee = new HiddenPayee(diamond, msat(5_000n));
    payee.payBy(a, [payee.path("b", { wrongChannel: true }), payee.path("c")]);
    assert.equal(diamond.told(a, "payment-sent", payee.paymentHash).length, 1);
    const failed = diamond.told(a, "payment-path-failed", payee.paymentHash);
    assert.equal(failed.length, 1);
    for (const { failureName, shortChannelId, networkUpdate, paymentFailedPermanently } of failed) {
      assert.deepEqual(
        { failureName, shortChannelId, networkUpdate, paymentFailedPermanently },
        {
          failureName: "invalid_onion_blinding",
          shortChannelId: undefined,
          networkUpdate: undefined,
          paymentFailedPermanently: false,
        },
      );
    }
    diamond.checkRest();
  });

  it("fails when no path is left, each having been tried once", () => {
    const diamond = new Diamond({ claims: "fail" });
    const { a } = diamond;
    const payee = new HiddenPayee(diamond, msat(5_000n));
    payee.payBy(a, [payee.path("b"), payee.path("c")]);
    assert.equal(diamond.told(a, "payment-path-failed", payee.paymentHash).length, 2);
    assert.equal(diamond.told(a, "payment-failed", payee.paymentHash)[0]?.reason, "route-not-found");
    diamond.checkRest();
  });

  it("knows after a restart which path its part has taken", () => {
    const diamond = new Diamond({ claims: "hold" });
    const { a, d, network } = diamond;
    const payee = new HiddenPayee(diamond, msat(5_000n));
    payee.payBy(a, [payee.path("b"), payee.path("c")]);
    network.crash(a);
    network.settle();
    for (let i = 0; i < 2; i++) {
      d.manager.failHtlcBackwards(payee.paymentHash);
      network.settle();
    }
    assert.equal(diamond.told(a, "payment-path-failed", payee.paymentHash).length, 2);
    assert.equal(diamond.told(a, "payment-failed", payee.paymentHash)[0]?.reason, "route-not-found");
    diamond.checkRest();
  });

  it("begins behind us when we are the introduction node", () => {
    const diamond = new Diamond();
    const { b } = diamond;
    const payee = new HiddenPayee(diamond, msat(5_000n));
    payee.payBy(b, [payee.path("b")]);
    const [sent] = diamond.told(b, "payment-sent", payee.paymentHash);
    // What we would have kept goes to the payee's path all the same.
    assert.ok(sent !== undefined && sent.feePaid <= fee);
    diamond.checkRest();
  });

  it("is refused when it is ourselves, or is to be told what it cannot", () => {
    const diamond = new Diamond();
    const { a, d } = diamond;
    const payee = new HiddenPayee(diamond, msat(5_000n));
    assert.throws(
      () => payee.payBy(d, [payee.path(undefined)]),
      (error) => error instanceof ApiError && error.code === "own-invoice",
    );
    const routeParameters = {
      paymentParameters: paymentParameters({ kind: "blinded", paths: [payee.path("b")], features }),
      finalValue: msat(5_000n),
      maxFee: msat(0n),
    } as const;
    const customTlvs = [{ type: 70_001n, value: new Uint8Array(1) }];
    const order = {
      paymentId: "cc".repeat(32) as PaymentId,
      paymentHash: payee.paymentHash,
      routeParameters,
    };
    assert.throws(
      () => a.manager.sendPayment({ ...order, recipientOnion: { customTlvs } }),
      (error) => error instanceof ApiError && error.code === "invalid-recipient-fields",
    );
    assert.deepEqual(a.manager.listRecentPayments(), []);
  });
});
