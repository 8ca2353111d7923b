import assert from "node:assert/strict";
import { test } from "node:test";
import { CrashLine } from "./crashLine.ts";
import type { Side } from "./ourPair.ts";
import type { PaymentCase } from "./paymentCases.ts";

/** The test in which our node dies at each commit of a payment. */
export function testCrashes({ format, payer, outcome }: PaymentCase): void {
  const opener: Side = format === "anchors-zero-fee-htlc" ? "ldk" : "us";
  const title = `${format}, opened by ${opener}: a crash at each commit of a payment by ${payer} that is ${outcome}`;
  test(title, { timeout: 90_000 }, async (t) => {
    const line = await CrashLine.open(t, opener, format);
    await line.answer(outcome);
    let count = 0;
    for (const when of ["before", "after"] as const) {
      for (let index = 0; await line.payWithCrash({ index, when }, payer, outcome); index++) count++;
    }
    t.diagnostic(`${count} crashes`);
    // How many commits there are depends on what comes together.
    assert.ok(count >= 8, `${count} crashes are too few`);
  });
}
