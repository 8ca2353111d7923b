import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { ApiErrorCode } from "#src/manager/apiError";
import type { InvoiceRequest } from "#src/manager/invoices";
import { type Bytes32, toHex } from "#src/util/bytes";
import type { Msat } from "#src/util/units";
import { ManagerNet } from "./managers.ts";
import { invoiceOf, kilosats, userHash, userPreimage } from "./parts.ts";

const node = new ManagerNet().add();

function refusal(request: Partial<InvoiceRequest>): ApiErrorCode | "made" {
  try {
    node.manager.createBolt11Invoice({ description: "", ...request });
    return "made";
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error);
    return error.code as ApiErrorCode;
  }
}

describe("a BOLT 11 invoice", () => {
  it("says what it was asked to", () => {
    const { invoice } = invoiceOf(node, {
      amount: kilosats(1),
      expirySeconds: 60,
      minFinalCltvExpiryDelta: 100,
    });
    assert.equal(invoice.amount, kilosats(1));
    assert.equal(invoice.expirySeconds, 60);
    assert.equal(invoice.minFinalCltvExpiryDelta, 103);
    assert.equal(invoice.payee, node.nodeId);
    assert.ok(invoice.features.has("basic_mpp") && invoice.features.isRequired("payment_secret"));
    assert.equal(invoiceOf(node).invoice.amount, undefined);
    assert.equal(invoiceOf(node, { paymentHash: userHash }).paymentHash, userHash);
  });

  it("describes by words or by their hash", () => {
    const hash = crypto().sha256(Uint8Array.of(1)) as Bytes32;
    for (const description of ["words", { kind: "text", text: "words" }, { kind: "hash", hash }] as const) {
      const { invoice } = invoiceOf(node, { description } as Partial<InvoiceRequest>);
      const expected = typeof description === "string" ? { kind: "text", text: description } : description;
      assert.deepEqual(invoice.description, expected);
    }
  });

  it("is refused when it could not be paid, or not be said", () => {
    assert.equal(refusal({ minFinalCltvExpiryDelta: 38 }), "api-misuse");
    assert.equal(refusal({ minFinalCltvExpiryDelta: 39 }), "made");
    assert.equal(refusal({ minFinalCltvExpiryDelta: 65_535 }), "made");
    assert.equal(refusal({ minFinalCltvExpiryDelta: 65_536 }), "api-misuse");
    assert.equal(refusal({ minFinalCltvExpiryDelta: Number.NaN }), "api-misuse");
    assert.equal(refusal({ minFinalCltvExpiryDelta: 50.5 }), "api-misuse");
    assert.equal(refusal({ amount: 0n as Msat }), "invalid-amount");
    assert.equal(refusal({ amount: -1n as Msat }), "invalid-amount");
    assert.equal(refusal({ amount: 2_100_000_000_000_000_000n as Msat }), "made");
    assert.equal(refusal({ amount: 2_100_000_000_000_000_001n as Msat }), "invalid-amount");
    assert.equal(refusal({ amount: (2n ** 64n) as Msat }), "invalid-amount");
    assert.equal(refusal({ expirySeconds: -1 }), "api-misuse");
    assert.equal(refusal({ expirySeconds: Number.POSITIVE_INFINITY }), "api-misuse");
    assert.equal(refusal({ description: "x".repeat(640) }), "invalid-invoice");
    assert.equal(refusal({ description: "x".repeat(639) }), "made");
    assert.equal(refusal({ description: "\ud83e" }), "invalid-invoice");
    assert.equal(refusal({ paymentMetadata: new Uint8Array(640) }), "invalid-invoice");
  });
});

describe("an inbound payment for somebody else's invoice", () => {
  it("is known by its hash, secret and metadata", () => {
    const paymentMetadata = Uint8Array.of(1, 2, 3);
    const made = node.manager.createInboundPayment({ amount: kilosats(1), paymentMetadata });
    const { preimage, paymentMetadata: clear } = node.manager.getPaymentPreimage(made);
    assert.equal(toHex(crypto().sha256(preimage)), made.paymentHash);
    assert.deepEqual(clear, paymentMetadata);
    const { paymentMetadata: _, ...without } = made;
    assert.throws(() => node.manager.getPaymentPreimage(without), { code: "api-misuse" });
    assert.throws(() => node.manager.getPaymentPreimage({ ...made, paymentHash: userHash }), {
      code: "api-misuse",
    });
  });

  it("has no preimage here when the hash is the user's", () => {
    const made = node.manager.createInboundPaymentForHash({ paymentHash: userHash });
    assert.equal(made.paymentHash, userHash);
    assert.throws(() => node.manager.getPaymentPreimage(made), /the user, who has the preimage/);
    assert.equal(userPreimage.length, 32);
  });

  it("is never the same twice", () => {
    const secrets = [0, 1, 2].map(() => toHex(node.manager.createInboundPayment().paymentSecret));
    assert.equal(new Set(secrets).size, 3);
  });
});
