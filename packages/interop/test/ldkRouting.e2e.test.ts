// timeout: 240 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { FormatName } from "@fulmen/lightning/commitment";
import { msat, type NodeId } from "@fulmen/lightning/util";
import { type LdkPeer, OurNode } from "#src/index";
import { type Line, startLine } from "./line.ts";
import { settled } from "./ourPair.ts";

installNodeCrypto();

const amount = 20_000_000n;
/** What alice asks for, and what we ask for by default. */
const aliceFee = 2_000n + amount / 10_000n;
const ourFee = 1_000n;

for (const announce of [true, false]) {
  // The two channels of a line have different formats, and each format comes first once.
  const format: FormatName = announce ? "anchors-zero-fee-htlc" : "static-remotekey";
  const kind = announce ? "announced channels" : "private channels and route hints";

  test(`first and last on two hops over ${kind}, ${format} first`, { timeout: 60_000 }, async (t) => {
    const line = await startLine(t, { middle: "alice", announce, format });
    const { us, alice, bob } = line;
    assert.equal(await pay(us, bob, amount), aliceFee);
    assert.equal(await pay(bob, us, amount), aliceFee);
    await quiet(line);
    if (announce) {
      await alice.cmd("announce", { alias: "alice" });
      const aliceId = alice.nodeId as NodeId;
      const { alias } = await us.until("alice's name", () => us.graph.node(aliceId)?.announcement);
      assert.equal(Buffer.from(alias).toString("latin1").replace(/\0+$/, ""), "alice");
    }
    const forwarded = alice.events.filter((event) => event.type === "payment-forwarded");
    assert.deepEqual(
      forwarded.map(({ feeMsat }) => feeMsat),
      [aliceFee, aliceFee],
    );
  });

  test(`in the middle of two hops over ${kind}, ${format} first`, { timeout: 60_000 }, async (t) => {
    const line = await startLine(t, { middle: "us", announce, format });
    const before = ourBalance(line);
    assert.equal(await pay(line.alice, line.bob, amount), ourFee);
    assert.equal(await pay(line.bob, line.alice, amount), ourFee);
    await quiet(line);
    const forwarded = line.us.events.filter((event) => event.kind === "payment-forwarded");
    assert.deepEqual(
      forwarded.map(({ totalFeeEarned }) => totalFeeEarned),
      [ourFee, ourFee],
    );
    assert.equal(ourBalance(line) - before, 2n * ourFee);
  });
}

test("what the recipient refuses comes back through us, and to us", { timeout: 60_000 }, async (t) => {
  const format: FormatName = "anchors-zero-fee-htlc";
  const line = await startLine(t, { middle: "us", announce: true, format });
  const { us, alice, bob } = line;
  const before = ourBalance(line);
  await bob.cmd("behave", { claim: "manual" });
  const { invoice, paymentHash } = await bob.cmd("invoice", { amountMsat: amount });
  await alice.cmd("pay", { invoice });
  await bob.waitFor("payment-claimable");
  await bob.cmd("fail", { paymentHash });
  assert.equal((await alice.waitFor("payment-failed")).reason, "RecipientRejected");
  await quiet(line);
  assert.equal(ourBalance(line), before);
  assert.deepEqual(
    us.events.filter((event) => event.kind === "payment-forwarded"),
    [],
  );
});

test("a payment of ours that the second channel cannot carry fails there", { timeout: 60_000 }, async (t) => {
  const line = await startLine(t, { middle: "alice", announce: true, format: "anchors-zero-fee-htlc" });
  const { us, alice, bob } = line;
  // Alice has half of the channel to bob: nobody but the two knows how much she has after this.
  await pay(alice, bob, 300_000_000n);
  const { invoice } = await bob.cmd("invoice", { amountMsat: 300_000_000n });
  us.act((manager) => manager.payForBolt11Invoice(invoice));
  const path = await us.waitFor("payment-path-failed");
  assert.equal(path.failureName, "temporary_channel_failure");
  const [channel] = (await bob.cmd("channels")).filter(({ counterparty }) => counterparty === alice.nodeId);
  assert.equal(path.shortChannelId, channel?.shortChannelId);
  assert.equal((await us.waitFor("payment-failed")).reason, "route-not-found");
  await quiet(line);
});

test("a probe over LDK says how far it came, and moves nothing", { timeout: 60_000 }, async (t) => {
  const line = await startLine(t, { middle: "alice", announce: true, format: "anchors-zero-fee-htlc" });
  const { us, alice, bob } = line;
  const before = ourBalance(line);
  const probe = (amountMsat: bigint) =>
    us.act((manager) =>
      manager.sendSpontaneousPreflightProbes({ payee: bob.nodeId as NodeId, amount: msat(amountMsat) }),
    );
  const [small] = probe(amount);
  assert.ok(small);
  const arrived = await us.waitFor("probe-successful", ({ paymentId }) => paymentId === small.paymentId);
  assert.deepEqual(
    arrived.path.map(({ nodeId }) => nodeId),
    [alice.nodeId, bob.nodeId],
  );
  await quiet(line);

  await pay(alice, bob, 350_000_000n);
  const [large] = probe(160_000_000n);
  assert.ok(large);
  const failed = await us.waitFor("probe-failed", ({ paymentId }) => paymentId === large.paymentId);
  assert.equal(failed.shortChannelId, arrived.path[1]?.shortChannelId);
  await quiet(line);
  assert.equal(ourBalance(line), before);
  assert.deepEqual(
    us.events.filter(({ kind }) => kind === "payment-failed" || kind === "payment-path-failed"),
    [],
  );
});

/** Pays an invoice; gives the fee, once the payer has the preimage and the payee the money. */
async function pay(payer: OurNode | LdkPeer, payee: OurNode | LdkPeer, amountMsat: bigint): Promise<bigint> {
  const { invoice, paymentHash } =
    payee instanceof OurNode
      ? payee.manager.createBolt11Invoice({ amount: msat(amountMsat), description: "" })
      : await payee.cmd("invoice", { amountMsat });
  const isIt = (event: { readonly paymentHash: string }): boolean => event.paymentHash === paymentHash;
  let fee: bigint;
  if (payer instanceof OurNode) {
    payer.act((manager) => manager.payForBolt11Invoice(invoice));
    fee = (await payer.waitFor("payment-sent", isIt)).feePaid;
  } else {
    await payer.cmd("pay", { invoice });
    fee = (await payer.waitFor("payment-sent", isIt)).feeMsat ?? 0n;
  }
  const claimed =
    payee instanceof OurNode
      ? (await payee.waitFor("payment-claimed", isIt)).amount
      : (await payee.waitFor("payment-claimed", isIt)).amountMsat;
  assert.equal(claimed, amountMsat);
  return fee;
}

/** Waits until nobody has an HTLC any more. */
async function quiet({ us, alice, bob }: Line): Promise<void> {
  for (const ldk of [alice, bob]) await settled({ us, ldk });
}

function ourBalance({ us }: Line): bigint {
  return us.manager.listChannels().reduce((sum, { localBalance }) => sum + localBalance, 0n);
}
