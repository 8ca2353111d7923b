import assert from "node:assert/strict";
import { test } from "node:test";
import { equalBytes, type Txid } from "@fulmen/bitcoin/primitives";
import { weight } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import {
  bothFormats,
  bothSides,
  checkBalances,
  type OurPair,
  openChannel,
  paid,
  type Side,
  settled,
  startOurPair,
  startPayment,
} from "./ourPair.ts";

installNodeCrypto();

const capacity = 1_000_000n;

for (const format of bothFormats) {
  for (const opener of bothSides) {
    for (const closer of bothSides) {
      const title = `${format}, opened by ${opener}, closed by ${closer}: every satoshi comes out`;
      test(title, { timeout: 60_000 }, async (t) => {
        const pair = await startOurPair(t);
        const pushMsat = 200_000_500n;
        const channel = await openChannel(pair, { opener, format, sats: capacity, pushMsat });
        const { channelId } = channel;
        const opened = { opener: capacity * 1_000n - pushMsat, other: pushMsat };
        let ours = opener === "us" ? opened.opener : opened.other;
        let theirs = capacity * 1_000n - ours;
        await checkBalances(pair, channelId, { ours, theirs });

        for (const [payer, amount] of [
          ["us", 50_000_001n],
          ["ldk", 30_000_777n],
        ] as const) {
          await paid(pair, payer, await startPayment(pair, payer, amount));
          ours += payer === "us" ? -amount : amount;
          theirs -= payer === "us" ? -amount : amount;
        }
        await settled(pair);
        await checkBalances(pair, channelId, { ours, theirs });

        // What is left of both balances below a satoshi makes one more, which goes to the fee.
        const fee = (await closeAndCheck(pair, channel, closer)) - 1n;
        const funder = opener === "us" ? { us: fee, ldk: 0n } : { us: 0n, ldk: fee };
        const outputs = outputsOnChain(pair, channel);
        assert.equal(outputs.ours, ours / 1_000n - funder.us);
        assert.equal(outputs.theirs, theirs / 1_000n - funder.ldk);
        await checkTheirCoin(pair, outputs.theirs);
      });
    }
  }
}

for (const opener of bothSides) {
  test(`a channel that ${opener} alone has money in closes with one output`, {
    timeout: 60_000,
  }, async (t) => {
    const pair = await startOurPair(t);
    const channel = await openChannel(pair, { opener, format: "anchors-zero-fee-htlc", sats: capacity });
    const fee = await closeAndCheck(pair, channel, "us");
    const { ours, theirs } = outputsOnChain(pair, channel);
    assert.deepEqual([ours, theirs], opener === "us" ? [capacity - fee, 0n] : [0n, capacity - fee]);
  });
}

/** Closes, confirms, and checks what both sides tell; gives the closing transaction's fee. */
async function closeAndCheck(pair: OurPair, channel: ChannelDetails, closer: Side): Promise<bigint> {
  const { us, ldk, chain } = pair;
  const { channelId } = channel;
  if (closer === "us") us.act((manager) => manager.closeChannel(channelId));
  else await ldk.cmd("close", { channelId });
  const closed = await us.waitFor("channel-closed", (event) => event.channelId === channelId);
  const theirs = await ldk.waitFor("channel-closed", (event) => event.channelId === channelId);
  const [local, remote] =
    closer === "us"
      ? (["locally-initiated", "CounterpartyInitiated"] as const)
      : (["counterparty-initiated", "LocallyInitiated"] as const);
  assert.equal(closed.reason.kind, `${local}-cooperative-closure`);
  assert.equal(theirs.reason, `${remote}CooperativeClosure`);

  const since = ldk.eventCount;
  await chain.mine(6);
  const spend = closingTransaction(pair, channel);
  assert.equal(chain.chain.confirmations(spend.id), 6);
  assert.equal(us.manager.listUsableChannels().length, 0);
  assert.deepEqual(await ldk.cmd("channels"), []);
  const published = ldk.events.slice(since).filter((event) => event.type === "broadcast");
  assert.deepEqual(published, [], "LDK is content with what confirmed");
  const fee = chain.chain.feeOf(spend.id);
  assert.ok(fee !== undefined);
  const lowest = (253n * BigInt(weight(spend.transaction))) / 1_000n;
  // The opener offers up to 1,000 sat more rather than see the close fail, and who does not pay takes the most; both
  // reckon with two outputs.
  assert.ok(fee >= lowest && fee <= lowest + 1_040n, `a fee of ${fee} sat, ${lowest} sat at least`);
  return fee;
}

function closingTransaction({ chain }: OurPair, { funding }: ChannelDetails) {
  const found = chain.chain.outputSpentBy(funding);
  assert.ok(found?.block, "the funding output is spent");
  const index = found.block.block.transactions.indexOf(found.transaction);
  return { id: found.block.txids[index] as Txid, transaction: found.transaction };
}

function outputsOnChain(pair: OurPair, channel: ChannelDetails): { ours: bigint; theirs: bigint } {
  const ourScript = pair.us.keys.shutdownScript();
  const sums = { ours: 0n, theirs: 0n };
  for (const { value, script } of closingTransaction(pair, channel).transaction.outputs) {
    sums[equalBytes(script, ourScript) ? "ours" : "theirs"] += value;
  }
  return sums;
}

/** LDK can spend what it got. */
async function checkTheirCoin({ ldk, chain }: OurPair, value: bigint): Promise<void> {
  await ldk.waitFor("spendable-outputs");
  const since = ldk.eventCount;
  const script = `0014${"22".repeat(20)}`;
  await ldk.cmd("sweep", { script });
  const { txid } = await ldk.waitFor("broadcast", () => true, { since });
  await chain.mine();
  const sweep = chain.chain.transaction(txid as Txid);
  const fee = chain.chain.feeOf(txid as Txid);
  assert.ok(sweep?.block && fee !== undefined);
  assert.equal(sweep.transaction.outputs[0]?.value, value - fee);
}
