import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat } from "#src/util/units";
import type { ChannelUpdate } from "#src/wire/index";
import { ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

const now = 1_800_000_000;
const week = 7 * 24 * 3_600;

/** Alice - Bob, announced. */
function pair() {
  const config = {
    ...testConfig,
    channelHandshakeConfig: { ...testConfig.channelHandshakeConfig, announceForForwarding: true },
  };
  const net = new ManagerNet();
  const [alice, bob] = [net.add(config), net.add(config)];
  net.connect(alice, bob);
  const channelId = net.open(alice, bob);
  net.mine(6);
  net.settle();
  return { net, alice, bob, channelId };
}

function updates({ gossip }: ManagerNode): readonly ChannelUpdate[] {
  return gossip.filter((message): message is ChannelUpdate => message.type === "channel_update");
}

/** For each update, whether it says that the channel may be used. */
function told(node: ManagerNode): readonly boolean[] {
  return updates(node).map(({ channelFlags }) => (channelFlags & 0b10) === 0);
}

function ticks(node: ManagerNode, count: number, time = now): void {
  for (let i = 0; i < count; i++) {
    node.manager.timerTickOccurred(time);
    node.commit();
  }
}

describe("what the network is told of an announced channel", () => {
  it("is its announcement and one update, however often its peer comes and goes for a while", () => {
    const { net, alice, bob } = pair();
    assert.deepEqual(told(bob), [true]);
    assert.equal(bob.gossip.filter(({ type }) => type === "channel_announcement").length, 1);
    for (let i = 0; i < 5; i++) {
      net.disconnect(alice, bob);
      ticks(bob, 9);
      net.connect(alice, bob);
      net.settle();
      ticks(bob, 1);
    }
    assert.deepEqual(told(bob), [true]);
  });

  it("is that it is out of use after ten minutes, and in use again after five", () => {
    const { net, alice, bob, channelId } = pair();
    net.disconnect(alice, bob);
    ticks(bob, 10);
    assert.deepEqual(told(bob), [true]);
    assert.equal(bob.manager.core.announcer.isDisabled(channelId), false);
    ticks(bob, 1);
    assert.deepEqual(told(bob), [true, false]);
    assert.equal(bob.manager.core.announcer.isDisabled(channelId), true);
    ticks(bob, 100);
    net.connect(alice, bob);
    net.settle();
    ticks(bob, 5);
    assert.deepEqual(told(bob), [true, false]);
    ticks(bob, 1);
    assert.deepEqual(told(bob), [true, false, true]);
    const times = updates(bob).map(({ timestamp }) => timestamp);
    assert.deepEqual([...new Set(times)].sort(), times, "each is newer than the one before");
  });

  it("is a new fee at once, and the same one not again", () => {
    const { bob, channelId } = pair();
    bob.manager.updatePartialChannelConfig(channelId, { forwardingFeeBase: msat(7n) });
    bob.commit();
    assert.equal(updates(bob).at(-1)?.feeBaseMsat, 7n);
    bob.manager.updatePartialChannelConfig(channelId, { forwardingFeeBase: msat(7n) });
    bob.commit();
    assert.equal(updates(bob).length, 2);
  });

  it("is told again after a week: what is two weeks old is forgotten", () => {
    const { bob } = pair();
    const first = updates(bob)[0]?.timestamp ?? assert.fail("no update");
    ticks(bob, 3, first + week - 1);
    assert.equal(updates(bob).length, 1);
    ticks(bob, 3, first + week);
    assert.equal(updates(bob).length, 2);
  });

  it("is that it ends, at once", () => {
    const { net, bob, channelId } = pair();
    bob.manager.forceCloseBroadcastingLatestTxn(channelId, "enough");
    net.settle();
    assert.deepEqual(told(bob), [true, false]);
  });

  it("begins anew after a restart, once the channel is in use, or stays out of it", () => {
    const { net, alice, bob } = pair();
    net.disconnect(alice, bob);
    bob.gossip.length = 0;
    bob.restart();
    assert.deepEqual(told(bob), []);
    net.connect(alice, bob);
    net.settle();
    assert.deepEqual(told(bob), [true]);
    assert.equal(bob.gossip.filter(({ type }) => type === "channel_announcement").length, 1);
    net.disconnect(alice, bob);
    bob.gossip.length = 0;
    bob.restart();
    ticks(bob, 10);
    assert.deepEqual(told(bob), []);
    ticks(bob, 1);
    assert.deepEqual(told(bob), [false]);
  });
});
