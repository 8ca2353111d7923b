import assert from "node:assert/strict";
import { test } from "node:test";
import { CutLine } from "./cutLine.ts";
import type { Side } from "./ourPair.ts";
import type { PaymentCase } from "./paymentCases.ts";

/** The test that cuts the connection at each message of a payment. */
export function testCuts({ format, payer, outcome }: PaymentCase): void {
  // Each format with one of the openers; the payments go both ways.
  const opener: Side = format === "anchors-zero-fee-htlc" ? "us" : "ldk";
  const title = `${format}, opened by ${opener}: cut at each message of a payment by ${payer} that is ${outcome}`;
  test(title, { timeout: 90_000 }, async (t) => {
    const line = await CutLine.open(t, opener, format);
    await line.answer(outcome);
    const count = await line.atEachPoint(() => line.onePayment(payer, outcome));
    // Ten messages: the update that adds, the one that removes, and four of each commitment's.
    assert.equal(count, 20);
  });
}

/** The test that cuts the connection at each message while payments go both ways at once. */
export function testCrossing(format: PaymentCase["format"]): void {
  const opener: Side = format === "anchors-zero-fee-htlc" ? "ldk" : "us";
  const title = `${format}, opened by ${opener}: cut at each message while payments cross`;
  test(title, { timeout: 90_000 }, async (t) => {
    const line = await CutLine.open(t, opener, format);
    const count = await line.atEachPoint(() => line.crossingPayments());
    t.diagnostic(`${count} cuts`);
    // Two payments each way: how many messages there are depends on what meets what.
    assert.ok(count >= 40);
  });
}
