import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { CutLine } from "./cutLine.ts";
import { bothFormats, type Side } from "./ourPair.ts";

installNodeCrypto();

for (const format of bothFormats) {
  const opener: Side = format === "anchors-zero-fee-htlc" ? "ldk" : "us";
  test(`${format}, opened by ${opener}: cut at each message while payments cross`, {
    timeout: 90_000,
  }, async (t) => {
    const line = await CutLine.open(t, opener, format);
    const count = await line.atEachPoint(() => line.crossingPayments());
    t.diagnostic(`${count} cuts`);
    // Two payments each way: how many messages there are depends on what meets what.
    assert.ok(count >= 40);
  });
}
