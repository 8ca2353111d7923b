import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserConfig } from "#src/channel/config";
import { msat } from "#src/util/units";
import type { DecodedMessage } from "#src/wire/index";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const amount = msat(20_000_000n);
const preimage = preimageOf(77);
const fulfils = (_: ManagerNode, message: DecodedMessage) => message.type === "update_fulfill_htlc";

/** Alice - Bob - Carol - Dave with one clock, and a payment along all of it. */
function line(config?: UserConfig) {
  const net = new ManagerNet();
  let milliseconds = 5_000;
  const [alice, bob, carol, dave] = [0, 1, 2, 3].map(() => net.add(config, () => milliseconds));
  assert.ok(alice && bob && carol && dave);
  const hops = [
    [alice, bob],
    [bob, carol],
    [carol, dave],
  ] as const;
  const path = hops.map(([by, to]) => {
    net.connect(by, to);
    return { by, to, channelId: net.open(by, to, { push: msat(300_000_000n) }) };
  });
  const pay = () => net.pay(alice, amount, path, { preimage });
  const wait = (time: number) => {
    milliseconds += time;
  };
  return { net, nodes: [alice, bob, carol, dave] as const, path, pay, wait };
}

describe("attribution data of a fulfilled payment", () => {
  it("tells the payer how long each node held it", () => {
    const { net, nodes, pay, wait } = line();
    const [alice, bob, carol, dave] = nodes;
    pay();
    net.settle();
    wait(1_250);
    dave.manager.claimFunds(preimage);
    for (const [node, time] of [
      [dave, 300],
      [carol, 1_000],
      [bob, 70],
    ] as const) {
      net.settle((from, message) => from === node && fulfils(from, message));
      wait(time);
      net.settle((from, message) => from !== node && fulfils(from, message));
    }
    net.settle();
    assert.deepEqual(alice.eventsOf("payment-path-successful")[0]?.holdTimes, [25, 15, 12]);
  });

  it("says 0 where there is no clock", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const channelId = net.open(alice, bob);
    net.pay(alice, amount, [{ by: alice, to: bob, channelId }], { preimage });
    net.settle();
    bob.manager.claimFunds(preimage);
    net.settle();
    assert.deepEqual(alice.eventsOf("payment-path-successful")[0]?.holdTimes, [0]);
  });
});
