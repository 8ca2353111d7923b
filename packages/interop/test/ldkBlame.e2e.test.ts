// timeout: 180 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChannelConfig } from "@fulmen/lightning/channel";
import type { LocalHtlcFailureReason } from "@fulmen/lightning/handlers";
import { parseInvoice } from "@fulmen/lightning/invoice";
import {
  msat,
  type NodeId,
  type PaymentId,
  present,
  type ShortChannelId,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { testConfig } from "#src/index";
import { forwarding, type Line, startLine } from "./line.ts";
import { settled } from "./ourPair.ts";

installNodeCrypto();

const amount = msat(20_000_000n);
const aliceFee = 2_000n + amount / 10_000n;
const anchorsFirst = { announce: true, format: "anchors-zero-fee-htlc" } as const;

/** A way over alice to bob that one of them refuses. */
interface BadPath {
  /** BOLT 4's name and number of the refusal. */
  readonly name: string;
  readonly code: number;
  readonly fee?: bigint;
  readonly blocks?: number;
  readonly finalBlocks?: number;
  /** Not the channel to bob. */
  readonly next?: ShortChannelId;
  readonly paymentSecret?: Uint8Array;
  /** Whether the channel behind alice is blamed; the payee's refusal blames none. */
  readonly blamesChannel: boolean;
  readonly isPermanent: boolean;
}

const byAlice = { blamesChannel: true, isPermanent: false };
const byBob = { blamesChannel: false, isPermanent: true };
const badPaths: readonly BadPath[] = [
  { name: "fee_insufficient", code: 0x100c, fee: aliceFee - 1n, ...byAlice },
  { name: "incorrect_cltv_expiry", code: 0x100d, blocks: forwarding.cltvExpiryDelta - 1, ...byAlice },
  { name: "expiry_too_soon", code: 0x100e, finalBlocks: 2, ...byAlice },
  { name: "expiry_too_far", code: 21, finalBlocks: 2_100, ...byAlice },
  {
    ...{ name: "unknown_next_peer", code: 0x400a, next: (500_000n << 40n) as ShortChannelId },
    ...{ blamesChannel: true, isPermanent: true },
  },
  {
    ...{ name: "incorrect_or_unknown_payment_details", code: 0x400f },
    ...{ paymentSecret: new Uint8Array(32), ...byBob },
  },
  { name: "incorrect_or_unknown_payment_details", code: 0x400f, finalBlocks: 12, ...byBob },
];

test("we take each failure in a path over LDK for what it is", { timeout: 60_000 }, async (t) => {
  const line = await startLine(t, { middle: "alice", ...anchorsFirst });
  const { us, alice, bob } = line;
  for (const bad of badPaths) {
    const { invoice } = await bob.cmd("invoice", { amountMsat: amount });
    const { name, code, isPermanent } = bad;
    const shortChannelId = bad.next ?? (await behindAlice(line));
    const terms = us.manager.paymentTermsOf(invoice);
    const { paymentSecret } = bad;
    const first = present(us.manager.listChannels()[0]?.shortChannelId, "our channel's name");
    const hops = [
      {
        ...{ nodeId: alice.nodeId as NodeId, shortChannelId: first },
        ...{ fee: msat(bad.fee ?? aliceFee), cltvExpiryDelta: bad.blocks ?? forwarding.cltvExpiryDelta },
      },
      {
        ...{ nodeId: bob.nodeId as NodeId, shortChannelId },
        ...{ fee: amount, cltvExpiryDelta: bad.finalBlocks ?? 45 },
      },
    ];
    const paymentId = terms.paymentHash as string as PaymentId;
    us.act((manager) =>
      manager.sendPaymentWithRoute(
        paymentId,
        paymentSecret ? { ...terms, recipientOnion: { paymentSecret } } : terms,
        { paths: [{ hops }] },
      ),
    );
    const failed = await us.waitFor("payment-path-failed", (event) => event.paymentId === paymentId);
    const update = { kind: "channel-failure", shortChannelId, isPermanent };
    assert.deepEqual(
      [failed.failureName, failed.failureCode, failed.shortChannelId, failed.networkUpdate],
      bad.blamesChannel ? [name, code, shortChannelId, update] : [name, code, undefined, undefined],
    );
    assert.equal(failed.paymentFailedPermanently, !bad.blamesChannel);
    const { reason } = await us.waitFor("payment-failed", (event) => event.paymentId === paymentId);
    assert.equal(reason, bad.blamesChannel ? "retries-exhausted" : "recipient-rejected", name);
  }
  // Only what was no channel of alice's is gone from the graph.
  assert.equal(us.graph.channelCount, 2);

  await bob.cmd("disconnect");
  await alice.until("channels", (all) => all.some(({ usable }) => !usable));
  const { invoice } = await bob.cmd("invoice", { amountMsat: amount });
  const since = us.eventCount;
  us.act((manager) => manager.payForBolt11Invoice(invoice));
  const failed = await us.waitFor("payment-path-failed", () => true, since);
  assert.equal(failed.failureName, "temporary_channel_failure");
  assert.equal(failed.shortChannelId, await behindAlice(line));
  await us.waitFor("payment-failed", () => true, since);
  await settled({ us, ldk: alice });
});

/** Our channel to bob asks for something else than the invoices of before say, and no more for what they say. */
function changeTerms({ us, bob }: Line, change: Partial<ChannelConfig>): void {
  const channel = us.manager.listChannels().find(({ counterparty }) => counterparty === bob.nodeId);
  const { channelId } = present(channel, "the channel to bob");
  us.act((manager) => {
    manager.updateChannelConfig(channelId, { ...testConfig.channelConfig, ...change });
    const now = Math.floor(Date.now() / 1_000) as UnixSeconds;
    for (let ticks = 0; ticks < 5; ticks++) manager.timerTickOccurred(now);
  });
}

/** What makes us fail payments of alice's to bob, and why we say that we do. */
const obstacles: readonly {
  readonly reason: LocalHtlcFailureReason;
  readonly putUp: (line: Line) => Promise<unknown>;
  readonly isPermanent: boolean;
}[] = [
  {
    reason: "fee-insufficient",
    putUp: async (line) => changeTerms(line, { forwardingFeeBase: msat(5_000n) }),
    isPermanent: false,
  },
  {
    reason: "incorrect-cltv-expiry",
    putUp: async (line) => changeTerms(line, { cltvExpiryDelta: 100 }),
    isPermanent: false,
  },
  {
    reason: "peer-offline",
    putUp: async ({ us, bob }) => {
      await bob.cmd("disconnect");
      await us.until("bob's leave", () => us.manager.listUsableChannels().length === 1);
    },
    isPermanent: false,
  },
  {
    reason: "channel-closed",
    putUp: async ({ us, bob, chain }) => {
      await us.connect((await bob.cmd("listen")).port, bob.nodeId);
      const [channel] = await bob.until("channels", ([only]) => only?.usable === true);
      await bob.cmd("close", { channelId: present(channel, "bob's channel").channelId });
      await us.waitFor("channel-closed");
      await chain.mine(6);
    },
    isPermanent: true,
  },
];

test("LDK blames our channel for what we fail", { timeout: 90_000 }, async (t) => {
  const line = await startLine(t, { middle: "us", announce: false, format: "anchors-zero-fee-htlc" });
  const { us, alice, bob } = line;
  const { localBalance } = present(us.manager.listChannels()[0], "a channel");
  const invoices = await Promise.all(obstacles.map(() => bob.cmd("invoice", { amountMsat: amount })));
  for (const [i, { reason, putUp, isPermanent }] of obstacles.entries()) {
    const { invoice, paymentHash } = present(invoices[i], "an invoice");
    const parsed = parseInvoice(invoice);
    assert.ok(parsed.ok);
    const [hint] = parsed.value.routeHints.flat();
    assert.equal(hint?.nodeId, us.nodeId);
    await putUp(line);
    await alice.cmd("pay", { invoice });
    const failed = await alice.waitFor("payment-path-failed", (event) => event.paymentHash === paymentHash);
    const { shortChannelId } = hint;
    assert.deepEqual(
      [failed.shortChannelId, failed.networkUpdate, failed.permanently],
      [shortChannelId, { kind: "channel", shortChannelId, permanent: isPermanent }, false],
    );
    const end = await alice.waitFor("payment-failed", (event) => event.paymentHash === paymentHash);
    assert.equal(end.reason, "RouteNotFound");
    const ours = await us.waitFor("htlc-handling-failed", (event) => event.paymentHash === paymentHash);
    assert.deepEqual(ours.failureReason, { kind: "local", reason });
  }
  await settled({ us, ldk: alice });
  assert.equal(us.manager.listChannels()[0]?.localBalance, localBalance);
});

test("LDK learns from behind LDK that we refuse", { timeout: 60_000 }, async (t) => {
  const line = await startLine(t, { middle: "alice", ...anchorsFirst });
  const { us, alice, bob } = line;
  us.answer = "refuse";
  const { invoice } = us.manager.createBolt11Invoice({ amount, description: "" });
  await bob.cmd("pay", { invoice });
  const failed = await bob.waitFor("payment-path-failed");
  assert.deepEqual(
    [failed.permanently, failed.shortChannelId, failed.networkUpdate],
    [true, undefined, undefined],
  );
  assert.equal((await bob.waitFor("payment-failed")).reason, "RecipientRejected");
  await settled({ us, ldk: alice });
});

async function behindAlice({ alice, bob }: Line): Promise<ShortChannelId> {
  const channel = (await bob.cmd("channels")).find(({ counterparty }) => counterparty === alice.nodeId);
  return present(channel?.shortChannelId, "the channel's name") as ShortChannelId;
}
