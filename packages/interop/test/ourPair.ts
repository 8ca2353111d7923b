import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { type ChannelId, msat, type NodeId, sat } from "@fulmen/lightning/util";
import { type LdkOptions, LdkPeer, ldkOptions, OurNode, type OurNodeOptions, SharedChain } from "#src/index";

/** Our node and LDK on one chain, connected. */
export interface OurPair {
  readonly us: OurNode;
  readonly ldk: LdkPeer;
  readonly ldkPort: number;
  readonly chain: SharedChain;
}

export interface OurPairOptions {
  readonly us?: Partial<OurNodeOptions>;
  readonly ldk?: Partial<LdkOptions>;
  /** A new one in memory when absent. */
  readonly chain?: SharedChain;
  /** What happens makes the nodes complain. */
  readonly expectsComplaints?: boolean;
}

export type Side = "us" | "ldk";

export const bothFormats: readonly FormatName[] = ["anchors-zero-fee-htlc", "static-remotekey"];
export const bothSides: readonly Side[] = ["us", "ldk"];

/** Both end with the test, in which neither may have complained about the other. */
export async function startOurPair(t: TestContext, options: OurPairOptions = {}): Promise<OurPair> {
  const ldk = await LdkPeer.start("ldk", ldkOptions(7, { announce: false, ...options.ldk }));
  t.after(() => ldk.stop());
  const { chain = new SharedChain() } = options;
  await chain.addPeer(ldk);
  const us = await OurNode.start({ name: "us", seedByte: 9, chain, ...options.us });
  t.after(async () => {
    await us.stop();
    if (options.expectsComplaints !== true) assert.deepEqual(complaintsOf(us), []);
  });
  const { port: ldkPort } = await ldk.cmd("listen");
  await us.connect(ldkPort, ldk.nodeId);
  return { us, ldk, ldkPort, chain };
}

/** Warnings and errors in our log. LDK's complaints come by messages, which are logged as warnings too. */
export function complaintsOf({ log }: OurNode): readonly string[] {
  return log.filter((line) => line.startsWith("warn") || line.startsWith("error"));
}

export interface OpenTerms {
  readonly opener: Side;
  readonly format: FormatName;
  readonly sats: bigint;
  readonly pushMsat?: bigint;
  readonly announce?: boolean;
}

/** Opens a channel and confirms it with six blocks; gives our view of it once both sides can use it. */
export async function openChannel(
  { us, ldk, chain }: Omit<OurPair, "ldkPort">,
  terms: OpenTerms,
): Promise<ChannelDetails> {
  const { opener, format, sats, pushMsat = 0n, announce = false } = terms;
  const since = us.eventCount;
  if (opener === "us") {
    us.act((manager) =>
      manager.createChannel({
        counterparty: ldk.nodeId as NodeId,
        funding: sat(sats),
        push: msat(pushMsat),
        formats: [format],
        announce,
      }),
    );
  } else {
    await openByLdk(chain, ldk, us.nodeId, { format, sats, pushMsat, announce });
  }
  const { channelId } = await us.waitFor("channel-pending", () => true, since);
  await ldk.waitFor("channel-pending", (event) => event.channelId === channelId);
  await chain.mine(6);
  await bothUsable({ us, ldk }, channelId);
  const channel = channelOf(us, channelId);
  assert.equal(channel.format, format);
  assert.equal(channel.isOutbound, opener === "us");
  return channel;
}

/** LDK opens a channel to `nodeId`; it has broadcast, or is about to broadcast, the funding when this resolves. */
export async function openByLdk(
  chain: SharedChain,
  ldk: LdkPeer,
  nodeId: string,
  { format, ...terms }: Omit<OpenTerms, "opener">,
): Promise<void> {
  const since = ldk.eventCount;
  const anchors = format === "anchors-zero-fee-htlc";
  const { temporaryChannelId } = await ldk.cmd("open", { nodeId, anchors, announce: false, ...terms });
  const wanted = await ldk.waitFor("funding-generation-ready", () => true, { since });
  const tx = chain.fundHex(wanted.sats, wanted.outputScript);
  await ldk.cmd("fund", { temporaryChannelId, nodeId, tx });
}

/** Waits until both sides can use the channel. */
export async function bothUsable(
  { us, ldk }: Pick<OurPair, "us" | "ldk">,
  channelId: ChannelId,
): Promise<void> {
  await us.until("usable channel", () =>
    us.manager.listUsableChannels().some((channel) => channel.channelId === channelId),
  );
  await ldk.until("channels", (channels) =>
    channels.some((channel) => channel.channelId === channelId && channel.usable),
  );
}

/** Our view of a channel. */
export function channelOf(us: OurNode, channelId: ChannelId): ChannelDetails {
  const found = us.manager.listChannels().find((channel) => channel.channelId === channelId);
  assert.ok(found, "the channel is there");
  return found;
}

/** Waits until no HTLC is left on either side. */
export async function settled({ us, ldk }: Pick<OurPair, "us" | "ldk">): Promise<void> {
  await us.until("end of all HTLCs", () =>
    us.manager.listChannels().every(({ pendingHtlcs }) => pendingHtlcs === 0),
  );
  await ldk.until("channels", (channels) =>
    channels.every((channel) => channel.pendingInboundHtlcs + channel.pendingOutboundHtlcs === 0),
  );
}

/** Starts a payment of a new invoice; gives its hash. */
export async function startPayment({ us, ldk }: OurPair, payer: Side, amountMsat: bigint): Promise<string> {
  if (payer === "us") {
    const { invoice, paymentHash } = await ldk.cmd("invoice", { amountMsat });
    us.act((manager) => manager.payForBolt11Invoice(invoice));
    return paymentHash;
  }
  const request = { amount: msat(amountMsat), description: "" };
  const { invoice, paymentHash } = us.act((manager) => manager.createBolt11Invoice(request));
  await ldk.cmd("pay", { invoice });
  return paymentHash;
}

/** Waits until a payment over the direct channel was sent, once, and claimed, once, without a fee. */
export async function paid({ us, ldk }: OurPair, payer: Side, paymentHash: string): Promise<void> {
  const isIt = (event: { readonly paymentHash: string }): boolean => event.paymentHash === paymentHash;
  if (payer === "us") {
    assert.equal((await us.waitFor("payment-sent", isIt)).feePaid, 0n);
    await ldk.waitFor("payment-claimed", isIt);
  } else {
    assert.equal((await ldk.waitFor("payment-sent", isIt)).feeMsat, 0n);
    await us.waitFor("payment-claimed", isIt);
  }
}

/** Waits until a payment was refused by its recipient and has failed; LDK must leave claims to us. */
export async function refused({ us, ldk }: OurPair, payer: Side, paymentHash: string): Promise<void> {
  const isIt = (event: { readonly paymentHash: string | undefined }): boolean =>
    event.paymentHash === paymentHash;
  if (payer === "us") {
    await ldk.waitFor("payment-claimable", isIt);
    await ldk.cmd("fail", { paymentHash });
    assert.equal((await us.waitFor("payment-failed", isIt)).reason, "recipient-rejected");
  } else {
    assert.equal((await ldk.waitFor("payment-failed", isIt)).reason, "RecipientRejected");
  }
}

/** What each side has in the channel, as both of them see it, to the millisatoshi. */
export async function checkBalances(
  { us, ldk }: Pick<OurPair, "us" | "ldk">,
  channelId: ChannelId,
  expected: { readonly ours: bigint; readonly theirs: bigint },
): Promise<void> {
  const { localBalance, remoteBalance, capacity } = channelOf(us, channelId);
  assert.deepEqual({ ours: localBalance, theirs: remoteBalance }, expected);
  assert.equal(localBalance + remoteBalance, capacity * 1_000n);
  const channels = await ldk.cmd("channels");
  const theirs = channels.find((channel) => channel.channelId === channelId);
  assert.ok(theirs);
  // Each side keeps a hundredth, which does not count as capacity to send.
  const reserve = capacity * 10n;
  assert.equal(theirs.outboundCapacityMsat, above(expected.theirs, reserve));
  assert.equal(theirs.inboundCapacityMsat, above(expected.ours, reserve));
}

function above(amount: bigint, reserve: bigint): bigint {
  return amount > reserve ? amount - reserve : 0n;
}
