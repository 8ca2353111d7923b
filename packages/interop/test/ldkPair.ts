import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { fromHex, type Sat } from "@fulmen/bitcoin/primitives";
import { decodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { type LdkOptions, LdkPeer, ldkOptions } from "#src/index";
import { RegtestBlocks } from "./regtestBlocks.ts";

export interface Pair {
  readonly alice: LdkPeer;
  readonly bob: LdkPeer;
  readonly chain: RegtestBlocks;
}

/** An LDK node that ends with the test. */
export async function startPeer(t: TestContext, name: string, options: LdkOptions): Promise<LdkPeer> {
  const peer = await LdkPeer.start(name, options);
  t.after(() => peer.stop());
  return peer;
}

/** Two LDK nodes on a chain of their own, alice connected to bob. */
export async function startPair(t: TestContext, changes: Partial<LdkOptions>): Promise<Pair> {
  const alice = await startPeer(t, "alice", ldkOptions(1, changes));
  const bob = await startPeer(t, "bob", ldkOptions(2, changes));
  const chain = new RegtestBlocks([alice, bob]);
  await chain.mine(10);
  await connect(alice, bob);
  return { alice, bob, chain };
}

/** Connects over a new listener, and waits until the channels between the two are usable again. */
export async function connect(from: LdkPeer, to: LdkPeer): Promise<void> {
  const { port } = await to.cmd("listen");
  await from.cmd("connect", { port, nodeId: to.nodeId });
  for (const [peer, other] of [
    [from, to],
    [to, from],
  ] as const) {
    await peer.until("channels", (channels) =>
      channels.every((channel) => channel.counterparty !== other.nodeId || channel.usable),
    );
  }
}

interface OpenedChannel {
  readonly channelId: string;
  readonly fundingTxid: string;
}

/** Opens a channel between two connected peers, and confirms it with six blocks. */
export async function open(
  chain: RegtestBlocks,
  [opener, acceptor]: readonly [LdkPeer, LdkPeer],
  { sats, pushMsat = 0n }: { readonly sats: bigint; readonly pushMsat?: bigint },
): Promise<OpenedChannel> {
  const since = opener.eventCount;
  const { temporaryChannelId } = await opener.cmd("open", { nodeId: acceptor.nodeId, sats, pushMsat });
  const wanted = await opener.waitFor(
    "funding-generation-ready",
    (event) => event.temporaryChannelId === temporaryChannelId,
  );
  assert.equal(wanted.sats, sats);
  const tx = chain.pay(wanted.sats as Sat, fromHex(wanted.outputScript));
  const fundingTxid = txid(decodeTransaction(fromHex(tx)));
  await opener.cmd("fund", { temporaryChannelId, nodeId: acceptor.nodeId, tx });
  const broadcast = await opener.waitFor("broadcast", () => true, { since });
  assert.equal(broadcast.tx, tx);
  assert.equal(broadcast.txid, fundingTxid);
  await chain.mine(6, [tx]);
  const { channelId } = await opener.waitFor("channel-ready", () => true, { since });
  await acceptor.waitFor("channel-ready", (event) => event.channelId === channelId);
  return { channelId, fundingTxid };
}

/** Pays an invoice over one direct channel, and waits until both sides have revoked all that came before. */
export async function pay(payer: LdkPeer, payee: LdkPeer, amountMsat: bigint): Promise<void> {
  const { invoice, paymentHash } = await payee.cmd("invoice", { amountMsat });
  await payer.cmd("pay", { invoice });
  const sent = await payer.waitFor("payment-sent", (event) => event.paymentHash === paymentHash);
  assert.equal(sent.feeMsat, 0n);
  const claimed = await payee.waitFor("payment-claimed", (event) => event.paymentHash === paymentHash);
  assert.equal(claimed.amountMsat, amountMsat);
  for (const peer of [payer, payee]) {
    await peer.until("channels", (channels) =>
      channels.every((channel) => channel.pendingInboundHtlcs + channel.pendingOutboundHtlcs === 0),
    );
  }
}

/** Gives a peer one confirmed coin of a hundredth of a bitcoin for its fee bumps. */
export async function fillWallet(peer: LdkPeer, chain: RegtestBlocks): Promise<void> {
  const { walletScript } = await peer.cmd("info");
  await chain.mine(1, [chain.pay(1_000_000n as Sat, fromHex(walletScript))]);
}
