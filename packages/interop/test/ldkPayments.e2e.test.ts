import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { type Bytes32, fromHex, msat, type NodeId, type PaymentHash } from "@fulmen/lightning/util";
import { testConfig } from "#src/index";
import {
  bothFormats,
  bothSides,
  channelOf,
  checkBalances,
  type OurPair,
  openChannel,
  paid,
  type Side,
  settled,
  startOurPair,
  startPayment,
} from "./ourPair.ts";

installNodeCrypto();

/** Much dust may be in flight. */
const dustAllowed = {
  us: {
    config: {
      channelConfig: {
        ...testConfig.channelConfig,
        maxDustHtlcExposure: { kind: "fixed", limit: msat(100_000_000n) },
      },
    },
  },
  ldk: { maxDustExposureMsat: 100_000_000 },
} as const;

for (const format of bothFormats) {
  for (const opener of bothSides) {
    test(`${format}, opened by ${opener}: twenty payments each way`, { timeout: 60_000 }, async (t) => {
      const pair = await startOurPair(t);
      const purse = await openPurse(pair, opener, format);
      for (let i = 0n; i < 20n; i++) {
        await purse.pay("us", 4_000_000n + i * 11_111n);
        await purse.pay("ldk", 5_000_000n - i * 7_777n);
      }
      await purse.check();
    });

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

  test(`${format}: a payment that the recipient refuses comes back, both ways`, {
    timeout: 60_000,
  }, async (t) => {
    const pair = await startOurPair(t);
    const { us, ldk } = pair;
    const purse = await openPurse(pair, "us", format);
    us.answer = "hold";
    await ldk.cmd("behave", { claim: "manual" });

    const ourHash = await startPayment(pair, "us", 6_000_000n);
    await ldk.waitFor("payment-claimable");
    await ldk.cmd("fail", { paymentHash: ourHash });
    const path = await us.waitFor("payment-path-failed");
    assert.equal(path.failureName, "incorrect_or_unknown_payment_details");
    assert.equal(path.failureCode, 0x400f);
    assert.equal(path.paymentFailedPermanently, true);
    const failed = await us.waitFor("payment-failed");
    assert.deepEqual([failed.paymentHash, failed.reason], [ourHash, "recipient-rejected"]);

    const theirHash = await startPayment(pair, "ldk", 6_000_000n);
    await us.waitFor("payment-claimable");
    assert.ok(us.act((manager) => manager.failHtlcBackwards(theirHash as PaymentHash)));
    assert.equal((await ldk.waitFor("payment-path-failed")).permanently, true);
    const theirs = await ldk.waitFor("payment-failed");
    assert.deepEqual([theirs.paymentHash, theirs.reason], [theirHash, "RecipientRejected"]);

    await purse.check();
    us.answer = "claim";
    await ldk.cmd("behave", { claim: "auto" });
    await purse.pay("us", 4_000_000n);
    await purse.pay("ldk", 4_000_000n);
    await purse.check();
  });

  test(`${format}: payments without an invoice, both ways`, { timeout: 60_000 }, async (t) => {
    const pair = await startOurPair(t);
    const { us, ldk } = pair;
    const purse = await openPurse(pair, "ldk", format);
    const paymentId = us.act((manager) =>
      manager.sendSpontaneousPayment({ payee: ldk.nodeId as NodeId, amount: msat(9_000_000n) }),
    );
    const sent = await us.waitFor("payment-sent", (event) => event.paymentId === paymentId);
    const claimed = await ldk.waitFor("payment-claimed", (event) => event.paymentHash === sent.paymentHash);
    assert.equal(claimed.amountMsat, 9_000_000n);
    purse.moved("us", 9_000_000n);

    const { preimage } = await ldk.cmd("keysend", { nodeId: us.nodeId, amountMsat: 8_000_000n });
    const { purpose } = await us.waitFor("payment-claimable");
    assert.ok(purpose.kind === "spontaneous");
    assert.deepEqual(purpose.paymentPreimage, fromHex(preimage));
    await ldk.waitFor("payment-sent", (event) => event.preimage === preimage);
    purse.moved("ldk", 8_000_000n);
    await purse.check();
  });

  test(`${format}: dust, and a single millisatoshi`, { timeout: 60_000 }, async (t) => {
    const pair = await startOurPair(t, dustAllowed);
    const purse = await openPurse(pair, "us", format);
    for (const amount of [1n, 999n, 1_000n, 353_999n, 354_000n, 354_001n, 2_000_000n]) {
      await purse.pay("us", amount);
      await purse.pay("ldk", amount + 1n);
    }
    await purse.check();
  });
}

test("an invoice that asks too much, is paid twice, or is our own, is refused", {
  timeout: 60_000,
}, async (t) => {
  const pair = await startOurPair(t);
  const { us, ldk } = pair;
  const purse = await openPurse(pair, "us", "anchors-zero-fee-htlc");
  const { invoice } = await ldk.cmd("invoice", { amountMsat: 5_000_000n });
  us.act((manager) => manager.payForBolt11Invoice(invoice));
  assert.throws(() => us.manager.payForBolt11Invoice(invoice), { code: "duplicate-payment" });
  await us.waitFor("payment-sent");
  assert.throws(() => us.manager.payForBolt11Invoice(invoice), { code: "duplicate-payment" });
  purse.moved("us", 5_000_000n);

  const big = await ldk.cmd("invoice", { amountMsat: 2_000_000_000n });
  us.act((manager) => manager.payForBolt11Invoice(big.invoice));
  const { reason } = await us.waitFor("payment-failed");
  assert.equal(reason, "route-not-found");

  const own = us.manager.createBolt11Invoice({ amount: msat(1_000_000n), description: "" });
  assert.throws(() => us.manager.payForBolt11Invoice(own.invoice), { code: "own-invoice" });
  await purse.check();
});

test("LDK pays us in parts over two channels of two formats", { timeout: 60_000 }, async (t) => {
  const pair = await startOurPair(t);
  const { us, ldk } = pair;
  for (const format of bothFormats) await openChannel(pair, { opener: "ldk", format, sats: 300_000n });
  const hash = await startPayment(pair, "ldk", 450_000_000n);
  await paid(pair, "ldk", hash);
  const claimable = us.events.filter((event) => event.kind === "payment-claimable");
  assert.deepEqual(
    claimable.map(({ amount, viaChannelIds }) => [amount, viaChannelIds.length]),
    [[450_000_000n, 2]],
  );
  await settled(pair);
  assert.equal(
    us.manager.listChannels().reduce((sum, { localBalance }) => sum + localBalance, 0n),
    450_000_000n,
  );
  assert.equal(ldk.events.filter((event) => event.type === "payment-sent").length, 1);
});

/** A channel of 1,000,000 sat, half on each side, and what each side should have in it. */
class Purse {
  readonly channelId: ChannelDetails["channelId"];
  readonly #pair: OurPair;
  #ours = 500_000_000n;

  constructor(pair: OurPair, channelId: ChannelDetails["channelId"]) {
    this.#pair = pair;
    this.channelId = channelId;
  }

  async pay(payer: Side, amount: bigint): Promise<void> {
    await paid(this.#pair, payer, await startPayment(this.#pair, payer, amount));
    this.moved(payer, amount);
  }

  moved(payer: Side, amount: bigint): void {
    this.#ours += payer === "us" ? -amount : amount;
  }

  async check(): Promise<void> {
    await settled(this.#pair);
    await checkBalances(this.#pair, this.channelId, {
      ours: this.#ours,
      theirs: 1_000_000_000n - this.#ours,
    });
  }
}

async function openPurse(pair: OurPair, opener: Side, format: FormatName): Promise<Purse> {
  const terms = { opener, format, sats: 1_000_000n, pushMsat: 500_000_000n };
  return new Purse(pair, (await openChannel(pair, terms)).channelId);
}
