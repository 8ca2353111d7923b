import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { htlcInterceptionFlags } from "#src/channel/config";
import type { Route } from "#src/routing/route";
import type { InterceptId, ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

const amount = msat(20_000_000n);
const push = msat(300_000_000n);

function line(flags: number) {
  const net = new ManagerNet();
  const [alice, bob, carol] = [
    net.add(),
    net.add({ ...testConfig, htlcInterceptionFlags: flags }),
    net.add(),
  ];
  net.connect(alice, bob);
  net.connect(bob, carol);
  const ab = net.open(alice, bob, { push });
  const bc = net.open(bob, carol, { push });
  const pay = (number: number, name?: ShortChannelId) => {
    const changed = ({ paths }: Route): Route => ({
      paths: paths.map((path) => ({
        ...path,
        hops: path.hops.map((hop, i) =>
          i === 1 && name !== undefined ? { ...hop, shortChannelId: name } : hop,
        ),
      })),
    });
    const path = [
      { to: bob, by: alice, channelId: ab },
      { to: carol, by: bob, channelId: bc },
    ];
    net.pay(alice, amount, path, { preimage: preimageOf(number), changed });
    net.settle();
  };
  return { net, alice, bob, carol, ab, bc, pay };
}

function ids(node: ManagerNode): readonly InterceptId[] {
  return node.eventsOf("htlc-intercepted").map(({ interceptId }) => interceptId);
}

const all = htlcInterceptionFlags.allValidHtlcs;

describe("an intercepted HTLC, attacked", () => {
  it("is not passed on twice when the user says so again in every state that it goes through", () => {
    const { net, bob, carol, bc, alice, pay } = line(all);
    pay(1);
    const [id] = ids(bob);
    const again = () => bob.manager.forwardInterceptedHtlc(present(id, "an id"), bc, carol.nodeId, amount);
    again();
    assert.throws(again);
    for (const kind of ["update_add_htlc", "commitment_signed", "revoke_and_ack"]) {
      net.settle((_, { type }) => type === kind);
      assert.throws(again);
    }
    net.settle();
    assert.throws(again);
    net.disconnect(alice, bob);
    net.disconnect(bob, carol);
    bob.restart();
    assert.throws(again);
    net.connect(alice, bob);
    net.connect(bob, carol);
    net.settle();
    assert.throws(again);
    assert.throws(() => bob.manager.failInterceptedHtlc(present(id, "an id")));
    assert.equal(carol.eventsOf("payment-claimable").length, 1);
    assert.ok(carol.manager.claimFunds(preimageOf(1)));
    net.settle();
    assert.throws(again);
    assert.equal(alice.eventsOf("payment-sent").length, 1);
  });

  it("never goes back while what was passed on may still be claimed", () => {
    const { net, alice, bob, carol, ab, bc, pay } = line(all);
    pay(1);
    // Bob has offered it to Carol, and she keeps him from signing.
    const longer = ({ paths }: Route): Route => ({
      paths: paths.map((path) => ({
        ...path,
        hops: path.hops.map((hop) => ({ ...hop, cltvExpiryDelta: 600 })),
      })),
    });
    const own = [{ to: carol, by: bob, channelId: bc }];
    net.pay(bob, msat(1_000_000n), own, { preimage: preimageOf(5), changed: longer });
    net.settle((from) => from === carol);
    bob.manager.forwardInterceptedHtlc(present(ids(bob)[0], "an id"), bc, carol.nodeId, amount);
    net.settle((from) => from === carol);
    const incoming = present(bob.manager.core.channels.funded(ab), "it");
    const expiry = present(incoming.commitments.htlcs[0], "the HTLC").cltvExpiry;
    net.mine(expiry - 39 - net.height);
    net.settle((from) => from === carol);
    // The offer has lapsed and was never signed. Only when it is taken back may the HTLC fail upstream.
    const failed = () => alice.eventsOf("payment-failed").length;
    assert.equal(failed(), 0);
    assert.ok(bob.disconnects.includes(carol.nodeId));
    net.disconnect(bob, carol);
    for (let i = 0; i < 4; i++) bob.manager.timerTickOccurred(0);
    net.settle();
    assert.equal(failed(), 1);
    const told = bob.eventsOf("htlc-handling-failed").at(-1);
    assert.deepEqual(told?.failureReason, { kind: "local", reason: "peer-offline" });
    net.connect(bob, carol);
    net.settle();
    assert.equal(failed(), 1);
    const left = bob.manager.core.channels
      .funded(bc)
      ?.commitments.htlcs.filter((one) => one.amount === amount);
    assert.deepEqual(left, []);
  });

  it("may be many, each with an id of its own, and nothing of them is left", () => {
    const { net, alice, bob, pay, ab } = line(all);
    for (let i = 1; i <= 20; i++) pay(i);
    assert.equal(new Set(ids(bob)).size, 20);
    net.disconnect(alice, bob);
    bob.restart();
    net.connect(alice, bob);
    net.settle();
    assert.equal(new Set(ids(bob)).size, 20);
    assert.equal(ids(bob).length, 40);
    for (const id of new Set(ids(bob))) bob.manager.failInterceptedHtlc(id);
    net.settle();
    assert.equal(alice.eventsOf("payment-failed").length, 20);
    const rows = [...bob.store.keys()].filter((key) => key.startsWith(`channel/${ab}/htlc`));
    assert.deepEqual(rows, []);
    bob.restart();
    assert.equal(ids(bob).length, 40);
  });

  it("may come back to where it came from", () => {
    for (const flags of [0, all]) {
      const { net, alice, bob, ab, pay } = line(flags);
      const { localAlias } = present(bob.manager.core.channels.funded(ab), "it").identity;
      pay(1, localAlias);
      for (const id of ids(bob)) bob.manager.forwardInterceptedHtlc(id, ab, alice.nodeId, amount);
      net.settle();
      // Alice cannot read an onion that is for Carol.
      assert.equal(alice.eventsOf("payment-failed").length, 1);
      assert.equal(alice.manager.listUsableChannels()[0]?.pendingHtlcs, 0);
      assert.equal(bob.manager.core.channels.get(ab)?.quarantined, false);
    }
  });
});
