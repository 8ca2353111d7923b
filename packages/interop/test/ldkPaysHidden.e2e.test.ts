// timeout: 180 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { createBlindedPaymentPath, encodePaymentPathId } from "@fulmen/lightning/onion";
import { blockHeight, msat } from "@fulmen/lightning/util";
import { type LdkPeer, OurNode } from "#src/index";
import { forwardNode, pathFact } from "./hiddenPaths.ts";
import { startLine } from "./line.ts";
import { bothFormats, openChannel, settled, startOurPair } from "./ourPair.ts";

installNodeCrypto();

const amount = msat(20_000_123n);

/**
 * That a blinded path has failed is all that its payer learns: nobody in it is blamed, and the payee might take
 * another.
 */
async function assertHidden(payer: LdkPeer, paymentHash: string): Promise<void> {
  const isIt = (event: { readonly paymentHash: string | undefined }): boolean =>
    event.paymentHash === paymentHash;
  const { permanently, shortChannelId, networkUpdate } = await payer.waitFor("payment-path-failed", isIt);
  assert.deepEqual([permanently, shortChannelId, networkUpdate], [false, undefined, undefined]);
  assert.equal((await payer.waitFor("payment-failed", isIt)).reason, "RouteNotFound");
}

/** Paths may round up a millionth of the fees at each node. */
function assertPaid(paid: bigint): void {
  const excess = paid - amount;
  assert.ok(excess >= 0n && excess <= amount / 1_000_000n + 3n, `${excess} msat too many`);
}

test("LDK pays over us, who introduce, and LDK to our hidden node, and is not told who failed", {
  timeout: 90_000,
}, async (t) => {
  const line = await startLine(t, { middle: "us", announce: true, format: "anchors-zero-fee-htlc" });
  const { us, alice, bob, chain } = line;
  const dave = await OurNode.start({ name: "dave", seedByte: 11, chain });
  t.after(() => dave.stop());
  await dave.connect((await bob.cmd("listen")).port, bob.nodeId);
  await openChannel(
    { us: dave, ldk: bob, chain },
    {
      ...{ sats: 1_000_000n, pushMsat: 500_000_000n, announce: true },
      ...{ format: "anchors-zero-fee-htlc", opener: "us" },
    },
  );
  const pay = async (): Promise<string> => {
    const { paymentHash, paymentSecret } = dave.act((manager) => manager.createInboundPayment({ amount }));
    const made = createBlindedPaymentPath({
      forwardNodes: [await forwardNode(us, bob.nodeId), await forwardNode(bob, dave.nodeId)],
      payee: dave.nodeId,
      receiveAuthKey: dave.keys.receiveAuthKey(),
      pathId: encodePaymentPathId({ paymentSecret }),
      maxCltvExpiry: blockHeight(chain.height + 2_000),
      minFinalCltvExpiryDelta: 45,
      htlcMinimum: msat(1n),
      htlcMaximum: msat(400_000_000n),
      dummyHops: 2,
      sessionKey: new Uint8Array(32).fill(0x21),
    });
    assert.ok(made.ok);
    await alice.cmd("payBlinded", { paymentHash, amountMsat: amount, paths: [pathFact(made.value)] });
    return paymentHash;
  };
  const first = await pay();
  await alice.waitFor("payment-sent", ({ paymentHash }) => paymentHash === first);
  assertPaid((await dave.waitFor("payment-claimed")).amount);
  const [forwarded] = us.events.filter((event) => event.kind === "payment-forwarded");
  assert.ok((forwarded?.totalFeeEarned ?? 0n) >= 1_000n);

  dave.answer = "refuse";
  const second = await pay();
  await assertHidden(alice, second);

  // The same when one of LDK's behind us cannot pass on, and when we cannot.
  await bob.cmd("disconnect", { nodeId: dave.nodeId });
  await assertHidden(alice, await pay());
  await bob.cmd("disconnect", { nodeId: us.nodeId });
  await us.until("bob's leave", () => us.manager.listUsableChannels().length === 1);
  const last = await pay();
  await assertHidden(alice, last);
  const { failureReason } = await us.waitFor("htlc-handling-failed", (event) => event.paymentHash === last);
  assert.deepEqual(failureReason, { kind: "local", reason: "peer-offline" });
  for (const ldk of [alice, bob]) await settled({ us, ldk });
});

// Nobody would be hidden behind a node with few public channels: then we are the introduction node ourselves.
for (const announce of [true, false]) {
  const what = announce ? "from us to us" : "over LDK";
  test(`LDK pays by the path that we make ${what}`, { timeout: 60_000 }, async (t) => {
    const line = await startLine(t, { middle: "alice", announce, format: "anchors-zero-fee-htlc" });
    const { us, alice, bob } = line;
    const pay = async (): Promise<string> => {
      const { paymentHash, paths } = us.act((manager) => {
        const asked = manager.createInboundPayment({ amount });
        const { paymentSecret } = asked;
        return { ...asked, paths: manager.createBlindedPaymentPaths({ paymentSecret, amount }) };
      });
      const facts = paths.map(pathFact);
      assert.deepEqual(
        facts.map(({ introductionNode }) => introductionNode),
        [announce ? us.nodeId : alice.nodeId],
      );
      await bob.cmd("payBlinded", { paymentHash, amountMsat: amount, paths: facts });
      return paymentHash;
    };
    const first = await pay();
    await bob.waitFor("payment-sent", ({ paymentHash }) => paymentHash === first);
    assertPaid((await us.waitFor("payment-claimed")).amount);
    us.answer = "refuse";
    const second = await pay();
    await assertHidden(bob, second);
    for (const ldk of [alice, bob]) await settled({ us, ldk });
  });
}

test("LDK pays our own path without others in it, in parts", { timeout: 60_000 }, async (t) => {
  const pair = await startOurPair(t);
  const { us, ldk } = pair;
  for (const format of bothFormats) await openChannel(pair, { opener: "ldk", format, sats: 300_000n });
  const total = msat(450_000_000n);
  const { paymentHash, paymentSecret } = us.act((manager) => manager.createInboundPayment({ amount: total }));
  const made = createBlindedPaymentPath({
    forwardNodes: [],
    payee: us.nodeId,
    receiveAuthKey: us.keys.receiveAuthKey(),
    pathId: encodePaymentPathId({ paymentSecret }),
    maxCltvExpiry: blockHeight(us.manager.bestBlock.height + 2_000),
    minFinalCltvExpiryDelta: 45,
    htlcMinimum: msat(1n),
    htlcMaximum: total,
    dummyHops: 0,
    sessionKey: new Uint8Array(32).fill(0x22),
  });
  assert.ok(made.ok);
  await ldk.cmd("payBlinded", {
    paymentHash,
    amountMsat: total,
    paths: [pathFact(made.value)],
    inParts: true,
  });
  await ldk.waitFor("payment-sent");
  const { amount: paid, htlcs = [] } = await us.waitFor("payment-claimed");
  assert.deepEqual([paid, htlcs.length], [total, 2]);
  await settled(pair);
});
