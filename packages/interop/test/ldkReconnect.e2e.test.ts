// timeout: 240 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { CutLine } from "./cutLine.ts";
import { testCuts } from "./cutPayment.ts";
import type { CutPoint } from "./cutter.ts";
import { bothSides, type Side } from "./ourPair.ts";
import { paymentCases } from "./paymentCases.ts";

installNodeCrypto();

for (const each of paymentCases("all-pairs")) testCuts(each);

/** When one side has signed, has signed and revoked, has got the removal: what must be sent again differs. */
const firstCuts: readonly CutPoint[] = [
  { direction: "out", index: 1, when: "after" },
  { direction: "in", index: 1, when: "after" },
  { direction: "in", index: 2, when: "before" },
  { direction: "out", index: 3, when: "after" },
];

for (const payer of bothSides) {
  const opener: Side = payer === "us" ? "ldk" : "us";
  const format = payer === "us" ? "anchors-zero-fee-htlc" : "static-remotekey";
  test(`${format}, opened by ${opener}: cut again while in step again over a payment by ${payer}`, {
    timeout: 90_000,
  }, async (t) => {
    const line = await CutLine.open(t, opener, format);
    let count = 0;
    for (const first of firstCuts) {
      count += await line.atEachPointAfter(first, () => line.onePayment(payer, "fulfilled"));
    }
    t.diagnostic(`${count} pairs of cuts`);
    assert.ok(count >= 4 * 8);
  });
}
