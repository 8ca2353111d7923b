import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type Bytes32, fromHex, msat, type NodeId, type PaymentHash } from "@fulmen/lightning/util";
import { bothFormats, openChannel, paid, settled, startOurPair, startPayment } from "./ourPair.ts";
import { testPaymentsInTurn } from "./paymentsAtOnce.ts";
import { dustAllowed, openPurse } from "./purse.ts";

installNodeCrypto();

for (const format of bothFormats) {
  testPaymentsInTurn(format, format === "anchors-zero-fee-htlc" ? "us" : "ldk");

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

for (const how of ["with an invoice", "without one"] as const) {
  test(`we pay LDK in parts over two channels of two formats, ${how}`, { timeout: 60_000 }, async (t) => {
    const pair = await startOurPair(t);
    const { us, ldk } = pair;
    for (const format of bothFormats) await openChannel(pair, { opener: "us", format, sats: 300_000n });
    const amount = msat(350_000_000n);
    if (how === "with an invoice") await startPayment(pair, "us", amount);
    else {
      const paymentSecret = new Uint8Array(32).fill(6) as Bytes32;
      us.act((manager) =>
        manager.sendSpontaneousPayment({ payee: ldk.nodeId as NodeId, amount, paymentSecret }),
      );
    }
    const { paymentHash, feePaid } = await us.waitFor("payment-sent");
    assert.equal(feePaid, 0n);
    const claimed = await ldk.waitFor("payment-claimed", (event) => event.paymentHash === paymentHash);
    assert.deepEqual([claimed.amountMsat, claimed.parts], [amount, 2]);
    await settled(pair);
    assert.equal(us.events.filter(({ kind }) => kind === "payment-path-successful").length, 2);
  });
}

test("LDK is told our custom records, in order", {
  timeout: 60_000,
}, async (t) => {
  const pair = await startOurPair(t);
  const { us, ldk } = pair;
  const purse = await openPurse(pair, "us", "anchors-zero-fee-htlc");
  const customTlvs = [
    { type: 2n ** 40n + 1n, value: Uint8Array.of(1, 2, 3) },
    { type: 65_537n, value: new Uint8Array(0) },
  ];
  us.act((manager) =>
    manager.sendSpontaneousPayment({ payee: ldk.nodeId as NodeId, amount: msat(7_000_000n), customTlvs }),
  );
  const claimable = await ldk.waitFor("payment-claimable");
  assert.deepEqual(claimable.customTlvs, [
    [65_537n, ""],
    [2n ** 40n + 1n, "010203"],
  ]);
  await us.waitFor("payment-sent");
  purse.moved("us", 7_000_000n);
  const { invoice } = await ldk.cmd("invoice", { amountMsat: 6_000_000n });
  us.act((manager) => manager.payForBolt11Invoice(invoice, { customTlvs: customTlvs.slice(1) }));
  const second = await ldk.waitFor("payment-claimable", ({ amountMsat }) => amountMsat === 6_000_000n);
  assert.deepEqual(second.customTlvs, [[65_537n, ""]]);
  await us.waitFor("payment-sent", ({ amount }) => amount === 6_000_000n);
  purse.moved("us", 6_000_000n);
  await purse.check();
});
