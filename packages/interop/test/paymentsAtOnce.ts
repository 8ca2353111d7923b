import assert from "node:assert/strict";
import { test } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { Bytes32 } from "@fulmen/lightning/util";
import { channelOf, paid, type Side, startOurPair, startPayment } from "./ourPair.ts";
import { dustAllowed, openPurse } from "./purse.ts";

/** The test in which thirty HTLCs each way are under way together. */
export function testPaymentsAtOnce(format: FormatName, opener: Side): void {
  test(`${format}, opened by ${opener}: thirty HTLCs at once each way`, { timeout: 60_000 }, async (t) => {
    const pair = await startOurPair(t, dustAllowed);
    const { us, ldk } = pair;
    const purse = await openPurse(pair, opener, format);
    us.answer = "hold";
    await ldk.cmd("behave", { claim: "manual" });
    const started = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const payer: Side = i % 2 === 0 ? "us" : "ldk";
        // A third of them is dust.
        const amount = BigInt(i % 3 === 0 ? 150_000 + i : 4_000_000 + i * 1_001);
        return { payer, amount, hash: await startPayment(pair, payer, amount) };
      }),
    );
    for (const { payer, hash } of started) {
      const isIt = (event: { readonly paymentHash: string }): boolean => event.paymentHash === hash;
      if (payer === "us") await ldk.waitFor("payment-claimable", isIt);
      else await us.waitFor("payment-claimable", isIt);
    }
    assert.equal(channelOf(us, purse.channelId).pendingHtlcs, 60);
    assert.equal(us.manager.listClaimablePayments().length, 30);
    const [theirs] = await ldk.cmd("channels");
    assert.deepEqual([theirs?.pendingInboundHtlcs, theirs?.pendingOutboundHtlcs], [30, 30]);

    const claimable = ldk.events.filter((event) => event.type === "payment-claimable");
    for (const { preimage } of claimable) await ldk.cmd("claim", { preimage: preimage ?? "" });
    us.act((manager) => {
      for (const { purpose } of manager.listClaimablePayments()) {
        assert.ok(manager.claimFunds(purpose.paymentPreimage as Bytes32));
      }
    });
    for (const { payer, hash, amount } of started) {
      await paid(pair, payer, hash);
      purse.moved(payer, amount);
    }
    await purse.check();
  });
}

/** The test in which many payments go both ways, one after the other. */
export function testPaymentsInTurn(format: FormatName, opener: Side): void {
  test(`${format}, opened by ${opener}: twenty payments each way`, { timeout: 60_000 }, async (t) => {
    const pair = await startOurPair(t);
    const purse = await openPurse(pair, opener, format);
    for (let i = 0n; i < 20n; i++) {
      await purse.pay("us", 4_000_000n + i * 11_111n);
      await purse.pay("ldk", 5_000_000n - i * 7_777n);
    }
    await purse.check();
  });
}
