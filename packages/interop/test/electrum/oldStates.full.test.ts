// needs: electrum
// timeout: 300 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { KVStore } from "@fulmen/lightning/chain";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { MemoryStore } from "@fulmen/persist";
import { ledgerOf } from "../onChainLedger.ts";
import { channelOf } from "../ourPair.ts";
import {
  Balance,
  capacity,
  comeBack,
  type ElectrumPair,
  ledger,
  mine,
  openChannel,
  startElectrumPair,
  startPayment,
} from "./electrumPair.ts";

installNodeCrypto();

/** Of a commitment of a channel that we have opened, with so many HTLCs. */
function commitmentFee(htlcs: bigint): bigint {
  return (253n * (724n + 172n * htlcs)) / 1_000n;
}

test("an old commitment of Electrum's with HTLCs is punished", { timeout: 100_000 }, async (t) => {
  const pair = await startElectrumPair(t, { us: { answer: "hold" }, expectsComplaints: true });
  const { us, electrum, chain } = pair;
  const { channelId, funding } = await openChannel(pair, "us");
  await electrum.command("enable_htlc_settle", { b: false });
  const theirs = await startPayment(pair, "electrum", 50_000_000n);
  void theirs.success.catch(() => {});
  const { paymentHash } = await us.waitFor("payment-claimable");
  await startPayment(pair, "us", 40_000_000n);
  await electrum.until("HTLC", async () => /will FULFILL HTLC/.test(electrum.log));
  const old = await electrum.backUp();
  us.act((manager) => manager.failHtlcBackwards(paymentHash));
  await electrum.command("enable_htlc_settle", { b: true });
  await us.waitFor("payment-sent");
  await us.until("end of all HTLCs", () => channelOf(us, channelId).pendingHtlcs === 0);

  await electrum.restart(old);
  const channel_point = `${funding.txid}:${funding.index}`;
  await electrum.command("close_channel", { channel_point, force: true });
  await us.until("commitment", () => chain.chain.outputSpentBy(funding));
  const scripts = await electrum.scripts();
  await electrum.kill();
  await chain.mine();
  assert.equal(spenderOf(pair, { channelId }), "revoked-commitment");
  // Electrum is gone: nobody hinders us.
  for (let i = 0; i < 8; i++) {
    await us.until("blocks", () => us.manager.bestBlock.height === chain.height);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await chain.mine();
  }
  const all = ledgerOf(chain.chain, funding, { us: [us.wallet.script], ldk: scripts });
  assert.equal(all.closingFee, commitmentFee(2n));
  assert.equal(all.us.received, capacity - all.closingFee - all.us.fees);
  assert.deepEqual([all.ldk.received, all.left], [0n, 0n]);
});

test("an old commitment of ours is punished by Electrum", { timeout: 100_000 }, async (t) => {
  const store = new MemoryStore();
  const pair = await startElectrumPair(t, { us: { store }, expectsComplaints: true });
  const channel = await openChannel(pair, "us");
  const balance = new Balance(pair, channel);
  await balance.pay("electrum", 100_000_000n);
  await balance.check();
  const old = await copyOf(store);
  await balance.pay("us", 300_000_000n);
  await balance.check();
  const cheat = await comeBack(t, pair, { store: old });
  cheat.us.act((manager) =>
    manager.forceCloseBroadcastingLatestTxn(channel.channelId, "it looks better for us"),
  );
  await cheat.us.until("commitment", () => pair.chain.chain.outputSpentBy(channel.funding));
  for (let i = 0; i < 8; i++) await mine(cheat, 1);
  const { us: ours, ldk: theirs, left, closingFee } = await ledger(cheat, channel);
  assert.equal(closingFee, commitmentFee(0n));
  assert.deepEqual([ours.received, left], [0n, 0n]);
  assert.equal(theirs.received, capacity - closingFee - theirs.fees);
});

test("with old records we publish nothing, have Electrum close, and get our newest balance", {
  timeout: 100_000,
}, async (t) => {
  const store = new MemoryStore();
  const pair = await startElectrumPair(t, { us: { store }, expectsComplaints: true });
  const channel = await openChannel(pair, "us");
  const balance = new Balance(pair, channel);
  const old = await copyOf(store);
  await balance.pay("electrum", 100_000_000n);
  await balance.pay("us", 300_000_000n);
  await balance.check();
  const lost = await comeBack(t, pair, { store: old });
  await lost.us.connect(pair.electrum.port, pair.electrum.nodeId);
  await lost.us.until("commitment", () => pair.chain.chain.outputSpentBy(channel.funding));
  await mine(lost, 1);
  assert.equal(spenderOf(lost, channel), "future-commitment");
  for (let blocks = 0; (await ledger(lost, channel)).left > 0n; blocks += 10) {
    assert.ok(blocks < 300);
    await mine(lost, 10);
  }
  const { us: ours, ldk: theirs, closingFee } = await ledger(lost, channel);
  assert.equal(closingFee, commitmentFee(0n));
  assert.equal(ours.received, balance.ours / 1_000n - closingFee - ours.fees);
  assert.equal(theirs.received, balance.theirs / 1_000n - theirs.fees);
});

/** What our node makes of the transaction that spent the funding output. */
function spenderOf(
  { us }: ElectrumPair,
  { channelId }: Pick<ChannelDetails, "channelId">,
): string | undefined {
  return us.chainMonitor.monitor(channelId)?.chain.fundingSpend?.spender.kind;
}

async function copyOf(store: KVStore): Promise<KVStore> {
  const copy = new MemoryStore();
  await copy.commit(await store.scan("", undefined, 100_000));
  return copy;
}
