import assert from "node:assert/strict";
import { test } from "node:test";
import { txid } from "@fulmen/bitcoin/transaction";
import { type ChannelId, feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { World } from "./world.ts";

test("of two channels that close over one coin, the poorer first, both take their HTLCs back", () => {
  const world = new World();
  const { chain, faucet } = world;
  const network = new TestNetwork({ funded: { chain, faucet } });
  const node = network.addNode({
    coins: {
      selectConfirmedUtxos: (request) => world.wallet.selectConfirmedUtxos(request),
      signPsbt: (psbt) => world.wallet.signPsbt(psbt),
      retainClaims: (claimIds) => world.wallet.retainClaims(claimIds),
    },
  });
  const open = (htlc: bigint): ChannelId => {
    const peer = network.addNode();
    const link = network.connect(node, peer);
    const format = "zero-fee-commitments";
    const channelId = network.openChannel(node, peer, { funding: sat(1_000_000n), format });
    network.claims(peer, "hold");
    network.payInvoice(node, peer, msat(htlc * 1_000n));
    link.reconnects = false;
    network.cut(link);
    return channelId;
  };
  const [poor, rich] = [open(8_000n), open(200_000n)];
  let seen = 0;
  const settle = (): void => {
    network.settle();
    for (const { transaction } of node.broadcasts.slice(seen)) world.wallet.transactionSeen(transaction);
    seen = node.broadcasts.length;
    world.save();
  };
  const mine = (satPerVbyte: number): void => {
    chain.mine(1, { minFeerate: 1_000n * BigInt(satPerVbyte) });
    world.sync();
    for (const each of network.nodes) each.syncChain();
    settle();
  };
  const close = (channelId: ChannelId, satPerVbyte: number): void => {
    node.feerate = () => feeratePerKw(250 * satPerVbyte);
    node.manager.forceCloseBroadcastingLatestTxn(channelId, "the peer is gone");
    settle();
  };
  const lastOf = (type: TestNode["broadcasts"][number]["type"]) =>
    present(node.broadcasts.findLast((one) => one.type === type)?.transaction, type);
  world.sync();
  world.give(60_000);
  world.mine();
  for (const each of network.nodes) each.syncChain();
  settle();

  close(poor, 2);
  const first = lastOf("anchor-bump");
  close(rich, 20);
  const second = lastOf("anchor-bump");
  assert.notEqual(txid(first), txid(second));
  assert.equal(chain.transaction(txid(first)), undefined, "it was replaced");
  mine(20);
  assert.equal(chain.confirmations(txid(second)), 1);
  // Fees fall again: the poorer one goes on with the change.
  node.feerate = () => feeratePerKw(500);
  for (let i = 0; i < 200 && world.wallet.locks().length > 0; i++) mine(1);
  assert.deepEqual(world.wallet.locks(), []);
  const confirmed = node.broadcasts.filter(({ transaction }) => chain.confirmations(txid(transaction)) > 0);
  const paid = new Map(
    confirmed
      .filter(({ type }) => type === "anchor-bump" || type === "claim")
      .map(({ transaction }) => [txid(transaction), present(chain.feeOf(txid(transaction)), "fee")]),
  );
  assert.equal(paid.size, 6, "commitment, child and HTLC transaction of each");
  assert.equal(world.total(), 60_000n - [...paid.values()].reduce((sum, fee) => sum + fee, 0n));
  assert.equal(world.wallet.balance().confirmed, world.total());
});
