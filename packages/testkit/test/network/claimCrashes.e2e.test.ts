// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type Bytes32, msat, type PaymentId, paymentHashOf, sat } from "@fulmen/lightning/util";
import { CrashPlan, describeCrashPoint, TestNetwork } from "@fulmen/testkit";

// A payment of two parts over two channels waits for its payee's user, who claims it; and the payee dies at every place
// that there is from then on. Either the claim has never been, or all of it happens, and it is told as one.

before(() => {
  installNodeCrypto();
});

const preimage = new Uint8Array(32).fill(21) as Bytes32;
/** More than one of the channels may carry. */
const amount = msat(400_000_000);

/**
 * Gives the points that the payee passed from the claim on. `closes`: one of the channels ends while the payment waits.
 */
function run(
  death: number | undefined,
  options: { readonly hasLateWatch?: boolean; readonly closes?: boolean },
) {
  const { hasLateWatch = false, closes = false } = options;
  const network = new TestNetwork();
  const a = network.addNode();
  const d = network.addNode({ hasLateWatch });
  network.connect(a, d);
  const channels = [1, 2].map(() => network.openChannel(a, d, { funding: sat(1_000_000) }));
  const balanceOf = () => d.manager.listChannels().reduce((sum, one) => sum + one.localBalance, 0n);
  const start = balanceOf();
  network.claims(d, "hold");
  const paymentHash = paymentHashOf(crypto().sha256(preimage));
  const { invoice } = d.manager.createBolt11Invoice({ amount, description: "held", paymentHash });
  a.manager.payForBolt11Invoice(invoice, { paymentId: paymentHash as string as PaymentId });
  network.settle();
  assert.equal(d.manager.listClaimablePayments()[0]?.amount, amount);
  const [closed = assert.fail()] = channels;
  if (closes) {
    d.manager.forceCloseBroadcastingLatestTxn(closed, "closed while a part waited");
    network.settle();
  }
  const plan = new CrashPlan(d, death === undefined ? [] : [death]);
  const claim = (): void => {
    // What died before it was stored was never begun, and the user claims again.
    if (d.manager.listClaimablePayments().length > 0) assert.ok(d.manager.claimFunds(preimage));
    network.settle();
  };
  try {
    claim();
    claim();
    const { passed, died } = plan;
    d.onCrashPoint = () => {};
    network.crash(d);
    network.crash(a);
    network.settle();
    assert.equal(d.manager.claimFunds(preimage), false);
    assert.deepEqual(d.manager.listClaimablePayments(), []);
    const claimed = d.eventList.filter(({ kind }) => kind === "payment-claimed");
    assert.equal(claimed.length, 1);
    assert.ok(claimed[0]?.kind === "payment-claimed" && claimed[0].htlcs?.length === 2);
    assert.equal(a.eventList.filter(({ kind }) => kind === "payment-sent").length, 1);
    if (closes) {
      const known = d.chainMonitor.monitor(closed)?.preimages.find((one) => one.paymentHash === paymentHash);
      assert.equal(known?.parts.length, 2);
    } else {
      assert.equal(balanceOf() - start, amount);
      assert.ok(
        d.manager.listChannels().every(({ pendingHtlcs, isUsable }) => pendingHtlcs === 0 && isUsable),
      );
    }
    assert.deepEqual(d.keys.memory.violations, []);
    return { passed: passed.length, died: died.length };
  } catch (error) {
    const where = plan.died.map(describeCrashPoint).join(", ") || "nobody died";
    throw new Error(`${where} (${death}): ${error instanceof Error ? error.message : String(error)}`);
  }
}

describe("a claim of two parts", () => {
  for (const [name, options] of [
    ["whose monitors are in the same store", {}],
    ["whose monitors are elsewhere, and late", { hasLateWatch: true }],
    ["one of which is on a channel that was closed", { closes: true }],
  ] as const) {
    it(`ends well wherever the payee dies, ${name}`, (context) => {
      const { passed } = run(undefined, options);
      assert.ok(passed >= 6, `${passed} points`);
      for (let point = 0; point < passed; point++) assert.equal(run(point, options).died, 1);
      context.diagnostic(`${passed} points`);
    });
  }
});
