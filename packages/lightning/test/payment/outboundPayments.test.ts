import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PaymentTerms } from "#src/payment/outboundPayment";
import { OutboundPayments } from "#src/payment/outboundPayments";
import type { PaymentPart } from "#src/payment/paymentPart";
import type { NodeId, PaymentHash, PaymentId, ShortChannelId } from "#src/util/ids";
import { type Msat, msat } from "#src/util/units";

const paymentId = "01".repeat(32) as PaymentId;
const shortChannelId = 7n as ShortChannelId;
const payee = `02${"11".repeat(32)}` as NodeId;
const amount: Msat = msat(5_000n);

const terms: PaymentTerms = {
  paymentHash: "02".repeat(32) as PaymentHash,
  payee,
  amount,
  finalCltvExpiryDelta: 18,
  routeHints: [],
  maxFee: msat(100n),
};

const source = {
  kind: "local",
  paymentId,
  sessionKey: new Uint8Array(32).fill(1),
  path: [{ nodeId: payee, shortChannelId }],
  amount,
} as const;

const part: PaymentPart = {
  shortChannelId,
  htlc: { amount, paymentHash: terms.paymentHash, cltvExpiry: 500, onion: new Uint8Array(0), source },
};

function withOnePart(): OutboundPayments {
  const payments = new OutboundPayments();
  assert.ok(payments.begin(paymentId, terms, { attempts: 4, now: 0 }).ok);
  payments.attempted(paymentId);
  payments.partSent(paymentId, part);
  return payments;
}

describe("OutboundPayments", () => {
  it("tries a part that was dropped with its connection again, at once and whenever channels change", () => {
    const payments = withOnePart();
    payments.dropped(source, amount);
    assert.equal(payments.isInterrupted(paymentId), true);
    assert.equal(payments.remaining(paymentId).amount, amount);
    assert.deepEqual(payments.takeRetries(), [paymentId]);
    assert.deepEqual(payments.takeRetries(), []);
    payments.channelsChanged();
    assert.deepEqual(payments.takeRetries(), [paymentId]);
    assert.deepEqual(payments.takeEvents(), []);

    payments.attempted(paymentId);
    assert.equal(payments.isInterrupted(paymentId), false);
    payments.channelsChanged();
    assert.deepEqual(payments.takeRetries(), []);
  });

  it("waits no more for channels once the user gives the payment up", () => {
    const payments = withOnePart();
    payments.dropped(source, amount);
    assert.equal(payments.abandon(paymentId, "user-abandoned"), true);
    assert.equal(payments.isInterrupted(paymentId), false);
    payments.channelsChanged();
    assert.deepEqual(payments.takeRetries(), []);
    assert.deepEqual(
      payments.takeEvents().map((event) => event.kind === "payment-failed" && event.reason),
      ["user-abandoned"],
    );
  });

  it("takes a payment that was restored without parts for an interrupted one, but not one that ended", () => {
    const [pending] = withOnePart().list();
    assert.ok(pending);
    const payments = new OutboundPayments();
    payments.restore(pending, []);
    assert.equal(payments.isInterrupted(paymentId), true);
    assert.deepEqual(payments.takeRetries(), [paymentId]);

    const ended = new OutboundPayments();
    ended.restore({ ...pending, status: { kind: "failed", reason: "retries-exhausted" } }, []);
    assert.equal(ended.isInterrupted(paymentId), false);
    assert.deepEqual(ended.takeRetries(), []);
  });

  it("is not interrupted when the recipient or a node on the way has answered", () => {
    const payments = withOnePart();
    payments.failed(source, amount, "first-hop");
    assert.equal(payments.isInterrupted(paymentId), false);
    assert.deepEqual(payments.takeRetries(), [paymentId]);
  });
});
