import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserConfig } from "#src/channel/config";
import type { Route } from "#src/routing/route";
import type { ChannelId, ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { type Msat, msat, sat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

const push = msat(300_000_000n);

/** Alice - Bob - Carol. */
function line(config: Partial<UserConfig> = {}, funding = sat(1_000_000)) {
  const net = new ManagerNet();
  const [alice, bob, carol] = [net.add(), net.add({ ...testConfig, ...config }), net.add()];
  net.connect(alice, bob);
  net.connect(bob, carol);
  const ab = net.open(alice, bob, { push, funding });
  const bc = net.open(bob, carol, { push });
  return { net, alice, bob, carol, ab, bc };
}

type Line = ReturnType<typeof line>;

function pay(
  { net, alice, bob, carol, ab, bc }: Line,
  number: number,
  { amount = msat(1_000_000n), name = undefined as ShortChannelId | undefined } = {},
): void {
  const path = [
    { to: bob, by: alice, channelId: ab },
    { to: carol, by: bob, channelId: bc },
  ];
  const changed = (route: Route) => (name === undefined ? route : renamed(route, name));
  net.pay(alice, amount, path, { preimage: preimageOf(number), changed });
}

function renamed({ paths }: Route, name: ShortChannelId): Route {
  return {
    paths: paths.map((path) => ({
      ...path,
      hops: path.hops.map((hop, i) => (i === 1 ? { ...hop, shortChannelId: name } : hop)),
    })),
  };
}

/** What the payer and Bob's user were told last. */
function outcome({ alice, bob }: Line) {
  const told = bob.eventsOf("htlc-handling-failed").at(-1)?.failureReason;
  return [
    alice.eventsOf("payment-path-failed").at(-1)?.failureName,
    told?.kind === "local" ? told.reason : told?.kind,
  ];
}

function aliasOf(node: ManagerNode, channelId: ChannelId): ShortChannelId {
  return present(node.manager.core.channels.funded(channelId), "it").identity.localAlias;
}

describe("an HTLC that is to be passed on", () => {
  it("may call the channel by its alias", () => {
    const all = line();
    pay(all, 1, { name: aliasOf(all.bob, all.bc) });
    all.net.settle();
    assert.equal(all.carol.eventsOf("payment-claimable").length, 1);
  });

  it("is told of nothing that is private, as if there were nothing", () => {
    const hidden = line({ acceptForwardsToPrivChannels: false });
    pay(hidden, 1);
    hidden.net.settle();
    assert.deepEqual(outcome(hidden), ["unknown_next_peer", "private-channel-forward"]);
    const unknown = line();
    pay(unknown, 1, { name: 0x1234_0000_0000_0001n as ShortChannelId });
    unknown.net.settle();
    assert.deepEqual(outcome(unknown), ["unknown_next_peer", "unknown-next-peer"]);
    assert.deepEqual(unknown.bob.eventsOf("htlc-handling-failed")[0]?.failureType, {
      kind: "invalid-forward",
      requestedForwardScid: 0x1234_0000_0000_0001n,
    });
  });

  it("may not call a channel by its real name when that is to stay private", () => {
    const handshake = { ...testConfig.channelHandshakeConfig, negotiateScidPrivacy: true };
    const net = new ManagerNet();
    const [alice, bob, carol] = [
      net.add(),
      net.add({ ...testConfig, channelHandshakeConfig: handshake }),
      net.add(),
    ];
    net.connect(alice, bob);
    net.connect(bob, carol);
    const ab = net.open(alice, bob, { push });
    const bc = net.open(bob, carol, { push });
    assert.equal(bob.manager.core.channels.funded(bc)?.identity.scidPrivacy, true);
    const all = { net, alice, bob, carol, ab, bc };
    pay(all, 1);
    net.settle();
    assert.deepEqual(outcome(all), ["unknown_next_peer", "unknown-next-peer"]);
    pay(all, 2, { name: aliasOf(bob, bc) });
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable").length, 1);
  });

  it("is failed for good where the channel is closed, and for now where it is full or closing", () => {
    const closed = line();
    closed.bob.manager.forceCloseBroadcastingLatestTxn(closed.bc, "enough");
    closed.net.settle();
    pay(closed, 1);
    closed.net.settle();
    assert.deepEqual(outcome(closed), ["permanent_channel_failure", "channel-closed"]);

    const full = line();
    full.net.pay(full.bob, msat(300_000_000n), [{ to: full.carol, by: full.bob, channelId: full.bc }]);
    full.net.settle();
    pay(full, 1, { amount: msat(400_000_000n) });
    full.net.settle();
    assert.deepEqual(outcome(full), ["temporary_channel_failure", "htlc-maximum"]);

    const closing = line();
    closing.net.pay(closing.bob, msat(1_000n), [
      { to: closing.carol, by: closing.bob, channelId: closing.bc },
    ]);
    closing.net.settle();
    const { shortChannelId } = present(
      closing.bob.manager.listChannels().find(({ channelId }) => channelId === closing.bc),
      "it",
    );
    closing.bob.manager.closeChannel(closing.bc);
    closing.net.settle();
    pay(closing, 1, { name: present(shortChannelId, "its name") });
    closing.net.settle();
    assert.deepEqual(outcome(closing), ["channel_disabled", "channel-disabled"]);
  });

  it("is failed for now when the next peer has left", () => {
    const all = line();
    all.net.disconnect(all.bob, all.carol);
    pay(all, 1);
    all.net.settle();
    assert.deepEqual(outcome(all), ["temporary_channel_failure", "peer-offline"]);
    const [failed] = all.bob.eventsOf("htlc-handling-failed");
    assert.deepEqual(failed?.failureType, {
      kind: "forward",
      nodeId: all.carol.nodeId,
      channelId: all.bc,
    });
  });

  it("may pay the old fee for five ticks after a new one, or the new one", () => {
    const all = line();
    const { net, bob, bc } = all;
    // 2,000 msat are what these payments bring.
    bob.manager.updatePartialChannelConfig(bc, { forwardingFeeBase: msat(5_000n) });
    assert.equal(bob.manager.core.channels.funded(bc)?.identity.config.cltvExpiryDelta, 72);
    for (let i = 0; i < 4; i++) bob.manager.timerTickOccurred(0);
    pay(all, 1);
    net.settle();
    assert.equal(all.carol.eventsOf("payment-claimable").length, 1);
    bob.manager.timerTickOccurred(0);
    pay(all, 2);
    net.settle();
    assert.deepEqual(outcome(all), ["fee_insufficient", "fee-insufficient"]);
    bob.manager.updatePartialChannelConfig(bc, { forwardingFeeBase: msat(2_000n) });
    pay(all, 3);
    net.settle();
    assert.equal(all.carol.eventsOf("payment-claimable").length, 2);
    assert.throws(
      () => bob.manager.updatePartialChannelConfig(bc, { cltvExpiryDelta: 47 }),
      /cltvExpiryDelta/,
    );
    assert.throws(
      () => bob.manager.updatePartialChannelConfig("00".repeat(32) as ChannelId, {}),
      /no channel/,
    );
  });

  it("counts nothing that changes no payer's duty as a change", () => {
    const all = line();
    const { bob, bc } = all;
    bob.manager.updatePartialChannelConfig(bc, { forceCloseAvoidanceMaxFee: sat(5n) });
    assert.equal(bob.manager.core.forwarding.previousConfigs.of(bc), undefined);
  });

  it("is told the channel's present terms with the failure, under the name that it used", () => {
    const all = line();
    const { bob, bc } = all;
    const alias = aliasOf(bob, bc);
    const update = bob.manager.core.announcer.updateNamed(bc, alias);
    // Type 258, signature, chain hash, then the name.
    assert.deepEqual([...update.subarray(0, 2)], [1, 2]);
    const name = new DataView(update.buffer, update.byteOffset + 2 + 64 + 32).getBigUint64(0);
    assert.equal(name, alias);
    assert.equal(bob.manager.core.announcer.updateNamed(bc, alias).join(), update.join(), "signed once");
    bob.manager.updatePartialChannelConfig(bc, { forwardingFeeBase: msat(7n) });
    assert.notEqual(bob.manager.core.announcer.updateNamed(bc, alias).join(), update.join());
  });
});

describe("channels to the same peer", () => {
  it("carry what the named one could not, the smallest first", () => {
    const all = line({}, sat(2_000_000));
    const { net, bob, carol, bc } = all;
    const small = net.open(bob, carol, { funding: sat(100_000), push: msat(0) });
    const large = net.open(bob, carol, { funding: sat(5_000_000), push: msat(0) });
    const pending = (channelId: ChannelId) =>
      bob.manager.listChannels().find((one) => one.channelId === channelId)?.pendingHtlcs;
    pay(all, 1, { amount: msat(10_000_000n) });
    net.settle();
    assert.deepEqual([bc, small, large].map(pending), [0, 1, 0]);
    pay(all, 2, { amount: msat(95_000_000n) });
    net.settle();
    assert.deepEqual([bc, small, large].map(pending), [1, 1, 0]);
    pay(all, 3, { amount: msat(650_000_000n) as Msat });
    net.settle();
    assert.deepEqual([bc, small, large].map(pending), [1, 1, 1]);
    assert.equal(carol.eventsOf("payment-claimable").length, 3);
    for (const { nextHtlcs } of bob.eventsOf("payment-forwarded")) assert.equal(nextHtlcs.length, 1);
  });
});

describe("HTLCs of one moment", () => {
  it("go on under one signature, and come back under one", () => {
    const all = line();
    const { net, bob, carol } = all;
    const signed = (from: ManagerNode, to: ManagerNode) =>
      net.sent.filter((one) => one.from === from && one.to === to && one.type === "commitment_signed").length;
    for (let i = 0; i < 30; i++) pay(all, i + 1, { amount: msat(1_000_000n + BigInt(i)) });
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable").length, 30);
    const before = signed(bob, carol);
    assert.ok(before <= 12, `${before} commitments`);
    net.sent.length = 0;
    for (let i = 0; i < 30; i++) carol.manager.claimFunds(preimageOf(i + 1));
    // The first one is signed for at once; as long as Alice owes a revocation for that, the others gather.
    net.settle((from) => from === all.alice);
    net.settle();
    assert.equal(bob.eventsOf("payment-forwarded").length, 30);
    assert.deepEqual([signed(carol, bob), signed(bob, carol)], [1, 1]);
    assert.equal(signed(bob, all.alice), 2);
  });

  it("wait together when they are told to, and go on when they are told to", () => {
    const all = line();
    const { net, bob, carol } = all;
    bob.manager.deferHtlcForwards();
    net.sent.length = 0;
    for (let i = 0; i < 30; i++) {
      pay(all, i + 1);
      net.settle();
    }
    assert.ok(bob.manager.needsPendingHtlcProcessing());
    assert.equal(carol.eventsOf("payment-claimable").length, 0);
    const isForward = ({ from, to, type }: (typeof net.sent)[number]) =>
      from === bob && to === carol && type === "commitment_signed";
    assert.equal(net.sent.filter(isForward).length, 0);
    bob.manager.processPendingHtlcForwards();
    net.settle();
    assert.equal(carol.eventsOf("payment-claimable").length, 30);
    assert.equal(net.sent.filter(isForward).length, 1);
    assert.equal(bob.manager.needsPendingHtlcProcessing(), false);
  });
});

describe("a peer's budget", () => {
  /** Alice - Bob - Carol, and Dave, who has a channel with Bob, too. */
  function crossing(config: Partial<UserConfig> = {}) {
    const all = line(config);
    const dave = all.net.add();
    all.net.connect(dave, all.bob);
    const db = all.net.open(dave, all.bob, { push });
    const payFromDave = (number: number) => {
      const path = [
        { to: all.bob, by: dave, channelId: db },
        { to: all.carol, by: all.bob, channelId: all.bc },
      ];
      all.net.pay(dave, msat(1_000_000n), path, { preimage: preimageOf(number) });
      all.net.settle();
    };
    return { ...all, dave, payFromDave };
  }

  const arrived = ({ carol }: Pick<Line, "carol">) => carol.eventsOf("payment-claimable").length;

  it("leaves slots to others: 40 of 50 are one peer's", () => {
    const all = crossing();
    for (let i = 0; i < 45; i++) pay(all, i + 1);
    all.net.settle();
    assert.equal(arrived(all), 40);
    assert.deepEqual(outcome(all), ["temporary_channel_failure", "forwarding-budget"]);
    for (let i = 0; i < 10; i++) all.payFromDave(100 + i);
    assert.equal(arrived(all), 50);
    // What is settled makes room.
    for (let i = 0; i < 5; i++) assert.ok(all.carol.manager.claimFunds(preimageOf(i + 1)));
    all.net.settle();
    for (let i = 0; i < 5; i++) pay(all, 60 + i);
    all.net.settle();
    assert.equal(arrived(all), 55);
  });

  it("leaves liquidity to others, and does not limit us", () => {
    const all = crossing();
    pay(all, 1, { amount: msat(400_000_000n) });
    pay(all, 2, { amount: msat(200_000_000n) });
    all.net.settle();
    assert.equal(arrived(all), 1);
    all.payFromDave(3);
    assert.equal(arrived(all), 2);
    const { net, bob, carol, bc } = all;
    net.pay(bob, msat(200_000_000n), [{ to: carol, by: bob, channelId: bc }]);
    net.settle();
    assert.equal(arrived(all), 3);
  });

  it("is all there is when nobody else could want it, or the user sets no limit", () => {
    const alone = line();
    for (let i = 0; i < 50; i++) pay(alone, i + 1);
    alone.net.settle();
    assert.equal(arrived(alone), 50);
    const all = crossing({ forwardingBudget: { maxSlotsPercent: 100, maxLiquidityPercent: 100 } });
    for (let i = 0; i < 50; i++) pay(all, i + 1);
    all.net.settle();
    assert.equal(arrived(all), 50);
  });

  it("survives a restart", () => {
    const all = crossing();
    for (let i = 0; i < 40; i++) pay(all, i + 1);
    all.net.settle();
    for (const node of [all.alice, all.carol, all.dave]) all.net.disconnect(node, all.bob);
    all.bob.restart();
    for (const node of [all.alice, all.carol, all.dave]) all.net.connect(node, all.bob);
    all.net.settle();
    pay(all, 50);
    all.net.settle();
    assert.deepEqual(outcome(all), ["temporary_channel_failure", "forwarding-budget"]);
  });
});
