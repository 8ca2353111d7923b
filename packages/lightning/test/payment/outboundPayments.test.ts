import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Event } from "#src/handlers/index";
import { newPayment, type PaymentTerms, type Retry } from "#src/payment/outboundPayment";
import { OutboundPayments } from "#src/payment/outboundPayments";
import { paymentParameters } from "#src/routing/route";
import type { NodeId, PaymentHash, PaymentId, ShortChannelId } from "#src/util/ids";
import { type Msat, msat } from "#src/util/units";

const paymentId = "01".repeat(32) as PaymentId;
const paymentHash = "02".repeat(32) as PaymentHash;
const [ours, theirs] = [7n as ShortChannelId, 8n as ShortChannelId];
const peer = `03${"22".repeat(32)}` as NodeId;
const payee = `02${"11".repeat(32)}` as NodeId;
const amount: Msat = msat(5_000n);

const terms: PaymentTerms = {
  paymentHash,
  recipientOnion: {},
  routeParameters: {
    paymentParameters: paymentParameters({
      kind: "clear",
      nodeId: payee,
      routeHints: [],
      finalCltvExpiryDelta: 18,
    }),
    finalValue: amount,
    maxFee: msat(100n),
  },
};

/** A part by its session key: all else of it may be like another's. */
function part(key: number, partAmount = amount) {
  return {
    kind: "local",
    paymentId,
    sessionKey: new Uint8Array(32).fill(key),
    path: [
      { nodeId: peer, shortChannelId: ours },
      { nodeId: payee, shortChannelId: theirs },
    ],
    amount: partAmount,
  } as const;
}

function htlc(partAmount: Msat, fee = 10n) {
  return { amount: msat(partAmount + fee), paymentHash };
}

function begun(retry: Retry = { kind: "attempts", count: 3 }): OutboundPayments {
  const payments = new OutboundPayments(new Uint8Array(32));
  assert.ok(payments.begin(newPayment(paymentId, terms, { retry, now: 0 }), 0).ok);
  return payments;
}

function withOnePart(): OutboundPayments {
  const payments = begun();
  payments.attempted(paymentId);
  payments.partSent(part(1), htlc(amount));
  return payments;
}

function kinds(events: readonly Event[]): readonly string[] {
  return events.map(({ kind }) => kind);
}

describe("OutboundPayments", () => {
  it("tries a part that was dropped with its connection again, at once and whenever channels change", () => {
    const payments = withOnePart();
    const attempts = payments.get(paymentId)?.attemptsLeft;
    payments.dropped(part(1), htlc(amount), true);
    assert.equal(payments.isInterrupted(paymentId), true);
    assert.equal(payments.remaining(paymentId).amount, amount);
    assert.deepEqual(payments.takeRetries(), [paymentId]);
    assert.deepEqual(payments.takeRetries(), []);
    payments.channelsChanged();
    assert.deepEqual(payments.takeRetries(), [paymentId]);
    assert.deepEqual(payments.takeEvents(), []);

    payments.attempted(paymentId);
    assert.equal(payments.get(paymentId)?.attemptsLeft, attempts, "it costs no attempt");
    assert.equal(payments.isInterrupted(paymentId), false);
    payments.channelsChanged();
    assert.deepEqual(payments.takeRetries(), []);
  });

  it("counts a part that its channel would not take after all as failed", () => {
    const payments = withOnePart();
    payments.dropped(part(1), htlc(amount), false);
    assert.equal(payments.isInterrupted(paymentId), false);
    assert.deepEqual(payments.get(paymentId)?.failedChannels, [ours]);
    assert.deepEqual(kinds(payments.takeEvents()), ["payment-path-failed"]);
  });

  it("waits for channels up to three ticks: some never come back, and the payment must end", () => {
    const payments = withOnePart();
    payments.dropped(part(1), htlc(amount), true);
    for (const waits of [true, true, false]) {
      payments.takeRetries();
      payments.tick(new Set());
      assert.equal(payments.isInterrupted(paymentId), waits);
      assert.deepEqual(payments.takeRetries(), [paymentId], "tried once more in any case");
    }
    payments.tick(new Set());
    assert.deepEqual(payments.takeRetries(), []);
  });

  it("waits no more for channels once the user gives the payment up", () => {
    const payments = withOnePart();
    payments.dropped(part(1), htlc(amount), true);
    assert.equal(payments.abandon(paymentId, "user-abandoned"), true);
    assert.equal(payments.isInterrupted(paymentId), false);
    payments.channelsChanged();
    assert.deepEqual(payments.takeRetries(), []);
    assert.deepEqual(
      payments.takeEvents().map((event) => event.kind === "payment-failed" && event.reason),
      ["user-abandoned"],
    );
  });

  it("takes a payment of which less is under way after a restart for an interrupted one, but not one that ended", () => {
    const pending = withOnePart().get(paymentId);
    assert.ok(pending);
    for (const [sent, interrupted] of [
      [[], true],
      [[part(1, msat(2_000n))], true],
      [[part(1, msat(2_000n)), part(2, msat(3_000n))], false],
    ] as const) {
      const payments = new OutboundPayments(new Uint8Array(32));
      payments.restore(pending);
      for (const source of sent) payments.partSent(source, htlc(source.amount));
      payments.restored();
      assert.equal(payments.isInterrupted(paymentId), interrupted);
      assert.deepEqual(payments.takeRetries(), interrupted ? [paymentId] : []);
    }

    const ended = new OutboundPayments(new Uint8Array(32));
    ended.restore({ ...pending, status: { kind: "failed", reason: "retries-exhausted" } });
    ended.restored();
    assert.equal(ended.isInterrupted(paymentId), false);
    assert.deepEqual(ended.takeRetries(), []);
    assert.deepEqual(ended.takeEvents(), []);
  });

  it("is not interrupted when the recipient or a node on the way has answered", () => {
    const payments = withOnePart();
    payments.failed(part(1), htlc(amount), { kind: "first-hop" });
    assert.equal(payments.isInterrupted(paymentId), false);
    assert.deepEqual(payments.takeRetries(), [paymentId]);
  });

  it("tells parts of one amount apart, and takes the same news twice", () => {
    const payments = begun();
    const half = msat(2_500n);
    payments.partSent(part(1, half), htlc(half));
    payments.partSent(part(1, half), htlc(half));
    assert.equal(payments.remaining(paymentId).amount, half);
    payments.partSent(part(2, half), htlc(half, 20n));
    assert.deepEqual(payments.remaining(paymentId), { amount: 0n, maxFee: 70n });
    payments.failed(part(2, half), htlc(half, 20n), { kind: "limits" });
    payments.failed(part(2, half), htlc(half, 20n), { kind: "limits" });
    assert.deepEqual(payments.remaining(paymentId), { amount: half, maxFee: 90n });
    assert.deepEqual(payments.get(paymentId)?.failedChannels, []);
  });

  it("sends once, whatever other parts do after the first preimage", () => {
    const payments = begun();
    const preimage = new Uint8Array(32).fill(9);
    const [first, second] = [part(1, msat(2_000n)), part(2, msat(3_000n))];
    payments.partSent(first, htlc(first.amount));
    payments.partSent(second, htlc(second.amount));
    payments.fulfilled(first, preimage);
    payments.fulfilled(second, preimage);
    payments.fulfilled(first, preimage);
    assert.deepEqual(payments.takeEvents(), [
      { kind: "payment-sent", paymentId, paymentHash, preimage, amount, feePaid: 20n },
    ]);
    payments.settled(first, htlc(first.amount));
    payments.failed(second, htlc(second.amount), { kind: "first-hop" });
    assert.deepEqual(kinds(payments.takeEvents()), ["payment-path-successful", "payment-path-failed"]);
    assert.deepEqual(payments.takeRetries(), []);
    assert.equal(payments.abandon(paymentId, "user-abandoned"), false);
    assert.equal(payments.list()[0]?.kind, "fulfilled");
  });

  it("is sent even when it was given up before the preimage came", () => {
    const payments = withOnePart();
    assert.ok(payments.abandon(paymentId, "user-abandoned"));
    assert.deepEqual(payments.takeEvents(), []);
    payments.fulfilled(part(1), new Uint8Array(32));
    assert.deepEqual(kinds(payments.takeEvents()), ["payment-sent"]);
  });

  it("keeps an ended payment's id for seven ticks after the last part, and until the user has heard of the end", () => {
    const payments = withOnePart();
    payments.fulfilled(part(1), new Uint8Array(32));
    const again = () =>
      payments.begin(newPayment(paymentId, terms, { retry: { kind: "attempts", count: 0 }, now: 0 }), 0);
    for (let i = 0; i < 20; i++) payments.tick(new Set());
    assert.equal(again().ok, false, "its HTLC is there");
    payments.settled(part(1), htlc(amount));
    for (let i = 0; i < 20; i++) payments.tick(new Set([paymentId]));
    assert.equal(again().ok, false, "the user does not know");
    for (let i = 0; i < 7; i++) payments.tick(new Set());
    assert.equal(again().ok, false);
    payments.tick(new Set());
    assert.equal(again().ok, true);
  });

  it("counts what is under way on others' channels, by direction, and forgets it", () => {
    const payments = withOnePart();
    assert.deepEqual(payments.inFlightHtlcs(), [{ shortChannelId: theirs, source: peer, amount: 5_010n }]);
    payments.settled(part(1), htlc(amount));
    payments.settled(part(1), htlc(amount));
    assert.deepEqual(payments.inFlightHtlcs(), []);
  });

  it("is tried for a time when the user says so", () => {
    const payments = begun({ kind: "timeout", seconds: 60 });
    const payment = payments.get(paymentId);
    assert.ok(payment?.retryUntil === 60 && payment.attemptsLeft === 100);
  });
});
