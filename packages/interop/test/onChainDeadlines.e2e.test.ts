import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { cltvClaimBuffer } from "@fulmen/lightning/onchain";
import { ClosingChannel } from "./closingChannel.ts";
import { closingFeeOf } from "./onChainEndings.ts";
import { bothFormats, type Side } from "./ourPair.ts";

installNodeCrypto();

// Whoever has a preimage and cannot reach the other closes by itself, in time for both transactions to confirm before
// the HTLC expires.
for (const format of bothFormats) {
  for (const recipient of ["us", "ldk"] as const) {
    const payer: Side = recipient === "us" ? "ldk" : "us";
    const title = `${format}: ${recipient} cannot reach the other, and closes to claim from ${payer} in time`;
    test(title, { timeout: 60_000 }, async (t) => {
      const channel = await ClosingChannel.open(t, { format, opener: payer });
      const htlc = await channel.hold(payer, 33_000n);
      const { expiry } = channel;
      await channel.part();
      await channel.claim(htlc);
      await channel.restartUs();
      await channel.mineUntil("close", 700, () => channel.closingHeight);
      assert.equal(channel.spender, recipient === "us" ? "holder-commitment" : "counterparty-commitment");
      // LDK 0.1.2 counts on 18 blocks for both transactions together.
      const buffer = recipient === "us" ? cltvClaimBuffer : 18;
      assert.equal(channel.closingHeight, expiry - buffer + 1);
      await channel.mineUntil("claim", 2, () => channel.isTaken(htlc));
      const told =
        payer === "us"
          ? channel.ourEvents("payment-sent", htlc.paymentHash)
          : channel.ldkEvents("payment-sent", htlc.paymentHash);
      assert.equal(told.length, 1);
      await channel.mine(150);
      const sign = recipient === "us" ? 1n : -1n;
      await channel.checkLedger({
        gained: { us: sign * htlc.sats, ldk: -sign * htlc.sats },
        closingFee: closingFeeOf(format, 1),
      });
      assert.equal(channel.ourEvents("channel-closed").length, 1);
    });
  }
}
