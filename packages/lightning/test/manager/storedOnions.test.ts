import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FundedChannel } from "#src/channel/state";
import { fundedChannel } from "#src/channel/state";
import { channelsPrefix } from "#src/storage/v1/keys";
import { readChannels } from "#src/storage/v1/readChannel";
import type { ChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { entriesOf } from "../storage/entriesOf.ts";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const packetLength = 1_366;

/** Alice - Bob - Carol. */
function line() {
  const net = new ManagerNet();
  const [alice, bob, carol] = [net.add(), net.add(), net.add()];
  net.connect(alice, bob);
  net.connect(bob, carol);
  const [ab, bc] = [net.open(alice, bob), net.open(bob, carol)];
  const pay = () =>
    net.pay(alice, msat(20_000_000), [
      { to: bob, by: alice, channelId: ab },
      { to: carol, by: bob, channelId: bc },
    ]);
  return { net, alice, bob, carol, ab, bc, pay };
}

function stored(node: ManagerNode): readonly FundedChannel[] {
  const states = readChannels(entriesOf(node.store, channelsPrefix));
  assert.ok(states.ok, states.ok ? "" : states.error.text);
  return states.value.map((state) => present(fundedChannel(state), "a stored channel"));
}

function inMemory(node: ManagerNode, id: ChannelId): FundedChannel {
  return present(node.manager.core.channels.funded(id), "a channel");
}

/** Onions that the node may have to send again are in its store as it sent them; gives their number. */
function compareSent(node: ManagerNode): number {
  let compared = 0;
  for (const channel of stored(node)) {
    const known = inMemory(node, channel.commitments.channelId);
    for (const { id, state } of channel.commitments.htlcs) {
      if (state !== "sent-add-commit") continue;
      const [read, sent] = [channel, known].map(({ outgoing }) => outgoing.find((one) => one.id === id));
      assert.ok(read && sent && sent.onion.length === packetLength);
      assert.deepEqual(read.onion, sent.onion);
      compared++;
    }
  }
  return compared;
}

function wholeOnionsIn(node: ManagerNode): number {
  return [...node.store.values()].filter(({ length }) => length >= packetLength).length;
}

describe("onions in the store", () => {
  it("are those that may have to be sent again, at any moment, and stored once for each hop", () => {
    const { net, alice, bob, carol, pay } = line();
    pay();
    const compared = new Map<ManagerNode, number>();
    const most = new Map<ManagerNode, number>();
    net.settle((from) => {
      compared.set(from, (compared.get(from) ?? 0) + compareSent(from));
      for (const node of net.nodes) most.set(node, Math.max(most.get(node) ?? 0, wholeOnionsIn(node)));
      return false;
    });
    assert.ok((compared.get(alice) ?? 0) > 0 && (compared.get(bob) ?? 0) > 0);
    // The payer makes it again, the hop finds its own in the one that came.
    assert.deepEqual(
      [alice, bob, carol].map((node) => most.get(node)),
      [0, 1, 1],
    );
    const { paymentHash } = present(carol.manager.listClaimablePayments()[0], "a payment");
    carol.manager.failHtlcBackwards(paymentHash);
    net.settle();
    assert.deepEqual([alice, bob, carol].map(wholeOnionsIn), [0, 0, 0]);
  });

  it("are sent again as they were after a crash of either sender", () => {
    for (const name of ["alice", "bob"] as const) {
      const all = line();
      const { net, carol, pay } = all;
      pay();
      const node = all[name];
      const next = name === "alice" ? all.bob : carol;
      const isOurs = (from: ManagerNode, type: string) => from === node && type === "commitment_signed";
      let offered: Uint8Array | undefined;
      net.settle((from, message) => {
        if (from === node && message.type === "update_add_htlc") offered = message.onionRoutingPacket;
        return isOurs(from, message.type) && offered !== undefined;
      });
      net.disconnect(node, next);
      const peer = name === "alice" ? undefined : all.alice;
      if (peer !== undefined) net.disconnect(node, peer);
      node.restart();
      if (peer !== undefined) net.connect(peer, node);
      net.connect(node, next);
      let again: Uint8Array | undefined;
      net.settle((from, message) => {
        if (from === node && message.type === "update_add_htlc") again = message.onionRoutingPacket;
        return false;
      });
      assert.ok(offered !== undefined && again !== undefined && offered !== again);
      assert.deepEqual(again, offered);
      assert.equal(carol.manager.listClaimablePayments().length, 1);
    }
  });

  it("are missed when the one that came is lost", () => {
    const { net, bob, carol, pay } = line();
    pay();
    net.settle((from, message) => from === carol && message.type === "revoke_and_ack");
    assert.equal(compareSent(bob), 1);
    const rows = entriesOf(bob.store, channelsPrefix);
    const onion = present(
      rows.find(({ key }) => key.endsWith("/onion")),
      "an onion",
    );
    const read = readChannels(rows.filter((row) => row !== onion));
    assert.ok(!read.ok && read.error.text.includes("missing"));
  });

  it("are replaced by one that nobody can read when the incoming HTLC is gone: the next node fails it", () => {
    const { net, bob, carol, ab, pay } = line();
    pay();
    net.settle((from, message) => from === carol && message.type === "revoke_and_ack");
    const rows = entriesOf(bob.store, channelsPrefix).filter(({ key }) => !key.includes(ab));
    const read = readChannels(rows);
    assert.ok(read.ok);
    const [state] = read.value;
    const outgoing = state && fundedChannel(state)?.outgoing[0];
    assert.deepEqual(outgoing?.onion, new Uint8Array(packetLength));
  });
});
