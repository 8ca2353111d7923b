// timeout: 120 s
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { parseInvoice } from "@fulmen/lightning/invoice";
import { msat, sat } from "@fulmen/lightning/util";
import { OurNode } from "#src/index";
import { type OurPair, openChannel, settled, startOurPair } from "./ourPair.ts";

installNodeCrypto();

/** A node of ours and LDK on both sides of us, with two private channels to each: one names only one of them. */
interface Trio extends OurPair {
  readonly dave: OurNode;
}

const terms = { sats: 300_000n, pushMsat: 150_000_000n } as const;
/** What we ask for. */
const fee = 1_000n;

async function startTrio(t: TestContext): Promise<Trio> {
  const pair = await startOurPair(t, { us: { config: { acceptForwardsToPrivChannels: true } } });
  const { us, ldk, chain } = pair;
  const dave = await OurNode.start({ name: "dave", seedByte: 11, chain });
  t.after(() => dave.stop());
  await dave.connect(await us.listen(), us.nodeId);
  for (const format of ["anchors-zero-fee-htlc", "static-remotekey"] as const) {
    await openChannel({ us, ldk, chain }, { ...terms, opener: "us", format });
    const open = us.manager.listUsableChannels().length;
    const marks = [us, dave].map((node) => [node, node.eventCount] as const);
    dave.act((manager) =>
      manager.createChannel({
        counterparty: us.nodeId,
        ...{ funding: sat(terms.sats), push: msat(terms.pushMsat), formats: [format] },
      }),
    );
    for (const [node, since] of marks) await node.waitFor("channel-pending", () => true, since);
    await chain.mine(6);
    await us.until("usable channels", () => us.manager.listUsableChannels().length === open + 1);
    await dave.until("usable channels", () => dave.manager.listUsableChannels().length * 2 === open + 1);
  }
  return { ...pair, dave };
}

/** The node that the invoice's only hint goes over. */
function hinted(invoice: string): string | undefined {
  const parsed = parseInvoice(invoice);
  assert.ok(parsed.ok);
  assert.equal(parsed.value.routeHints.length, 1);
  return parsed.value.routeHints[0]?.[0]?.nodeId;
}

function balance(node: OurNode): bigint {
  return node.manager.listChannels().reduce((sum, { localBalance }) => sum + localBalance, 0n);
}

test("invoices that name a channel of ours are paid, in parts over those beside it if need be", {
  timeout: 90_000,
}, async (t) => {
  const trio = await startTrio(t);
  const { us, ldk, dave } = trio;
  const before = [balance(us), balance(dave)] as const;
  let fees = 0n;
  let daves = 0n;
  for (const amount of [20_000_123n, 220_000_321n]) {
    const { invoice, paymentHash } = await ldk.cmd("invoice", { amountMsat: amount });
    assert.equal(hinted(invoice), us.nodeId);
    dave.act((manager) => manager.payForBolt11Invoice(invoice));
    const { feePaid } = await dave.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
    const claimed = await ldk.waitFor("payment-claimed", (event) => event.paymentHash === paymentHash);
    assert.deepEqual([claimed.amountMsat, feePaid], [amount, BigInt(claimed.parts) * fee]);
    assert.equal(claimed.parts > 1, amount > 150_000_000n);
    fees += feePaid;
    daves -= amount + feePaid;
    await settled(trio);

    const own = dave.act((manager) => manager.createBolt11Invoice({ amount: msat(amount), description: "" }));
    assert.equal(hinted(own.invoice), us.nodeId);
    await ldk.cmd("pay", { invoice: own.invoice });
    const { feeMsat = 0n } = await ldk.waitFor(
      "payment-sent",
      (event) => event.paymentHash === own.paymentHash,
    );
    const { amount: paid, htlcs = [] } = await dave.waitFor(
      "payment-claimed",
      (event) => event.paymentHash === own.paymentHash,
    );
    assert.deepEqual([paid, feeMsat], [amount, BigInt(htlcs.length) * fee]);
    fees += feeMsat;
    daves += amount;
    await settled(trio);
  }
  await dave.until("end of all HTLCs", () =>
    dave.manager.listChannels().every(({ pendingHtlcs }) => pendingHtlcs === 0),
  );
  assert.deepEqual([balance(us) - before[0], balance(dave) - before[1]], [fees, daves]);
});
