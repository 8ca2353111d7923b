// timeout: 240 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { forceCloseWithHtlcs } from "./onChainEndings.ts";
import { bothSides } from "./ourPair.ts";

installNodeCrypto();

const format = "anchors-zero-fee-htlc";

for (const closer of bothSides) {
  const title = `${format}, opened and closed by ${closer}: HTLCs both ways, by preimage and by timeout`;
  test(title, { timeout: 60_000 }, async (t) => {
    const ledger = await forceCloseWithHtlcs(t, { format, opener: closer }, { closer });
    assert.equal(ledger.left, 660n, "the commitment pays for itself: no anchor is spent");
  });
}

for (const closer of bothSides) {
  const opener = closer === "us" ? "ldk" : "us";
  const title = `${format}, opened by ${opener}, closed by ${closer}: a child pays for the commitment`;
  test(title, { timeout: 60_000 }, async (t) => {
    const ledger = await forceCloseWithHtlcs(t, { format, opener }, { closer, feeratePerKw: 2_000 });
    assert.equal(ledger.left, 330n);
    const anchors = ledger.outputs.filter(({ value }) => value === 330n);
    assert.deepEqual(anchors.map(({ owner }) => owner).toSorted(), [closer, "nobody"].toSorted());
  });
}
