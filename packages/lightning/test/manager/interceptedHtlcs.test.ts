import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ChannelConfig, htlcInterceptionFlags, type UserConfig } from "#src/channel/config";
import type { Route } from "#src/routing/route";
import type { ChannelId, ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { type Msat, msat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

const amount = msat(20_000_000n);
const preimage = preimageOf(77);
const push = msat(300_000_000n);

/** Alice - Bob - Carol. Carol takes HTLCs from which Bob has kept something. */
function line(flags: number, config: Partial<UserConfig> = {}) {
  const net = new ManagerNet();
  const alice = net.add();
  const bob = net.add({ ...testConfig, htlcInterceptionFlags: flags, ...config });
  const carolConfig: ChannelConfig = { ...testConfig.channelConfig, acceptUnderpayingHtlcs: true };
  const carol = net.add({ ...testConfig, channelConfig: carolConfig });
  net.connect(alice, bob);
  net.connect(bob, carol);
  const ab = net.open(alice, bob, { push });
  const bc = net.open(bob, carol, { push });
  const before = balance(bob, ab) + balance(bob, bc);
  const earned = () => balance(bob, ab) + balance(bob, bc) - before;
  return { net, alice, bob, carol, ab, bc, earned };
}

type Line = ReturnType<typeof line>;

function balance(node: ManagerNode, channelId: ChannelId): bigint {
  return node.manager.listChannels().find((one) => one.channelId === channelId)?.localBalance ?? -1n;
}

/** Alice pays Carol; Bob's channel to Carol, or what else it is called, is `name`. */
function pay({ net, alice, bob, carol, ab, bc }: Line, name?: ShortChannelId): void {
  const path = [
    { to: bob, by: alice, channelId: ab },
    { to: carol, by: bob, channelId: bc },
  ];
  const changed = (route: Route) => (name === undefined ? route : renamed(route, name));
  net.pay(alice, amount, path, { preimage, changed });
  net.settle();
}

function renamed({ paths }: Route, name: ShortChannelId): Route {
  return {
    paths: paths.map((path) => ({
      ...path,
      hops: path.hops.map((hop, i) => (i === 1 ? { ...hop, shortChannelId: name } : hop)),
    })),
  };
}

function intercepted(node: ManagerNode) {
  return node.eventsOf("htlc-intercepted");
}

function idOf(node: ManagerNode) {
  return present(intercepted(node).at(-1), "htlc-intercepted").interceptId;
}

function restart({ net, alice, bob, carol }: Line): void {
  net.disconnect(alice, bob);
  net.disconnect(bob, carol);
  bob.restart();
}

function reconnect({ net, alice, bob, carol }: Line): void {
  net.connect(alice, bob);
  net.connect(bob, carol);
  net.settle();
}

/** Carol claims, and everybody has what is theirs. */
function claims({ net, alice, bob, carol, earned }: Line, fee: bigint): void {
  assert.ok(carol.manager.claimFunds(preimage));
  net.settle();
  assert.equal(alice.eventsOf("payment-sent").length, 1);
  assert.equal(earned(), fee);
  assert.equal(bob.eventsOf("payment-forwarded").at(-1)?.totalFeeEarned, fee);
  for (const node of [alice, bob, carol]) {
    for (const { pendingHtlcs, isUsable } of node.manager.listChannels()) {
      assert.equal(pendingHtlcs, 0);
      assert.ok(isUsable);
    }
  }
}

function failed({ net, alice, earned }: Line): void {
  net.settle();
  assert.equal(alice.eventsOf("payment-failed").length, 1);
  assert.equal(earned(), 0n);
  for (const { pendingHtlcs } of alice.manager.listChannels()) assert.equal(pendingHtlcs, 0);
}

const { toInterceptScids, toOnlinePrivateChannels, toOfflinePrivateChannels } = htlcInterceptionFlags;

describe("an intercepted HTLC", () => {
  it("waits for the user, who passes it on and keeps something of it", () => {
    const all = line(toInterceptScids);
    const { net, bob, carol, bc } = all;
    const scid = bob.manager.getInterceptScid();
    pay(all, scid);
    const [event] = intercepted(bob);
    assert.equal(event?.requestedNextHopScid, scid);
    assert.equal(event?.inboundAmount, amount + 2_000n);
    assert.equal(event?.expectedOutboundAmount, amount);
    assert.equal(carol.eventsOf("payment-claimable").length, 0);
    const less = msat(amount - 500n);
    bob.manager.forwardInterceptedHtlc(idOf(bob), bc, carol.nodeId, less);
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable")[0]?.counterpartySkimmedFee, 500n);
    claims(all, 2_500n);
    assert.equal(bob.eventsOf("payment-forwarded")[0]?.skimmedFee, 500n);
    const [prev] = present(bob.eventsOf("payment-forwarded")[0], "it").prevHtlcs;
    assert.deepEqual([prev?.channelId, prev?.nodeId], [all.ab, all.alice.nodeId]);
  });

  it("is failed by the user, once", () => {
    const all = line(toInterceptScids);
    const { bob } = all;
    pay(all, bob.manager.getInterceptScid());
    const id = idOf(bob);
    bob.manager.failInterceptedHtlc(id);
    assert.throws(() => bob.manager.failInterceptedHtlc(id), /was decided/);
    failed(all);
    assert.equal(bob.eventsOf("htlc-handling-failed").length, 1);
    assert.throws(() => bob.manager.failInterceptedHtlc(id), /was decided/);
  });

  it("is told of again after a restart, under the same id, until the user has decided", () => {
    const all = line(toInterceptScids);
    const { bob, carol, bc, net } = all;
    pay(all, bob.manager.getInterceptScid());
    const id = idOf(bob);
    for (let i = 2; i < 5; i++) {
      restart(all);
      assert.equal(intercepted(bob).length, i);
      assert.equal(idOf(bob), id);
    }
    reconnect(all);
    bob.manager.forwardInterceptedHtlc(id, bc, carol.nodeId, amount);
    net.settle();
    claims(all, 2_000n);
  });

  it("goes where the user said although the node died before it was signed", () => {
    const all = line(toInterceptScids);
    const { net, bob, carol, bc } = all;
    pay(all, bob.manager.getInterceptScid());
    // Carol owes a revocation: nothing new is signed for her.
    net.pay(bob, msat(1_000_000n), [{ to: carol, by: bob, channelId: bc }], { preimage: preimageOf(5) });
    net.settle((from) => from === carol);
    bob.manager.forwardInterceptedHtlc(idOf(bob), bc, carol.nodeId, amount);
    net.settle((from) => from === carol);
    const [row] = present(bob.manager.core.channels.funded(all.ab), "it").incoming;
    assert.equal(row?.disposition.kind, "intercepted");
    const told = intercepted(bob).length;
    restart(all);
    assert.equal(intercepted(bob).length, told, "the user has decided");
    assert.throws(() => bob.manager.failInterceptedHtlc(idOf(bob)), /was decided/);
    reconnect(all);
    assert.equal(carol.eventsOf("payment-claimable").length, 2);
    assert.ok(carol.manager.claimFunds(preimageOf(5)));
    net.settle();
    const { alice } = all;
    assert.ok(carol.manager.claimFunds(preimage));
    net.settle();
    assert.equal(alice.eventsOf("payment-sent").length, 1);
  });

  it("goes where the user said when the connection goes before it is signed, or back when that stays away", () => {
    for (const comesBack of [true, false]) {
      const all = line(toInterceptScids);
      const { net, bob, carol, bc } = all;
      pay(all, bob.manager.getInterceptScid());
      bob.manager.forwardInterceptedHtlc(idOf(bob), bc, carol.nodeId, amount);
      bob.manager.peerDisconnected(carol.nodeId);
      net.disconnect(bob, carol);
      net.settle();
      if (comesBack) {
        net.connect(bob, carol);
        net.settle();
        claims(all, 2_000n);
      } else {
        for (let i = 0; i < 4; i++) bob.manager.timerTickOccurred(0);
        failed(all);
      }
    }
  });

  it("goes back before it expires, and cannot be passed on any more", () => {
    const all = line(toInterceptScids);
    const { net, bob, carol, ab, bc } = all;
    pay(all, bob.manager.getInterceptScid());
    const [htlc] = present(bob.manager.core.channels.funded(ab), "it").commitments.htlcs;
    const deadline = present(htlc, "the HTLC").cltvExpiry - 39;
    net.mine(deadline - 1 - net.height);
    net.settle();
    assert.equal(all.alice.eventsOf("payment-failed").length, 0);
    net.mine(1);
    failed(all);
    const forward = () => bob.manager.forwardInterceptedHtlc(idOf(bob), bc, carol.nodeId, amount);
    assert.throws(forward, /failed back in time/);
    const [told] = bob.eventsOf("htlc-handling-failed");
    assert.deepEqual(told?.failureReason, { kind: "local", reason: "forward-expiry-buffer" });
    assert.equal(all.alice.manager.listUsableChannels().length, 1);
  });

  it("still waits when it cannot be passed on as the user wants", () => {
    const all = line(toInterceptScids);
    const { net, bob, carol, ab, bc } = all;
    pay(all, bob.manager.getInterceptScid());
    const id = idOf(bob);
    const to = { channelId: bc, nodeId: carol.nodeId, amount };
    const forward = (other: Partial<typeof to>) => () => {
      const { channelId, nodeId, amount: less } = { ...to, ...other };
      bob.manager.forwardInterceptedHtlc(id, channelId, nodeId, less);
    };
    assert.throws(forward({ amount: msat(amount + 2_001n) }), /more than/);
    assert.throws(forward({ amount: msat(0n) }), /no amount/);
    assert.throws(forward({ channelId: "00".repeat(32) as ChannelId }), /no channel/);
    assert.throws(forward({ nodeId: all.alice.nodeId }), /no channel/);
    assert.throws(forward({ channelId: ab }), /no channel/);
    net.disconnect(bob, carol);
    assert.throws(forward({}), /cannot be used now/);
    net.connect(bob, carol);
    net.settle();
    forward({})();
    assert.throws(forward({}), /was decided/);
    net.settle();
    claims(all, 2_000n);
  });

  it("is not passed on when the channel that it came by was closed", () => {
    const all = line(toInterceptScids);
    const { net, bob, carol, ab, bc } = all;
    pay(all, bob.manager.getInterceptScid());
    bob.manager.forceCloseBroadcastingLatestTxn(ab, "enough");
    net.settle();
    const forward = () => bob.manager.forwardInterceptedHtlc(idOf(bob), bc, carol.nodeId, amount);
    assert.throws(forward, /its channel closed/);
    bob.restart();
    assert.throws(forward, /its channel closed/);
  });
});

describe("interception by class", () => {
  /** How many HTLCs were intercepted, and whether the payment got to Carol by itself. */
  const outcome = (flags: number, name: (all: Line) => ShortChannelId | undefined = () => undefined) => {
    const all = line(flags);
    pay(all, name(all));
    return [intercepted(all.bob).length, all.carol.eventsOf("payment-claimable").length];
  };

  it("takes what its flags name, and nothing else", () => {
    const unknown = () => 0x0000_0500_0000_0001n as ShortChannelId;
    assert.deepEqual(outcome(0), [0, 1]);
    assert.deepEqual(outcome(toInterceptScids), [0, 1]);
    assert.deepEqual(outcome(toOfflinePrivateChannels), [0, 1]);
    assert.deepEqual(outcome(toOnlinePrivateChannels), [1, 0]);
    assert.deepEqual(outcome(htlcInterceptionFlags.toPublicChannels), [0, 1]);
    assert.deepEqual(outcome(htlcInterceptionFlags.fromPrivateChannels), [1, 0]);
    assert.deepEqual(outcome(htlcInterceptionFlags.fromPublicToPrivateChannels), [0, 1]);
    assert.deepEqual(outcome(htlcInterceptionFlags.fromPublicToPublicChannels), [0, 1]);
    assert.deepEqual(outcome(htlcInterceptionFlags.toUnknownScids), [0, 1]);
    assert.deepEqual(outcome(htlcInterceptionFlags.toUnknownScids, unknown), [1, 0]);
    assert.deepEqual(outcome(htlcInterceptionFlags.toAllKnownScids, unknown), [0, 0]);
    const ours = ({ bob }: Line) => bob.manager.getInterceptScid();
    assert.deepEqual(outcome(htlcInterceptionFlags.toUnknownScids, ours), [0, 0]);
    assert.deepEqual(outcome(0, ours), [0, 0]);
  });

  it("holds what goes to a peer that is away, and passes it on when the peer is there", () => {
    const all = line(toOfflinePrivateChannels);
    const { net, bob, carol, bc } = all;
    net.disconnect(bob, carol);
    pay(all);
    assert.equal(intercepted(bob).length, 1);
    net.connect(bob, carol);
    net.settle();
    bob.manager.forwardInterceptedHtlc(idOf(bob), bc, carol.nodeId, amount);
    net.settle();
    claims(all, 2_000n);
  });

  it("demands the channel's fee before", () => {
    const all = line(toOnlinePrivateChannels);
    const { bob, bc } = all;
    bob.manager.updatePartialChannelConfig(bc, { forwardingFeeBase: msat(2_001n) as Msat });
    for (let i = 0; i < 5; i++) bob.manager.timerTickOccurred(0);
    pay(all);
    assert.equal(intercepted(bob).length, 0);
    failed(all);
    const [told] = bob.eventsOf("htlc-handling-failed");
    assert.deepEqual(told?.failureReason, { kind: "local", reason: "fee-insufficient" });
  });
});
