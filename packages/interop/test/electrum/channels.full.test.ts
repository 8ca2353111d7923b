// needs: electrum
// timeout: 600 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { equalBytes } from "@fulmen/bitcoin/primitives";
import { weight } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import type { Bytes32 } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist";
import { channelOf } from "../ourPair.ts";
import {
  Balance,
  bothParties,
  bothUsable,
  comeBack,
  type ElectrumPair,
  openChannel,
  type Party,
  startElectrumPair,
  startPayment,
} from "./electrumPair.ts";

installNodeCrypto();

/** Electrum's invoices are for whole satoshis; the smallest of these are dust at either feerate. */
const amounts: Readonly<Record<Party, readonly bigint[]>> = {
  us: [50_000_000n, 1_000n, 300_000n, 40_000_000n],
  electrum: [45_000_001n, 1_001n, 299_999n, 38_000_123n],
};

for (const opener of bothParties) {
  for (const closer of bothParties) {
    test(`opened by ${opener}, closed by ${closer}: every satoshi comes out`, {
      timeout: 100_000,
    }, async (t) => {
      const pair = await startElectrumPair(t);
      const channel = await openChannel(pair, opener);
      const balance = new Balance(pair, channel);
      await balance.check();
      for (const index of [0, 1, 2, 3]) {
        for (const payer of bothParties) await balance.pay(payer, amounts[payer][index] ?? 0n);
        await balance.check();
      }
      const fee = await closeAndCheck(pair, channel, closer);
      const outputs = closingOutputs(pair, channel);
      const [ours, theirs] = [balance.ours / 1_000n, balance.theirs / 1_000n];
      // What is left of both balances below a satoshi makes one more, which goes to the fee.
      assert.equal(outputs.ours, opener === "us" ? ours - fee + 1n : ours);
      assert.equal(outputs.theirs, opener === "electrum" ? theirs - fee + 1n : theirs);
    });
  }
}

test("a payment that is refused comes back", { timeout: 60_000 }, async (t) => {
  const pair = await startElectrumPair(t, { us: { answer: "refuse" } });
  const balance = new Balance(pair, await openChannel(pair, "us"));
  const { success } = await startPayment(pair, "electrum", 20_000_000n);
  assert.equal(await success, false);
  await balance.check();
  const { invoice, paymentHash } = await pair.electrum.invoice(20_000n);
  pair.us.act((manager) => manager.payForBolt11Invoice(invoice));
  await pair.us.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
  balance.moved("us", 20_000_000n);
  await balance.check();
});

test("both die with payments under way, and come back", { timeout: 100_000 }, async (t) => {
  const store = new MemoryStore();
  const first = await startElectrumPair(t, { us: { store, answer: "hold" }, expectsComplaints: true });
  const { electrum } = first;
  const { channelId } = await openChannel(first, "us");
  await electrum.command("enable_htlc_settle", { b: false });
  const theirs = await startPayment(first, "electrum", 30_000_000n);
  // Who asked is told nothing any more by an Electrum that dies.
  void theirs.success.catch(() => {});
  const ours = await startPayment(first, "us", 60_000_000n);
  const { purpose } = await first.us.waitFor("payment-claimable");
  await first.us.until("both HTLCs", () => channelOf(first.us, channelId).pendingHtlcs === 2);
  await electrum.restart();
  const pair = await comeBack(t, first, { store, answer: "hold" });
  const { us } = pair;
  await us.connect(electrum.port, electrum.nodeId);
  await us.waitFor("payment-sent", (event) => event.paymentHash === ours.paymentHash);
  us.act((manager) => manager.claimFunds(purpose.paymentPreimage as Bytes32));
  await us.waitFor("payment-claimed");
  await bothUsable(pair, channelId);
  const balance = new Balance(pair, channelOf(us, channelId));
  balance.moved("us", 60_000_000n);
  balance.moved("electrum", 30_000_000n);
  await balance.check();
});

/** Closes, confirms, and checks what both sides tell; gives the closing transaction's fee. */
async function closeAndCheck(pair: ElectrumPair, channel: ChannelDetails, closer: Party): Promise<bigint> {
  const { us, electrum, chain } = pair;
  const { channelId, funding } = channel;
  if (closer === "us") us.act((manager) => manager.closeChannel(channelId));
  else await electrum.command("close_channel", { channel_point: `${funding.txid}:${funding.index}` });
  const closed = await us.waitFor("channel-closed", (event) => event.channelId === channelId);
  const how = closer === "us" ? "locally-initiated" : "counterparty-initiated";
  assert.equal(closed.reason.kind, `${how}-cooperative-closure`);
  await electrum.until("closing", async () => (await electrum.channel(funding)).state === "CLOSING");
  await chain.mine(6);
  await electrum.synced();
  await electrum.until("closed channel", async () => (await electrum.channel(funding)).state === "CLOSED");
  const { id, transaction } = closingTransaction(pair, channel);
  assert.equal(chain.chain.confirmations(id), 6);
  const fee = chain.chain.feeOf(id);
  assert.ok(fee !== undefined && fee >= (253n * BigInt(weight(transaction))) / 1_000n);
  return fee;
}

function closingTransaction({ chain }: ElectrumPair, { funding }: ChannelDetails) {
  const found = chain.chain.outputSpentBy(funding);
  assert.ok(found?.block, "the funding output is spent");
  const index = found.block.block.transactions.indexOf(found.transaction);
  const id = found.block.txids[index];
  assert.ok(id !== undefined);
  return { id, transaction: found.transaction };
}

function closingOutputs(pair: ElectrumPair, channel: ChannelDetails): { ours: bigint; theirs: bigint } {
  const ourScript = pair.us.keys.shutdownScript();
  const sums = { ours: 0n, theirs: 0n };
  for (const { value, script } of closingTransaction(pair, channel).transaction.outputs) {
    sums[equalBytes(script, ourScript) ? "ours" : "theirs"] += value;
  }
  return sums;
}
