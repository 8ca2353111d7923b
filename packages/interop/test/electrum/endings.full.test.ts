// needs: electrum
// timeout: 600 s
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import type { Bytes32 } from "@fulmen/lightning/util";
import { channelOf } from "../ourPair.ts";
import {
  bothParties,
  capacity,
  type ElectrumPair,
  ledger,
  mine,
  openChannel,
  type Party,
  pushed,
  type StartedPayment,
  startElectrumPair,
  startPayment,
} from "./electrumPair.ts";

installNodeCrypto();

/** In satoshis. At Electrum's 45,000 sat per 1,000 weight what is below some 32,000 sat has no output of its own. */
const claimedByElectrum = 161_000n;
const claimedByUs = 152_000n;
const expiring = 143_000n;
const dust = 500n;

for (const opener of bothParties) {
  for (const closer of bothParties) {
    const title = `opened by ${opener}, force-closed by ${closer}: both sweep all that is theirs`;
    test(title, { timeout: 100_000 }, (t) => forceClose(t, opener, closer));
  }
}

async function forceClose(t: TestContext, opener: Party, closer: Party): Promise<void> {
  const pair = await startElectrumPair(t, { us: { answer: "hold" }, expectsComplaints: true });
  const { us, electrum, chain } = pair;
  const channel = await openChannel(pair, opener);
  const { funding, channelId } = channel;
  await electrum.command("enable_htlc_settle", { b: false });
  const toElectrum = await hold(pair, channel, "us", claimedByElectrum);
  const toUs = await hold(pair, channel, "electrum", claimedByUs);
  await hold(pair, channel, "electrum", expiring);
  const lost = await hold(pair, channel, "us", dust);
  await hold(pair, channel, "electrum", dust);

  if (closer === "us") {
    us.act((manager) => manager.forceCloseBroadcastingLatestTxn(channelId, "the test asks for it"));
  } else {
    const channel_point = `${funding.txid}:${funding.index}`;
    await electrum.command("close_channel", { channel_point, force: true });
  }
  await us.until("commitment", () => chain.chain.outputSpentBy(funding));
  await mine(pair, 1);
  const spender = us.chainMonitor.monitor(channelId)?.chain.fundingSpend?.spender.kind;
  const { purpose } = await us.waitFor(
    "payment-claimable",
    ({ paymentHash }) => paymentHash === toUs.paymentHash,
  );
  us.act((manager) => manager.claimFunds(purpose.paymentPreimage as Bytes32));
  for (let blocks = 0; (await ledger(pair, channel)).left > 0n; blocks += 10) {
    assert.ok(blocks < 700, electrum.failure("there is something left to sweep").message);
    await mine(pair, 10);
  }

  const told = (
    kind: "payment-sent" | "payment-failed" | "payment-claimed",
    { paymentHash }: StartedPayment,
  ) => us.events.filter((event) => event.kind === kind && event.paymentHash === paymentHash).length;
  assert.deepEqual([told("payment-sent", toElectrum), told("payment-failed", toElectrum)], [1, 0]);
  assert.deepEqual([told("payment-sent", lost), told("payment-failed", lost)], [0, 1]);
  assert.equal(told("payment-claimed", toUs), 1);
  assert.equal(await toUs.success, true, "Electrum learns the preimage from the chain");
  await checkLedger(t, pair, channel);
  const { state } = await electrum.channel(funding);
  assert.ok(state === "CLOSED" || state === "REDEEMED", state);
  t.diagnostic(`${spender}; for Electrum the channel is ${state}`);
}

/** Sends a payment that its recipient holds, and is ready to claim. */
async function hold(
  pair: ElectrumPair,
  { channelId }: ChannelDetails,
  payer: Party,
  sats: bigint,
): Promise<StartedPayment> {
  const { us, electrum } = pair;
  const payment = await startPayment(pair, payer, sats * 1_000n);
  const { paymentHash } = payment;
  if (payer === "us") {
    // It takes to the chain the preimages only of what it has decided to claim.
    const decision = new RegExp(`will FULFILL HTLC: .*payment_hash=${paymentHash}`);
    await electrum.until("decision to claim", async () => decision.test(electrum.log));
  } else {
    // Of an HTLC that is not claimed it never tells whether the payment is over.
    void payment.success.catch(() => {});
    await us.waitFor("payment-claimable", (event) => event.paymentHash === paymentHash);
  }
  assert.ok(channelOf(us, channelId).pendingHtlcs > 0);
  return payment;
}

/** Every satoshi of the channel is where it should be. */
async function checkLedger(t: TestContext, pair: ElectrumPair, channel: ChannelDetails): Promise<void> {
  const { us: ours, ldk: theirs, closingFee, left } = await ledger(pair, channel);
  const { isOutbound } = channel;
  // Three HTLCs have outputs; what the two others are worth goes to the fee.
  const feeAt = (feerate: bigint): bigint => (feerate * (724n + 3n * 172n)) / 1_000n;
  const fee = closingFee - 2n * dust;
  // Electrum adds one to its feerate when a block comes before the first payment.
  assert.ok((isOutbound ? [253n] : [45_000n, 45_001n]).map(feeAt).includes(fee), `a fee of ${fee} sat`);
  const [ourStart, theirStart] = isOutbound
    ? [capacity - pushed - fee, pushed]
    : [pushed, capacity - pushed - fee];
  const moved = claimedByUs - claimedByElectrum - dust;
  assert.equal(ours.received, ourStart + moved - ours.fees);
  assert.equal(theirs.received, theirStart - claimedByUs + claimedByElectrum - dust - theirs.fees);
  assert.equal(left, 0n);
  t.diagnostic(
    `we have ${ours.received} sat and paid ${ours.fees}, Electrum ${theirs.received} and ${theirs.fees}`,
  );
}
