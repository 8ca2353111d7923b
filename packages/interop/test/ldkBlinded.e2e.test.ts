// timeout: 120 s
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import {
  aggregatePayInfo,
  type BlindedPaymentPath,
  createBlindedPaymentPath,
  encodePaymentPathId,
  type PaymentForwardNode,
} from "@fulmen/lightning/onion";
import { paymentParameters } from "@fulmen/lightning/routing";
import {
  type BlockHeight,
  msat,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  present,
  type ShortChannelId,
} from "@fulmen/lightning/util";
import { OurNode, testConfig } from "#src/index";
import { forwardNode, pathOf } from "./hiddenPaths.ts";
import { forwarding, type Line, startLine } from "./line.ts";
import { openChannel, settled } from "./ourPair.ts";

installNodeCrypto();

const amount = msat(20_000_123n);

/** We, two of LDK's, and a second node of ours behind them, which hides. */
interface HiddenLine extends Line {
  readonly dave: OurNode;
}

async function startHidden(t: TestContext, options: { readonly announce: boolean }): Promise<HiddenLine> {
  const line = await startLine(t, { middle: "alice", format: "anchors-zero-fee-htlc", ...options });
  const { bob, chain } = line;
  const dave = await OurNode.start({ name: "dave", seedByte: 11, chain });
  t.after(() => dave.stop());
  await dave.connect((await bob.cmd("listen")).port, bob.nodeId);
  const terms = { sats: 1_000_000n, pushMsat: 500_000_000n, ...options };
  await openChannel(
    { us: dave, ldk: bob, chain },
    { ...terms, format: "anchors-zero-fee-htlc", opener: "us" },
  );
  return { ...line, dave };
}

/** Over both of LDK's to our second node, and a hash to pay. */
async function pathTo({ alice, bob, dave, us }: HiddenLine) {
  const { paymentHash, paymentSecret } = dave.act((manager) => manager.createInboundPayment({ amount }));
  const made = createBlindedPaymentPath({
    forwardNodes: [await forwardNode(alice, bob.nodeId), await forwardNode(bob, dave.nodeId)],
    payee: dave.nodeId,
    receiveAuthKey: dave.keys.receiveAuthKey(),
    pathId: encodePaymentPathId({ paymentSecret }),
    maxCltvExpiry: (us.manager.bestBlock.height + 2_000) as BlockHeight,
    minFinalCltvExpiryDelta: 45,
    htlcMinimum: msat(1n),
    htlcMaximum: msat(400_000_000n),
    dummyHops: 3,
    sessionKey: new Uint8Array(32).fill(0x21),
  });
  assert.ok(made.ok);
  return { paymentHash, path: made.value };
}

function send(us: OurNode, paymentHash: PaymentHash, path: BlindedPaymentPath): void {
  us.act((manager) =>
    manager.sendPayment({
      paymentHash,
      paymentId: paymentHash as string as PaymentId,
      recipientOnion: {},
      routeParameters: {
        paymentParameters: paymentParameters({ kind: "blinded", paths: [path] }),
        finalValue: amount,
        maxFee: msat(1_000_000n),
      },
    }),
  );
}

/** The path that LDK's bob makes over alice, and from her over us. */
async function pathToBob({ us, alice, bob }: Line) {
  const ours = us.manager.listChannels();
  const channelTo = (nodeId: string) =>
    present(
      ours.find((one) => one.counterparty === nodeId),
      "a channel",
    );
  const { forwardingFeeBase, forwardingFeeProportionalMillionths, cltvExpiryDelta } =
    testConfig.channelConfig;
  const forwards = [
    {
      nodeId: alice.nodeId,
      shortChannelId: present(channelTo(alice.nodeId).shortChannelId, "a name"),
      ...forwarding,
    },
    {
      nodeId: us.nodeId,
      shortChannelId: present(channelTo(bob.nodeId).shortChannelId, "a name"),
      baseMsat: Number(forwardingFeeBase),
      proportionalMillionths: forwardingFeeProportionalMillionths,
      cltvExpiryDelta,
    },
  ];
  const made = await bob.cmd("blindedPath", {
    amountMsat: amount,
    forwards,
    maxCltvExpiry: us.manager.bestBlock.height + 2_000,
  });
  const path = pathOf(made);
  assertSameTerms(path, forwards);
  return { paymentHash: made.paymentHash as PaymentHash, path };
}

/** That LDK adds up what nodes ask for as we do. */
function assertSameTerms(
  { payinfo }: BlindedPaymentPath,
  forwards: readonly {
    readonly baseMsat: number;
    readonly proportionalMillionths: number;
    readonly cltvExpiryDelta: number;
  }[],
): void {
  const nodes = forwards.map(
    ({ baseMsat, proportionalMillionths, cltvExpiryDelta }): PaymentForwardNode => ({
      nodeId: "" as NodeId,
      shortChannelId: 0n as ShortChannelId,
      relay: { feeBase: msat(baseMsat), feeProportionalMillionths: proportionalMillionths, cltvExpiryDelta },
      htlcMinimum: msat(1n),
      htlcMaximum: payinfo.htlcMaximum,
    }),
  );
  const last = { htlcMinimum: msat(1n), htlcMaximum: payinfo.htlcMaximum, minFinalCltvExpiryDelta: 24 };
  const ours = aggregatePayInfo(nodes, last);
  assert.ok(ours.ok);
  const { feeBase, feeProportionalMillionths, cltvExpiryDelta } = ours.value;
  assert.deepEqual(
    [payinfo.feeBase, payinfo.feeProportionalMillionths, payinfo.cltvExpiryDelta],
    [feeBase, feeProportionalMillionths, cltvExpiryDelta],
  );
}

for (const claim of ["auto", "manual"] as const) {
  const what = claim === "auto" ? "is paid by us" : "refuses";
  test(`LDK ${what}, behind LDK and us, by a path of its own`, { timeout: 60_000 }, async (t) => {
    const line = await startLine(t, { middle: "us", announce: true, format: "anchors-zero-fee-htlc" });
    const { us, alice, bob } = line;
    await bob.cmd("behave", { claim });
    const { paymentHash, path } = await pathToBob(line);
    assert.equal(path.blindedHops.length, 3);
    send(us, paymentHash, path);
    if (claim === "auto") {
      await us.waitFor("payment-sent");
      const { amountMsat } = await bob.waitFor("payment-claimed");
      assert.ok(amountMsat >= amount && amountMsat <= amount + amount / 1_000_000n + 3n);
    } else {
      await bob.waitFor("payment-claimable");
      await bob.cmd("fail", { paymentHash });
      assert.equal((await us.waitFor("payment-path-failed")).failureName, "invalid_onion_blinding");
    }
    for (const ldk of [alice, bob]) await settled({ us, ldk });
    const forwarded = us.events.filter(({ kind }) => kind === "payment-forwarded");
    assert.equal(forwarded.length, claim === "auto" ? 1 : 0);
  });
}

for (const announce of [true, false]) {
  test(`LDK introduces and forwards (${announce ? "public" : "private"})`, { timeout: 60_000 }, async (t) => {
    const line = await startHidden(t, { announce });
    const { us, dave } = line;
    const { paymentHash, path } = await pathTo(line);
    send(us, paymentHash, path);
    const { feePaid } = await us.waitFor("payment-sent");
    const { payinfo } = path;
    assert.equal(
      feePaid,
      payinfo.feeBase + (amount * BigInt(payinfo.feeProportionalMillionths)) / 1_000_000n,
    );
    const claimed = await dave.waitFor("payment-claimed");
    // The millionths of both together are rounded up, in our favour.
    const excess = claimed.amount - amount;
    assert.ok(excess >= 0n && excess <= amount / 1_000_000n + 3n, `${excess} msat too many`);
    for (const ldk of [line.alice, line.bob]) await settled({ us, ldk });
  });
}

test("LDK hides what our node behind it refuses", { timeout: 60_000 }, async (t) => {
  const line = await startHidden(t, { announce: true });
  const { us, dave } = line;
  dave.answer = "refuse";
  const { paymentHash, path } = await pathTo(line);
  send(us, paymentHash, path);
  const failed = await us.waitFor("payment-path-failed");
  assert.equal(failed.failureName, "invalid_onion_blinding");
  await us.waitFor("payment-failed");
  for (const ldk of [line.alice, line.bob]) await settled({ us, ldk });
});

test("LDK hides that the last of its own cannot pass on", { timeout: 60_000 }, async (t) => {
  const line = await startHidden(t, { announce: true });
  const { us, dave, alice, bob } = line;
  const { paymentHash, path } = await pathTo(line);
  await dave.stop();
  await bob.until("channels", (channels) =>
    channels.every(({ counterparty, usable }) => counterparty !== dave.nodeId || !usable),
  );
  send(us, paymentHash, path);
  assert.equal((await us.waitFor("payment-path-failed")).failureName, "invalid_onion_blinding");
  await settled({ us, ldk: alice });
});
