import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { createPhantomInvoice } from "@fulmen/lightning/manager";
import { PhantomKeysManager } from "@fulmen/lightning/sign";
import { msat, type PaymentHash, type UnixSeconds } from "@fulmen/lightning/util";
import { startOurPair } from "./ourPair.ts";
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
