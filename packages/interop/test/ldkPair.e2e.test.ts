import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromHex, type Sat } from "@fulmen/bitcoin/primitives";
import { decodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { type LdkOptions, LdkPeer, ldkOptions } from "#src/index";
import { RegtestBlocks } from "./regtestBlocks.ts";

interface Pair {
  readonly alice: LdkPeer;
  readonly bob: LdkPeer;
  readonly chain: RegtestBlocks;
}

/** Two LDK nodes on a chain of their own, alice connected to bob. */
async function startPair(t: TestContext, changes: Partial<LdkOptions>): Promise<Pair> {
  const alice = await LdkPeer.start("alice", ldkOptions(1, changes));
  t.after(() => alice.stop());
  const bob = await LdkPeer.start("bob", ldkOptions(2, changes));
  t.after(() => bob.stop());
  const chain = new RegtestBlocks([alice, bob]);
  await chain.mine(10);
  const { port } = await bob.cmd("listen");
  await alice.cmd("connect", { port, nodeId: bob.nodeId });
  return { alice, bob, chain };
}

/** Opens a channel from alice and confirms it in the next block. */
async function open({ alice, bob, chain }: Pair, sats: bigint, pushMsat: bigint) {
  const since = alice.eventCount;
  const { temporaryChannelId } = await alice.cmd("open", { nodeId: bob.nodeId, sats, pushMsat });
  const wanted = await alice.waitFor(
    "funding-generation-ready",
    (event) => event.temporaryChannelId === temporaryChannelId,
  );
  assert.equal(wanted.sats, sats);
  const tx = chain.pay(wanted.sats as Sat, fromHex(wanted.outputScript));
  const fundingTxid = txid(decodeTransaction(fromHex(tx)));
  await alice.cmd("fund", { temporaryChannelId, nodeId: bob.nodeId, tx });
  const broadcast = await alice.waitFor("broadcast", () => true, { since });
  assert.equal(broadcast.tx, tx);
  assert.equal(broadcast.txid, fundingTxid);
  await chain.mine(6, [tx]);
  const { channelId } = await alice.waitFor("channel-ready", () => true, { since });
  await bob.waitFor("channel-ready", (event) => event.channelId === channelId);
  return { channelId, fundingTxid };
}

async function pay(payer: LdkPeer, payee: LdkPeer, amountMsat: bigint): Promise<void> {
  const { invoice, paymentHash } = await payee.cmd("invoice", { amountMsat });
  await payer.cmd("pay", { invoice });
  const sent = await payer.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
  assert.equal(sent.feeMsat, 0n);
  const claimed = await payee.waitFor("payment-claimed", (event) => event.paymentHash === paymentHash);
  assert.equal(claimed.amountMsat, amountMsat);
}

for (const anchors of [true, false]) {
  const format = anchors ? "anchors" : "static_remotekey";

  test(`LDK against LDK over ${format}: open, pay both ways, close`, { timeout: 120_000 }, async (t) => {
    const pair = await startPair(t, { anchors });
    const { alice, bob, chain } = pair;
    const { channelId, fundingTxid } = await open(pair, 1_000_000n, 100_000_000n);

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
    const pair = await startPair(t, { anchors });
    const { alice, bob, chain } = pair;
    await fillWallet(alice, chain);
    await fillWallet(bob, chain);
    const { channelId } = await open(pair, 1_000_000n, 0n);
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

/** Gives a peer one confirmed coin of a hundredth of a bitcoin for its fee bumps. */
async function fillWallet(peer: LdkPeer, chain: RegtestBlocks): Promise<void> {
  const { walletScript } = await peer.cmd("info");
  await chain.mine(1, [chain.pay(1_000_000n as Sat, fromHex(walletScript))]);
}
