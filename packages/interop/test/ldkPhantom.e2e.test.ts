import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { createPhantomInvoice } from "@fulmen/lightning/manager";
import { PhantomKeysManager } from "@fulmen/lightning/sign";
import { msat, type PaymentHash, type UnixSeconds } from "@fulmen/lightning/util";
import { OurNode } from "#src/index";
import { openChannel, startOurPair } from "./ourPair.ts";
import { openPurse } from "./purse.ts";

installNodeCrypto();

const crossNodeSeed = new Uint8Array(32).fill(77);

test("LDK pays a phantom behind us, and learns that the phantom refuses", { timeout: 60_000 }, async (t) => {
  const pair = await startOurPair(t, { us: { crossNodeSeed } });
  const { us, ldk } = pair;
  const purse = await openPurse(pair, "ldk", "anchors-zero-fee-htlc");
  const shop = new PhantomKeysManager(new Uint8Array(32).fill(78), crossNodeSeed);
  const invoice = (fill: number) =>
    createPhantomInvoice(
      {
        amount: msat(7_000_000n),
        description: "a shop",
        routeHints: [us.act((manager) => manager.phantomRouteHints())],
      },
      {
        nodeSigner: shop,
        entropy: { randomBytes: (length) => new Uint8Array(length).fill(fill) },
        network: "regtest",
        now: Math.floor(Date.now() / 1_000) as UnixSeconds,
      },
    );

  const first = invoice(1);
  await ldk.cmd("pay", { invoice: first.invoice });
  const claimed = await us.waitFor("payment-claimed", ({ paymentHash }) => paymentHash === first.paymentHash);
  assert.equal(claimed.receiverNodeId, shop.phantom.nodeId);
  await ldk.waitFor("payment-sent", ({ paymentHash }) => paymentHash === first.paymentHash);
  purse.moved("ldk", 7_000_000n);
  await purse.check();

  us.answer = "hold";
  const second = invoice(2);
  await ldk.cmd("pay", { invoice: second.invoice });
  await us.waitFor("payment-claimable", ({ paymentHash }) => paymentHash === second.paymentHash);
  assert.ok(us.act((manager) => manager.failHtlcBackwards(second.paymentHash as PaymentHash)));
  assert.equal((await ldk.waitFor("payment-path-failed")).permanently, true);
  assert.equal((await ldk.waitFor("payment-failed")).reason, "RecipientRejected");
  await purse.check();
});

test("LDK pays the one phantom of two nodes, by the node that is there", { timeout: 60_000 }, async (t) => {
  const pair = await startOurPair(t, { us: { crossNodeSeed } });
  const { us, ldk, ldkPort, chain } = pair;
  const dave = await OurNode.start({ name: "dave", seedByte: 11, chain, crossNodeSeed });
  t.after(() => dave.stop());
  await dave.connect(ldkPort, ldk.nodeId);
  const nodes = [us, dave];
  for (const node of nodes) {
    const format = "anchors-zero-fee-htlc";
    await openChannel({ us: node, ldk, chain }, { opener: "ldk", format, sats: 1_000_000n });
  }
  const pay = async (fill: number): Promise<OurNode> => {
    const { invoice, paymentHash } = createPhantomInvoice(
      {
        amount: msat(7_000_000n),
        description: "a shop",
        routeHints: nodes.map((node) => node.act((manager) => manager.phantomRouteHints())),
      },
      {
        nodeSigner: us.keys,
        entropy: { randomBytes: (length) => new Uint8Array(length).fill(fill) },
        network: "regtest",
        now: Math.floor(Date.now() / 1_000) as UnixSeconds,
      },
    );
    await ldk.cmd("pay", { invoice });
    await ldk.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
    const isPaid = ({ events }: OurNode): boolean =>
      events.some((event) => event.kind === "payment-claimed" && event.paymentHash === paymentHash);
    const paid = await us.until("payment", () => nodes.find(isPaid));
    assert.equal(nodes.filter(isPaid).length, 1);
    return paid;
  };
  const first = await pay(3);
  await ldk.cmd("disconnect", { nodeId: first.nodeId });
  const second = await pay(4);
  assert.notEqual(second.nodeId, first.nodeId);
});
