import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserConfig } from "#src/channel/config";
import { archivalDelay } from "#src/onchain/deadlines";
import type { Bytes32 } from "#src/util/bytes";
import { msat } from "#src/util/units";
import { ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

const preimage = new Uint8Array(32).fill(7);

/** HTLC transactions of this format are broadcast as they are. */
const staticConfig: UserConfig = {
  ...testConfig,
  channelHandshakeConfig: { ...testConfig.channelHandshakeConfig, negotiateAnchorsZeroFeeHtlcTx: false },
};

function keysWith(node: ManagerNode, channelId: string): readonly string[] {
  return [...node.store.keys()].filter((key) => key.includes(channelId));
}

/** Alice pays Bob, who holds the payment; Alice's commitment is on the chain. */
function closedWithPayment() {
  const net = new ManagerNet();
  const [alice, bob] = [net.add(staticConfig), net.add(staticConfig)];
  net.connect(alice, bob);
  const channelId = net.open(alice, bob, { push: msat(100_000_000) });
  net.pay(alice, msat(50_000_000), [{ to: bob, by: alice, channelId }], { preimage });
  net.settle();
  net.disconnect(alice, bob);
  alice.manager.forceCloseBroadcastingLatestTxn(channelId, "enough");
  net.settle();
  net.mine(1, [alice.broadcasts.at(-1) ?? assert.fail("nothing was broadcast")]);
  net.settle();
  return { net, alice, bob, channelId };
}

describe("a payment whose channel is closed", () => {
  it("fails once, however often its node starts again", () => {
    const { net, alice } = closedWithPayment();
    net.mine(100);
    net.settle();
    const before = alice.eventsOf("payment-path-failed").length;
    const timeout = alice.broadcasts.at(-1) ?? assert.fail("no HTLC transaction");
    net.mine(1, [timeout]);
    net.mine(6);
    net.settle();
    assert.equal(before, 0);
    assert.equal(alice.eventsOf("payment-path-failed").length, 1);
    assert.equal(alice.eventsOf("payment-failed").length, 1);
    for (let i = 0; i < 2; i++) {
      // That the events were taken is stored with the next batch.
      net.settle();
      alice.restart();
      net.mine(1);
      net.settle();
    }
    assert.equal(alice.eventsOf("payment-path-failed").length, 1);
  });
});

describe("a closed channel", () => {
  it("is forgotten with all its records four weeks after nothing was left of it, and not before", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const channelId = net.open(alice, bob, { push: msat(100_000_000) });
    net.pay(alice, msat(50_000_000), [{ to: bob, by: alice, channelId }], { preimage });
    net.settle();
    bob.manager.claimFunds(preimage as Bytes32);
    net.settle();
    net.disconnect(alice, bob);
    alice.manager.forceCloseBroadcastingLatestTxn(channelId, "enough");
    net.settle();
    net.mine(1, [alice.broadcasts.at(-1) ?? assert.fail("nothing was broadcast")]);
    net.settle();
    const { toSelfDelay } =
      alice.monitor.monitor(channelId)?.setup.params.remote ?? assert.fail("no monitor");
    // Ours to spend at this height, and resolved.
    net.mine(Math.max(toSelfDelay, 6) - 1);
    net.settle();
    assert.equal(alice.eventsOf("spendable-outputs").length, 1);
    const skipTo = (height: number): void => {
      net.height = height;
      for (const node of net.nodes) net.tell(node, height);
      net.settle();
    };
    const resolved = net.height;
    skipTo(resolved + archivalDelay - 1);
    alice.archive();
    assert.ok(keysWith(alice, channelId).length > 0);
    skipTo(resolved + archivalDelay);
    alice.archive();
    const left = keysWith(alice, channelId).filter((key) => !key.startsWith("event/"));
    assert.deepEqual(left, []);
    assert.deepEqual(alice.manager.listChannels(), []);
    assert.equal(alice.monitor.monitor(channelId), undefined);
    alice.restart();
    net.mine(1);
    net.settle();
    assert.deepEqual(alice.manager.listChannels(), []);
  });

  it("is forgotten soon when nobody ever funded it and nothing in it is ours", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const { temporary, transaction } = net.offer(alice, bob);
    alice.manager.fundingTransactionGenerated(temporary, transaction);
    net.settle();
    const [channel] = bob.manager.listChannels();
    assert.ok(channel !== undefined);
    net.disconnect(alice, bob);
    bob.manager.forceCloseBroadcastingLatestTxn(channel.channelId, "never mind");
    net.settle();
    net.mine(1);
    net.settle();
    bob.archive();
    assert.deepEqual(bob.manager.listChannels(), []);
    assert.deepEqual(keysWith(bob, channel.channelId), []);
  });
});
