// timeout: 120 s
import assert from "node:assert/strict";
import { before, it } from "node:test";
import { type Transaction, txid, vsize, weight } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw, msat, present, sat } from "@fulmen/lightning/util";
import { TestNetwork } from "@fulmen/testkit";
import { testConfig } from "@fulmen/testkit/node";
import { createFundedChain } from "@fulmen/testkit/wallet";

before(() => {
  installNodeCrypto();
});

const htlcs = 60;

it("a heavy commitment without a fee, and more HTLCs than one transaction of version 3 can take", () => {
  const { chain, faucet } = createFundedChain();
  const network = new TestNetwork({ funded: { chain, faucet } });
  const { channelHandshakeConfig, ...others } = testConfig;
  const wide = { announcedMaxInboundHtlcValueInFlightPercent: 100, ourMaxAcceptedHtlcs: 100 };
  const config = { ...others, channelHandshakeConfig: { ...channelHandshakeConfig, ...wide } };
  const [a, b] = [network.addNode(), network.addNode({ config })];
  const link = network.connect(a, b);
  const format = "zero-fee-commitments";
  const channelId = network.openChannel(a, b, { funding: sat(2_000_000n), format });
  network.claims(b, "hold");
  for (let i = 0; i < htlcs; i++) network.payInvoice(a, b, msat(20_000_000n));
  assert.equal(a.manager.listChannels()[0]?.pendingHtlcs, htlcs);
  link.reconnects = false;
  network.cut(link);

  const estimate = (satPerVbyte: number): void => {
    a.feerate = () => feeratePerKw(satPerVbyte * 250);
  };
  const mineNothing = (count: number): void => {
    for (let i = 0; i < count; i++) {
      chain.mine(1, { only: [] });
      for (const node of network.nodes) node.syncChain();
      network.settle();
    }
  };
  const fee = (transaction: Transaction) => Number(present(chain.feeOf(txid(transaction)), "a fee"));
  const child = () =>
    present(a.broadcasts.findLast(({ type }) => type === "anchor-bump")?.transaction, "a child");

  // Two coins suffice by little: with the third, the child would weigh more for each satoshi of a fee that is higher.
  network.giveCoins([a], sat(7_800n), 8);
  estimate(5);
  a.manager.forceCloseBroadcastingLatestTxn(channelId, "the peer is gone");
  network.settle();
  const first = child();
  assert.deepEqual([first.inputs.length, first.version], [3, 3]);
  const firstFee = fee(first);
  mineNothing(15);
  const second = child();
  assert.deepEqual([second.inputs.length, chain.mempool.at(-1)], [4, txid(second)]);
  assert.ok(fee(second) / vsize(second) > firstFee / vsize(first));
  assert.ok(fee(second) > 1.3 * firstFee, "more than the quarter by which the claim was raised");
  assert.ok(weight(second) <= 4_000);
  network.mine();
  assert.equal(chain.confirmations(txid(second)), 1);

  network.giveCoins([a], sat(200_000n), 2);
  const claims = () =>
    new Set(a.broadcasts.filter(({ type }) => type === "claim").map((one) => one.transaction));
  while (claims().size === 0) network.mine();
  const taken = [...claims()];
  const counts = taken.map(({ inputs, outputs }) => [inputs.length > outputs.length - 2, outputs.length - 1]);
  assert.deepEqual(counts, [
    [true, 50],
    [true, 10],
  ]);
  assert.ok(taken.every((each) => weight(each) <= 40_000 && each.version === 3));
  network.mine(7);
  assert.ok(taken.every((each) => chain.confirmations(txid(each)) >= 6));
  assert.equal(a.eventList.filter(({ kind }) => kind === "payment-failed").length, htlcs);
  assert.deepEqual(a.broadcaster.takeRefused(), []);
});
