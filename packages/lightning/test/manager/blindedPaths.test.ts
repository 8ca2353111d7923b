import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat } from "#src/util/units";
import { BlindedLine } from "./blindedLine.ts";

const amount = msat(20_000_123n);

describe("createBlindedPaymentPaths", () => {
  it("makes paths over the only peer of a node that nobody knows, and is paid by them", () => {
    const line = new BlindedLine();
    const { dave, carol, bob, bc } = line;
    const { paymentHash, paymentSecret } = dave.manager.createInboundPayment({ amount });
    const paths = dave.manager.createBlindedPaymentPaths({ paymentSecret, amount });
    assert.equal(paths.length, 1);
    const [path] = paths;
    assert.ok(path);
    assert.deepEqual(path.introductionNode, { kind: "node-id", nodeId: carol.nodeId });
    assert.equal(path.blindedHops.length, 1 + 1 + 3);
    const { relay } = line.forwardNode(carol, line.cd);
    assert.deepEqual(
      [path.payinfo.feeBase, path.payinfo.feeProportionalMillionths],
      [relay.feeBase, relay.feeProportionalMillionths],
    );
    line.pay(path, { paymentHash, amount }, { from: bob, by: bc });
    line.settle();
    const [claimable] = dave.eventsOf("payment-claimable");
    assert.equal(claimable?.paymentHash, paymentHash);
    assert.equal(claimable.amount, amount);
  });

  it("says so when there is none: no peer, no room, nobody to hide behind", () => {
    const line = new BlindedLine();
    const { carol, dave, net } = line;
    const { paymentSecret } = dave.manager.createInboundPayment();
    const refused = (options: { readonly amount?: typeof amount } = {}) =>
      assert.throws(() => dave.manager.createBlindedPaymentPaths({ paymentSecret, ...options }), {
        code: "no-blinded-path",
      });
    refused({ amount: msat(2_000_000_000n) });
    // Carol has two peers, and cannot be found by payers.
    const ofCarol = carol.manager.createInboundPayment();
    assert.throws(() => carol.manager.createBlindedPaymentPaths(ofCarol), { code: "no-blinded-path" });
    net.disconnect(carol, dave);
    refused();
  });
});
