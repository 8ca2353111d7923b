// timeout: 240 s
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromHex, type OutPoint, outPointKey, type Sat } from "@fulmen/bitcoin/primitives";
import { txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { FormatName } from "@fulmen/lightning/commitment";
import { type LdkPeer, OurNode, type SharedChain } from "#src/index";
import { type Line, startLine } from "./line.ts";
import { closingFeeOf } from "./onChainEndings.ts";
import { ledgerOf } from "./onChainLedger.ts";
import { bothFormats } from "./ourPair.ts";
import { isLate } from "./refusals.ts";

installNodeCrypto();

const amount = 20_000_000n;
const ourFee = 1_000n;
const sweepScript = `0014${"22".repeat(20)}`;

/** A payment of alice's that we have passed on and that bob holds. */
interface PassedOn {
  readonly line: Line;
  /** Of the channel between us and bob. */
  readonly funding: OutPoint;
  readonly paymentHash: string;
  readonly preimage: string;
}

async function passedOn(t: TestContext, format: FormatName): Promise<PassedOn> {
  const [other] = bothFormats.filter((one) => one !== format);
  assert.ok(other);
  const line = await startLine(t, { middle: "us", announce: true, format: other });
  const { us, alice, bob, chain } = line;
  for (const script of [us.wallet.script, fromHex((await bob.cmd("info")).walletScript)]) {
    chain.broadcaster.broadcastTransactions([chain.fund({ value: 50_000n as Sat, script })], "funding");
    await chain.mine();
  }
  await bob.cmd("behave", { claim: "manual" });
  const { invoice, paymentHash } = await bob.cmd("invoice", { amountMsat: amount });
  await alice.cmd("pay", { invoice });
  const { preimage } = await bob.waitFor("payment-claimable");
  assert.ok(preimage);
  const channel = us.manager.listChannels().find(({ counterparty }) => counterparty === bob.nodeId);
  assert.ok(channel);
  assert.equal(channel.format, format);
  const { funding } = channel;
  chain.expectsRefusal = ({ transaction, refusal }, by) =>
    isLate(refusal) &&
    (by === "ldk" || transaction.inputs.some((one) => outPointKey(one.outPoint) === outPointKey(funding)));
  return { line, funding, paymentHash, preimage };
}

/** Our node from its store, connected to alice. */
async function startAgain(t: TestContext, { us, alice, chain }: Line): Promise<OurNode> {
  const again = await OurNode.start({ name: "us again", seedByte: 9, chain, store: us.store });
  t.after(() => again.discard());
  await again.connect((await alice.cmd("listen")).port, alice.nodeId);
  return again;
}

/** What we and bob had of the commitment, and the fee of what spent the funding. */
async function shares(
  us: OurNode,
  { line, funding }: PassedOn,
): Promise<{ ours: bigint; bobs: bigint; fee: bigint }> {
  const { bob, chain } = line;
  await bob.cmd("sweep", { script: sweepScript });
  for (let i = 0; i < 3; i++) await mine(chain, bob);
  const scripts = {
    us: [us.wallet.script],
    ldk: [fromHex(sweepScript), fromHex((await bob.cmd("info")).walletScript)],
  };
  const ledger = ledgerOf(chain.chain, funding, scripts);
  const of = (side: "us" | "ldk"): bigint =>
    ledger.outputs.filter(({ owner }) => owner === side).reduce((sum, { value }) => sum + value, 0n);
  assert.equal(ledger.us.received, of("us") - ledger.us.fees);
  assert.equal(ledger.ldk.received, of("ldk") - ledger.ldk.fees);
  return { ours: of("us"), bobs: of("ldk"), fee: ledger.closingFee };
}

/** A block, and what all nodes do about it. */
async function mine(chain: SharedChain, ldk: LdkPeer): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  await ldk.cmd("peers");
  await chain.mine();
}

function balanceWith(us: OurNode, { alice }: Line): bigint | undefined {
  return us.manager.listUsableChannels().find(({ counterparty }) => counterparty === alice.nodeId)
    ?.localBalance;
}

for (const format of bothFormats) {
  const anchors = format === "static-remotekey" ? 0n : 660n;
  const closingFee = closingFeeOf(format, 1);

  test(`${format}: what LDK claims on chain while we are down, we claim upstream`, {
    timeout: 60_000,
  }, async (t) => {
    const passed = await passedOn(t, format);
    const { line, paymentHash, preimage } = passed;
    const { alice, bob, chain } = line;
    await line.us.discard();
    const [channel] = await bob.cmd("channels");
    assert.ok(channel);
    await bob.cmd("forceClose", { channelId: channel.channelId });
    await mine(chain, bob);
    await bob.cmd("claim", { preimage });
    await mine(chain, bob);
    const us = await startAgain(t, line);
    const sent = await alice.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
    assert.equal(sent.preimage, preimage);
    const forwarded = await us.waitFor("payment-forwarded");
    assert.equal(forwarded.claimFromOnchainTx, true);
    assert.equal(forwarded.totalFeeEarned, ourFee);
    await mine(chain, bob);
    await chain.mine(150);
    assert.equal(balanceWith(us, line), 500_000_000n + amount + ourFee, "the channel with alice lives on");
    assert.deepEqual(await shares(us, passed), {
      ours: 500_000n - 20_000n,
      bobs: 500_000n + 20_000n - closingFee - anchors,
      fee: closingFee,
    });
  });

  test(`${format}: what LDK does not claim, we take back on chain and fail upstream`, {
    timeout: 60_000,
  }, async (t) => {
    const passed = await passedOn(t, format);
    const { line, funding, paymentHash } = passed;
    const { us, alice, bob, chain } = line;
    await bob.cmd("disconnect", {});
    const failed = (): boolean => alice.events.some((event) => event.type === "payment-failed");
    for (let i = 0; i < 700 && !failed(); i++) await mine(chain, bob);
    await alice.waitFor("payment-failed", (event) => event.paymentHash === paymentHash);
    const closing = chain.chain.outputSpentBy(funding);
    assert.ok(closing?.block, "the deadline made us close");
    const index = closing.transaction.outputs.findIndex(({ value }) => value === 20_000n);
    const taken = chain.chain.outputSpentBy({ txid: txid(closing.transaction), index });
    assert.ok(taken?.block);
    assert.equal(taken.block.height, closing.block.height + 1);
    assert.ok(chain.height >= taken.block.height + 5, "failed when it is final, no earlier");
    await mine(chain, bob);
    await chain.mine(150);
    assert.equal(balanceWith(us, line), 500_000_000n, "the channel with alice lives on");
    assert.deepEqual(await shares(us, passed), {
      ours: 500_000n,
      bobs: 500_000n - closingFee - anchors,
      fee: closingFee,
    });
  });
}
