// timeout: 120 s
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { paymentParameters } from "@fulmen/lightning/routing";
import {
  type Bytes32,
  fromHex,
  msat,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  toHex,
} from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { pathOf } from "./hiddenPaths.ts";
import {
  bothFormats,
  type OurPair,
  openChannel,
  paid,
  settled,
  startOurPair,
  startPayment,
} from "./ourPair.ts";
import { openPurse } from "./purse.ts";

installNodeCrypto();

/** Two channels of 300,000 sat, of different formats, half on each side. */
async function startTwoChannels(t: TestContext): Promise<OurPair> {
  const pair = await startOurPair(t);
  for (const format of bothFormats) {
    await openChannel(pair, { opener: "us", format, sats: 300_000n, pushMsat: 150_000_000n });
  }
  return pair;
}

/** More than one of the channels carries. */
const amount = 220_000_321n;

function ourBalance({ us }: OurPair): bigint {
  return us.manager.listChannels().reduce((sum, { localBalance }) => sum + localBalance, 0n);
}

test("parts over two channels, there and back", { timeout: 60_000 }, async (t) => {
  const pair = await startTwoChannels(t);
  const { us, ldk } = pair;
  const back = 400_000_123n;
  await paid(pair, "us", await startPayment(pair, "us", amount));
  await settled(pair);
  assert.equal(ourBalance(pair), 300_000_000n - amount);
  await paid(pair, "ldk", await startPayment(pair, "ldk", back));
  await settled(pair);
  assert.equal(ourBalance(pair), 300_000_000n - amount + back);
  const claimed = ldk.events.filter((event) => event.type === "payment-claimed");
  assert.deepEqual(
    claimed.map(({ amountMsat, parts }) => [amountMsat, parts]),
    [[amount, 2]],
  );
  const ours = us.events.filter((event) => event.kind === "payment-claimed");
  assert.deepEqual(
    ours.map(({ amount: total, senderIntendedTotal, htlcs = [] }) => [
      total,
      senderIntendedTotal,
      new Set(htlcs.map(({ channelId }) => channelId)).size,
      htlcs.reduce((sum, { value }) => sum + value, 0n),
    ]),
    [[back, back, 2, back]],
  );
});

test("all parts come back when the recipient refuses, both ways", { timeout: 60_000 }, async (t) => {
  const pair = await startTwoChannels(t);
  const { us, ldk } = pair;
  us.answer = "refuse";
  await ldk.cmd("behave", { claim: "manual" });
  const ourHash = await startPayment(pair, "us", amount);
  await ldk.waitFor("payment-claimable", ({ paymentHash }) => paymentHash === ourHash);
  await ldk.cmd("fail", { paymentHash: ourHash });
  const ourEnd = await us.waitFor("payment-failed");
  assert.deepEqual([ourEnd.paymentHash, ourEnd.reason], [ourHash, "recipient-rejected"]);
  const theirHash = await startPayment(pair, "ldk", amount);
  const theirEnd = await ldk.waitFor("payment-failed");
  assert.deepEqual([theirEnd.paymentHash, theirEnd.reason], [theirHash, "RecipientRejected"]);
  await settled(pair);
  assert.equal(ourBalance(pair), 300_000_000n);
  const lost = us.events.filter((event) => event.kind === "payment-path-failed");
  assert.deepEqual(
    lost.map(({ failureName }) => failureName),
    ["incorrect_or_unknown_payment_details", "incorrect_or_unknown_payment_details"],
  );
});

test("LDK pays us in parts without an invoice, and with records of its own", {
  timeout: 60_000,
}, async (t) => {
  const pair = await startTwoChannels(t);
  const { us, ldk } = pair;
  const customTlvs = [[65_537n, "c0ffee"]] as const;
  const { preimage } = await ldk.cmd("keysend", {
    ...{ nodeId: us.nodeId, amountMsat: amount, customTlvs },
    inParts: true,
  });
  await ldk.waitFor("payment-sent", (event) => event.preimage === preimage);
  await settled(pair);
  const claimed = us.events.filter((event) => event.kind === "payment-claimed");
  assert.deepEqual(
    claimed.map(({ htlcs, onionFields }) => [htlcs?.length, onionFields?.customTlvs]),
    [[2, [{ type: 65_537n, value: fromHex("c0ffee") }]]],
  );
  assert.equal(ourBalance(pair), 300_000_000n + amount);
});

test("we pay a blinded path of LDK's in parts", { timeout: 60_000 }, async (t) => {
  const pair = await startTwoChannels(t);
  const { us, ldk } = pair;
  const maxCltvExpiry = us.manager.bestBlock.height + 2_000;
  const made = await ldk.cmd("blindedPath", { amountMsat: amount, forwards: [], maxCltvExpiry });
  assert.equal(made.hops.length, 1);
  us.act((manager) =>
    manager.sendPayment({
      paymentHash: made.paymentHash as PaymentHash,
      paymentId: made.paymentHash as PaymentId,
      recipientOnion: {},
      routeParameters: {
        paymentParameters: paymentParameters({
          kind: "blinded",
          paths: [pathOf(made)],
          features: Features.of({ basic_mpp: "optional" }).toBytes(),
        }),
        finalValue: msat(amount),
        maxFee: msat(0n),
      },
    }),
  );
  await paid(pair, "us", made.paymentHash);
  const { amountMsat, parts } = await ldk.waitFor("payment-claimed");
  assert.deepEqual([amountMsat, parts], [amount, 2]);
  await settled(pair);
  assert.equal(ourBalance(pair), 300_000_000n - amount);
});

test("records of the payer's own come through, both ways, and even ones must be known", {
  timeout: 60_000,
}, async (t) => {
  const pair = await startOurPair(t);
  const { us, ldk } = pair;
  const purse = await openPurse(pair, "us", "anchors-zero-fee-htlc");
  const odd = [
    { type: 65_537n, value: new Uint8Array() },
    { type: 5_482_373_485n, value: fromHex("00ff00") },
    { type: 0xffff_ffff_ffff_ffffn, value: new Uint8Array(300).fill(7) },
  ];
  const even = { type: 65_536n, value: fromHex("beef") };
  const send = (customTlvs: readonly { readonly type: bigint; readonly value: Uint8Array }[]): string =>
    us.act((manager) =>
      manager.sendSpontaneousPayment({
        payee: ldk.nodeId as NodeId,
        amount: msat(9_000_000n),
        customTlvs,
      }),
    );
  const inLdk = (tlvs: typeof odd) => tlvs.map(({ type, value }) => [type, toHex(value)] as const);

  const first = send(odd);
  const sent = await us.waitFor("payment-sent", ({ paymentId }) => paymentId === first);
  const theirs = await ldk.waitFor("payment-claimable", (event) => event.paymentHash === sent.paymentHash);
  assert.deepEqual(theirs.customTlvs, inLdk(odd));
  purse.moved("us", 9_000_000n);
  // LDK claims only what it knows.
  const second = send([even, ...odd]);
  const failed = await us.waitFor("payment-failed", ({ paymentId }) => paymentId === second);
  assert.equal(failed.reason, "recipient-rejected");

  const keysend = (tlvs: typeof odd) =>
    ldk.cmd("keysend", { nodeId: us.nodeId, amountMsat: 8_000_000n, customTlvs: inLdk(tlvs) });
  const third = await keysend(odd);
  await ldk.waitFor("payment-sent", ({ preimage }) => preimage === third.preimage);
  const ours = await us.waitFor("payment-claimed", (event) => event.paymentHash === third.paymentHash);
  assert.deepEqual(ours.onionFields?.customTlvs, odd);
  purse.moved("ldk", 8_000_000n);
  // We do as LDK does, unless the user says that he knows them.
  const fourth = await keysend([even, ...odd]);
  const theirEnd = await ldk.waitFor("payment-failed");
  assert.deepEqual([theirEnd.paymentHash, theirEnd.reason], [fourth.paymentHash, "RecipientRejected"]);
  us.answer = "hold";
  const fifth = await keysend([even, ...odd]);
  await us.waitFor("payment-claimable", (event) => event.paymentHash === fifth.paymentHash);
  assert.ok(us.act((manager) => manager.claimFundsWithKnownCustomTlvs(fromHex(fifth.preimage) as Bytes32)));
  await ldk.waitFor("payment-sent", ({ preimage }) => preimage === fifth.preimage);
  purse.moved("ldk", 8_000_000n);
  await purse.check();
});
