import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const amount = msat(20_000_000n);
const preimage = preimageOf(77);

/** Alice - Bob - Carol, both channels open. */
function line() {
  const net = new ManagerNet();
  const [alice, bob, carol] = [net.add(), net.add(), net.add()];
  net.connect(alice, bob);
  net.connect(bob, carol);
  const ab = net.open(alice, bob, { push: msat(300_000_000n) });
  const bc = net.open(bob, carol, { push: msat(300_000_000n) });
  const pay = () =>
    net.pay(
      alice,
      amount,
      [
        { to: bob, by: alice, channelId: ab },
        { to: carol, by: bob, channelId: bc },
      ],
      { preimage },
    );
  return { net, alice, bob, carol, ab, bc, pay };
}

function balance(node: ManagerNode, channelId: string): bigint {
  return node.manager.listChannels().find((one) => one.channelId === channelId)?.localBalance ?? -1n;
}

describe("a forwarded HTLC", () => {
  it("arrives, and its preimage comes back", () => {
    const { net, alice, bob, carol, ab, bc, pay } = line();
    const before = balance(bob, ab) + balance(bob, bc);
    pay();
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable").length, 1);
    assert.ok(carol.manager.claimFunds(preimage));
    net.settle();
    assert.equal(alice.eventsOf("payment-sent").length, 1);
    assert.equal(balance(bob, ab) + balance(bob, bc) - before, 2_000n);
  });

  it("is failed, not swallowed, when the channel onward is quarantined", () => {
    const { net, alice, bob, bc, pay } = line();
    bob.manager.core.channels.quarantine(bc, "a bug");
    pay();
    net.settle();
    assert.equal(alice.eventsOf("payment-failed").length, 1);
    assert.equal(alice.manager.listChannels()[0]?.pendingHtlcs, 0);
  });

  it("is claimed upstream when the upstream channel was quarantined meanwhile", () => {
    const { net, bob, carol, ab, pay } = line();
    pay();
    net.settle();
    bob.manager.core.channels.quarantine(ab, "a bug");
    const known = bob.monitor.latestUpdateId(ab) ?? 0;
    carol.manager.claimFunds(preimage);
    net.settle();
    assert.equal(bob.monitor.latestUpdateId(ab), known + 1, "the monitor has the preimage");
    bob.restart();
    const upstream = bob.manager.core.channels.funded(ab);
    assert.equal(upstream?.incoming[0]?.disposition.kind, "resolved");
  });

  it("is not forwarded again after its upstream channel was quarantined before it was signed", () => {
    const { net, alice, bob, carol, ab, bc, pay } = line();
    // Carol owes a revocation, so that Bob cannot sign what he forwards.
    net.pay(bob, msat(1_000_000n), [{ to: carol, by: bob, channelId: bc }], { preimage: preimageOf(5) });
    const held = (from: ManagerNode) => from === carol;
    net.settle(held);
    pay();
    net.settle(held);
    bob.manager.core.channels.quarantine(ab, "a bug");
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable").length, 2);
    net.disconnect(alice, bob);
    net.disconnect(bob, carol);
    bob.restart();
    net.connect(alice, bob);
    net.connect(bob, carol);
    net.settle();
    const offered = bob.manager.core.channels
      .funded(bc)
      ?.commitments.htlcs.filter(({ direction, amount: of }) => direction === "outgoing" && of === amount);
    assert.equal(offered?.length, 1);
    carol.manager.claimFunds(preimage);
    net.settle();
    assert.equal(alice.eventsOf("payment-sent").length, 1);
  });

  it("stops its channel and no other when it brings out a bug, and is decided after a restart", () => {
    const { net, alice, bob, carol, ab, bc, pay } = line();
    bob.keys.broken = true;
    pay();
    assert.doesNotThrow(() => net.settle());
    assert.equal(bob.manager.core.channels.get(ab)?.quarantined, true);
    assert.equal(bob.manager.core.channels.get(bc)?.quarantined, false);
    bob.keys.broken = false;
    net.disconnect(alice, bob);
    net.disconnect(bob, carol);
    bob.restart();
    net.connect(bob, carol);
    net.settle();
    net.connect(alice, bob);
    net.settle();
    assert.equal(bob.manager.core.channels.get(ab)?.quarantined, false);
    carol.manager.claimFunds(preimage);
    net.settle();
    assert.equal(alice.eventsOf("payment-sent").length + alice.eventsOf("payment-failed").length, 1);
  });

  it("is not forwarded once its own channel is over", () => {
    const { net, bob, carol, ab, bc, pay } = line();
    net.pay(bob, msat(1_000_000n), [{ to: carol, by: bob, channelId: bc }], { preimage: preimageOf(5) });
    const held = (from: ManagerNode) => from === carol;
    net.settle(held);
    pay();
    net.settle(held);
    bob.manager.forceCloseBroadcastingLatestTxn(ab, "enough");
    // What Bob had offered to Carol was not signed: the disconnection takes it back.
    net.disconnect(bob, carol);
    net.connect(bob, carol);
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable").length, 1);
    const upstream = bob.manager.core.channels.funded(ab)?.incoming[0]?.disposition;
    assert.ok(upstream?.kind === "resolved" && upstream.resolution.kind === "fail");
  });
});

describe("a peer whose funding is in no block", () => {
  it("does not count as one with a channel", () => {
    const net = new ManagerNet();
    const [mallory, bob] = [net.add(), net.add()];
    net.connect(mallory, bob);
    const { temporary, transaction } = net.offer(mallory, bob);
    mallory.manager.fundingTransactionGenerated(temporary, transaction);
    net.settle();
    assert.equal(bob.manager.hasChannelWith(mallory.nodeId), false);
    net.mine(1, [transaction]);
    assert.equal(bob.manager.hasChannelWith(mallory.nodeId), true);
  });
});

describe("a channel's configuration", () => {
  it("is refused when it would forward at a risk, or cannot be told to anybody", () => {
    const { bob, bc } = line();
    const { channelConfig } = bob.config;
    const bad = [
      { ...channelConfig, cltvExpiryDelta: 47 },
      { ...channelConfig, cltvExpiryDelta: 0x1_0000 },
      { ...channelConfig, cltvExpiryDelta: 50.5 },
      { ...channelConfig, forwardingFeeBase: msat(0x1_0000_0000n) },
      { ...channelConfig, forwardingFeeProportionalMillionths: -1 },
    ];
    for (const config of bad) {
      assert.throws(() => bob.manager.updateChannelConfig(bc, config), { code: "api-misuse" });
    }
    bob.manager.updateChannelConfig(bc, { ...channelConfig, cltvExpiryDelta: 48 });
    bob.commit();
  });
});
