import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex } from "@fulmen/bitcoin/primitives";
import { decodeTransaction } from "@fulmen/bitcoin/transaction";
import { ldkOptions } from "#src/index";
import { connect, fillWallet, open, pay, startPair, startPeer } from "./ldkPair.ts";

for (const anchors of [true, false]) {
  const format = anchors ? "anchors" : "static_remotekey";

  test(`LDK against LDK over ${format}: open, pay both ways, close`, { timeout: 120_000 }, async (t) => {
    const { alice, bob, chain } = await startPair(t, { anchors });
    const { channelId, fundingTxid } = await open(chain, [alice, bob], {
      sats: 1_000_000n,
      pushMsat: 100_000_000n,
    });

    const [channel] = await alice.cmd("channels");
    assert.ok(channel);
    assert.equal(channel.anchors, anchors);
    assert.equal(channel.usable, true);
    assert.deepEqual(channel.funding, { txid: fundingTxid, index: 0 });
    assert.equal(channel.shortChannelId, (11n << 40n) | (1n << 16n));

    await pay(alice, bob, 10_000_000n);
    await pay(bob, alice, 7_000_000n);
    const [after] = await bob.cmd("channels");
    assert.equal(after?.outboundCapacityMsat, 100_000_000n + 3_000_000n - 10_000_000n);

    const keysend = await alice.cmd("keysend", {
      nodeId: bob.nodeId,
      amountMsat: 4_000_000n,
      customTlvs: [[65_537n, "c0ffee"]],
    });
    const claimable = await bob.waitFor(
      "payment-claimable",
      (event) => event.paymentHash === keysend.paymentHash,
    );
    assert.deepEqual(claimable.customTlvs, [[65_537n, "c0ffee"]]);
    assert.equal(claimable.preimage, keysend.preimage);
    await alice.waitFor("payment-sent", (event) => event.preimage === keysend.preimage);

    const since = alice.eventCount;
    await alice.cmd("close", { channelId });
    const closing = await alice.waitFor("broadcast", () => true, { since });
    await bob.waitFor("broadcast", (event) => event.txid === closing.txid);
    const tx = decodeTransaction(fromHex(closing.tx));
    assert.deepEqual(
      tx.inputs.map((input) => input.outPoint),
      [{ txid: fundingTxid, index: 0 }],
    );
    assert.equal(tx.outputs.length, 2);
    const closed = await bob.waitFor("channel-closed", (event) => event.channelId === channelId);
    assert.equal(closed.reason, "CounterpartyInitiatedCooperativeClosure");

    await chain.mine(6, [closing.tx]);
    await bob.waitFor("spendable-outputs");
    const swept = await bob.cmd("sweep", { script: `0014${"22".repeat(20)}` });
    const sweep = decodeTransaction(fromHex(swept.tx));
    assert.equal(sweep.inputs[0]?.outPoint.txid, closing.txid);
    assert.deepEqual(await bob.cmd("channels"), []);
  });
}

for (const anchors of [true, false]) {
  const format = anchors ? "anchors" : "static_remotekey";

  test(`LDK against LDK over ${format}: force close with an HTLC`, { timeout: 120_000 }, async (t) => {
    const { alice, bob, chain } = await startPair(t, { anchors });
    await fillWallet(alice, chain);
    await fillWallet(bob, chain);
    const { channelId } = await open(chain, [alice, bob], { sats: 1_000_000n });
    await bob.cmd("behave", { claim: "manual" });
    const { invoice, paymentHash } = await bob.cmd("invoice", { amountMsat: 50_000_000n });
    await alice.cmd("pay", { invoice });
    const held = await bob.waitFor("payment-claimable", (event) => event.paymentHash === paymentHash);
    assert.ok(held.preimage);

    const since = alice.eventCount;
    await alice.cmd("forceClose", { channelId });
    const commitment = await alice.waitFor("broadcast", () => true, { since });
    await alice.waitFor("channel-closed", (event) => event.reason === "HolderForceClosed");
    await chain.mine(1, [commitment.tx]);

    const claimSince = bob.eventCount;
    await bob.cmd("claim", { preimage: held.preimage });
    const claim = await bob.waitFor("broadcast", () => true, { since: claimSince });
    const claimTx = decodeTransaction(fromHex(claim.tx));
    assert.equal(claimTx.inputs[0]?.outPoint.txid, commitment.txid);
    await chain.mine(1, [claim.tx]);
    const sent = await alice.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
    assert.equal(sent.preimage, held.preimage);

    await chain.mine(144);
    const spendable = await alice.waitFor("spendable-outputs", () => true, { since });
    assert.equal(spendable.channelId, channelId);
    const sweep = await alice.cmd("sweep", { script: `0014${"22".repeat(20)}` });
    await chain.mine(1, [sweep.tx]);
  });
}

test("LDK's wallet pays for an anchor commitment and an HTLC transaction", {
  timeout: 120_000,
}, async (t) => {
  const { alice, bob, chain } = await startPair(t, { anchors: true });
  await fillWallet(bob, chain);
  const { channelId } = await open(chain, [alice, bob], { sats: 1_000_000n });
  await bob.cmd("behave", { claim: "manual", feeratePerKw: 2_000 });
  const { invoice, paymentHash } = await bob.cmd("invoice", { amountMsat: 50_000_000n });
  await alice.cmd("pay", { invoice });
  const held = await bob.waitFor("payment-claimable", (event) => event.paymentHash === paymentHash);
  assert.ok(held.preimage);

  const since = bob.eventCount;
  await bob.cmd("forceClose", { channelId });
  const bump = await bob.waitFor("bump-channel-close", () => true, { since });
  assert.equal(bump.channelId, channelId);
  const packages = bob.events.slice(since).filter((event) => event.type === "broadcast");
  assert.equal(packages[0]?.tx, bump.commitmentTx);
  assert.equal(packages.length, 2);
  const child = decodeTransaction(fromHex(packages[1]?.tx ?? ""));
  assert.deepEqual(
    child.inputs.map((input) => input.outPoint.txid === packages[0]?.txid),
    [true, false],
  );
  await chain.mine(
    1,
    packages.map((event) => event.tx),
  );

  const claimSince = bob.eventCount;
  await bob.cmd("claim", { preimage: held.preimage });
  await bob.waitFor("bump-htlc-resolution", () => true, { since: claimSince });
  const success = await bob.waitFor("broadcast", () => true, { since: claimSince });
  const tx = decodeTransaction(fromHex(success.tx));
  assert.equal(tx.inputs.length, 2);
  assert.equal(tx.inputs[0]?.outPoint.txid, packages[0]?.txid);
  await chain.mine(1, [success.tx]);
  await alice.waitFor("payment-sent", (event) => event.preimage === held.preimage);
});

test("LDK reconnects, and starts again from a saved state", { timeout: 120_000 }, async (t) => {
  const { alice, bob, chain } = await startPair(t, { anchors: true });
  await open(chain, [alice, bob], { sats: 1_000_000n });
  await pay(alice, bob, 20_000_000n);

  await alice.cmd("disconnect");
  await bob.waitFor("socket-closed", (event) => event.by === "remote");
  const { invoice } = await bob.cmd("invoice", { amountMsat: 1_000_000n });
  await assert.rejects(alice.cmd("pay", { invoice }), /send_payment/);
  await connect(bob, alice);
  await pay(bob, alice, 5_000_000n);

  const saved = await alice.cmd("save");
  await alice.stop();
  const again = await startPeer(t, "alice again", ldkOptions(1, { load: saved }));
  assert.equal(again.nodeId, alice.nodeId);
  assert.equal((await again.cmd("info")).height, chain.height);
  chain.replacePeer(alice, again);
  await connect(again, bob);
  await pay(again, bob, 5_000_000n);
  await chain.mine(1);
});

test("LDK punishes a node that broadcasts a revoked commitment", { timeout: 120_000 }, async (t) => {
  const { alice, bob, chain } = await startPair(t, { anchors: true });
  const { channelId } = await open(chain, [alice, bob], { sats: 1_000_000n });
  await pay(alice, bob, 20_000_000n);
  const old = await alice.cmd("save");
  await pay(alice, bob, 300_000_000n);
  await alice.stop();

  const cheat = await startPeer(t, "cheat", ldkOptions(1, { load: old }));
  chain.replacePeer(alice, cheat);
  await cheat.cmd("forceClose", { channelId });
  const commitment = await cheat.waitFor("broadcast");
  await chain.mine(1, [commitment.tx]);
  const penalty = await bob.waitFor("broadcast", (event) => spends(event.tx, commitment.txid));
  const { outputs } = decodeTransaction(fromHex(penalty.tx));
  assert.ok(
    outputs.reduce((total, { value }) => total + value, 0n) > 670_000n,
    "takes the cheat's side of the channel",
  );
  await chain.mine(1, [penalty.tx]);
});

test("LDK forwards along announced channels", { timeout: 120_000 }, async (t) => {
  const { alice, bob, chain } = await startPair(t, { anchors: true });
  const carol = await startPeer(t, "carol", ldkOptions(3));
  await chain.addPeer(carol);
  await connect(bob, carol);
  const first = await open(chain, [alice, bob], { sats: 1_000_000n });
  const second = await open(chain, [bob, carol], { sats: 1_000_000n });
  await alice.until("graph", ({ shortChannelIds }) => shortChannelIds.length === 2);

  const { invoice, paymentHash } = await carol.cmd("invoice", { amountMsat: 30_000_000n });
  await alice.cmd("pay", { invoice });
  const sent = await alice.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
  assert.equal(sent.feeMsat, 1_000n);
  const forwarded = await bob.waitFor("payment-forwarded");
  assert.equal(forwarded.previousChannelId, first.channelId);
  assert.equal(forwarded.nextChannelId, second.channelId);
  assert.equal(forwarded.feeMsat, 1_000n);

  await carol.cmd("behave", { claim: "manual" });
  const refused = await carol.cmd("invoice", { amountMsat: 30_000_000n });
  await alice.cmd("pay", { invoice: refused.invoice });
  await carol.waitFor("payment-claimable", (event) => event.paymentHash === refused.paymentHash);
  await carol.cmd("fail", { paymentHash: refused.paymentHash });
  const failed = await alice.waitFor("payment-failed", (event) => event.paymentHash === refused.paymentHash);
  assert.equal(failed.reason, "RecipientRejected");
});

test("LDK pays offers and refunds", { timeout: 120_000 }, async (t) => {
  const { alice, bob, chain } = await startPair(t, { anchors: true });
  await open(chain, [alice, bob], { sats: 1_000_000n });
  for (const peer of [alice, bob]) {
    await peer.until("graph", ({ shortChannelIds }) => shortChannelIds.length === 1);
    await peer.cmd("announce");
  }

  const { offer, paths } = await bob.cmd("offer");
  assert.equal(paths, 1);
  const { paymentId } = await alice.cmd("payOffer", { offer, amountMsat: 2_000_000n });
  const sent = await alice.waitFor("payment-sent", (event) => event.paymentId === paymentId);
  const claimed = await bob.waitFor("payment-claimed", (event) => event.paymentHash === sent.paymentHash);
  assert.equal(claimed.amountMsat, 2_000_000n);

  const absoluteExpiry = BigInt(Math.floor(Date.now() / 1000) + 3_600);
  const refund = await alice.cmd("refund", { amountMsat: 700_000n, absoluteExpiry });
  const { paymentHash } = await bob.cmd("requestRefund", { refund: refund.refund });
  const refunded = await alice.waitFor("payment-sent", (event) => event.paymentId === refund.paymentId);
  assert.equal(refunded.paymentHash, paymentHash);
});

function spends(tx: string, txid: string): boolean {
  return decodeTransaction(fromHex(tx)).inputs.some((input) => input.outPoint.txid === txid);
}
