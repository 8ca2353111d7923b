import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import { ClosingChannel, type ClosingTerms, type HeldHtlc } from "./closingChannel.ts";
import type { Ledger } from "./onChainLedger.ts";
import type { Side } from "./ourPair.ts";

/** At 253 sat a kiloweight, all HTLCs of a commitment being on it (BOLT 3, "Fee Calculation"). */
export function closingFeeOf(format: FormatName, htlcs: number): bigint {
  const base = format === "static-remotekey" ? 724 : 1_124;
  return (253n * BigInt(base + 172 * htlcs)) / 1_000n;
}

/** HTLCs in both directions, of each kind one. */
export interface PendingHtlcs {
  readonly claimedByLdk: HeldHtlc;
  readonly expiredForUs: HeldHtlc;
  readonly claimedByUs: HeldHtlc;
  readonly expiredForLdk: HeldHtlc;
  /** Too small for outputs of their own. */
  readonly trimmed: readonly [HeldHtlc, HeldHtlc];
}

/** Opens a channel and fills it with HTLCs that their recipients hold. */
export async function withHtlcs(
  t: TestContext,
  terms: ClosingTerms,
): Promise<PendingHtlcs & { readonly channel: ClosingChannel }> {
  const channel = await ClosingChannel.open(t, terms);
  const claimedByLdk = await channel.hold("us", 31_000n);
  const expiredForUs = await channel.hold("us", 32_000n);
  const claimedByUs = await channel.hold("ldk", 33_000n);
  // LDK 0.1.2 takes HTLCs of the same expiry back together, and never again without one that was taken meanwhile.
  await channel.mine();
  const expiredForLdk = await channel.hold("ldk", 34_000n);
  const trimmed = [await channel.hold("us", 300n), await channel.hold("ldk", 200n)] as const;
  return { channel, claimedByLdk, expiredForUs, claimedByUs, expiredForLdk, trimmed };
}

/** Mines until both HTLCs are back with who offered them. */
export async function timeOut(channel: ClosingChannel, htlcs: readonly HeldHtlc[]): Promise<void> {
  for (const htlc of htlcs) {
    await channel.mineUntil(`timeout of ${htlc.sats} sat`, 700, () => channel.isTaken(htlc));
  }
  // What our commitment or theirs delays by 144 blocks matures, and the rest is final.
  await channel.mine(150);
}

/** What the users of both were told of the HTLCs, each thing once. */
export function checkPaymentEvents(channel: ClosingChannel, htlcs: PendingHtlcs): void {
  const { claimedByLdk, expiredForUs, claimedByUs, expiredForLdk, trimmed } = htlcs;
  const ours = (kind: "payment-sent" | "payment-failed" | "payment-claimed", { paymentHash }: HeldHtlc) =>
    channel.ourEvents(kind, paymentHash).length;
  const theirs = (type: "payment-sent" | "payment-failed", { paymentHash }: HeldHtlc) =>
    channel.ldkEvents(type, paymentHash).length;
  assert.deepEqual([ours("payment-sent", claimedByLdk), ours("payment-failed", claimedByLdk)], [1, 0]);
  assert.deepEqual([ours("payment-sent", expiredForUs), ours("payment-failed", expiredForUs)], [0, 1]);
  assert.deepEqual([ours("payment-sent", trimmed[0]), ours("payment-failed", trimmed[0])], [0, 1]);
  assert.equal(ours("payment-claimed", claimedByUs), 1);
  assert.deepEqual([theirs("payment-sent", claimedByUs), theirs("payment-failed", claimedByUs)], [1, 0]);
  assert.deepEqual([theirs("payment-sent", expiredForLdk), theirs("payment-failed", expiredForLdk)], [0, 1]);
  assert.deepEqual([theirs("payment-sent", trimmed[1]), theirs("payment-failed", trimmed[1])], [0, 1]);
}

interface ForceClose {
  readonly closer: Side;
  /** Higher fees than the commitment pays, in satoshis per 1,000 weight. */
  readonly feeratePerKw?: number;
  /** As many blocks are lost once the commitment and the claims by preimage are confirmed. */
  readonly reorgDepth?: number;
}

/** A force close whose HTLCs are claimed by preimage and by timeout in both directions, with a restart in between. */
export async function forceCloseWithHtlcs(
  t: TestContext,
  terms: ClosingTerms,
  { closer, feeratePerKw, reorgDepth = 0 }: ForceClose,
): Promise<Ledger> {
  const { channel, ...htlcs } = await withHtlcs(t, terms);
  if (feeratePerKw !== undefined) await channel.raiseFees(feeratePerKw);
  const { claimedByLdk, expiredForUs, claimedByUs, expiredForLdk } = htlcs;
  await channel.forceClose(closer);
  await channel.claim(claimedByLdk);
  await channel.claim(claimedByUs);
  await channel.mine();
  assert.ok(channel.isTaken(claimedByLdk) && channel.isTaken(claimedByUs), "taken by preimages at once");
  // Each learns the preimage from the block: there is no channel any more through which it could be told.
  assert.equal(channel.ldkEvents("payment-sent", claimedByUs.paymentHash).length, 1);
  assert.equal(channel.ourEvents("payment-sent", claimedByLdk.paymentHash).length, 1);
  if (reorgDepth > 0) {
    await channel.reorg(reorgDepth);
    assert.ok(!channel.isTaken(claimedByLdk) && !channel.isTaken(claimedByUs), "taken back");
    await channel.mine(2);
    assert.ok(channel.isTaken(claimedByLdk) && channel.isTaken(claimedByUs), "taken once more");
  }
  await channel.restartUs();
  await timeOut(channel, [expiredForUs, expiredForLdk]);
  checkPaymentEvents(channel, htlcs);
  const ledger = await channel.checkLedger({
    gained: { us: 33_000n - 31_000n - 300n, ldk: 31_000n - 33_000n - 200n },
    closingFee: closingFeeOf(terms.format, 4),
    trimmed: 500n,
  });
  const { us, ldk, closingFee } = ledger;
  t.diagnostic(
    `we have ${us.received} sat and paid ${us.fees}, LDK has ${ldk.received} sat and paid ${ldk.fees}; ` +
      `closing fee ${closingFee}`,
  );
  return ledger;
}
