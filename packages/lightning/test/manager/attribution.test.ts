import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserConfig } from "#src/channel/config";
import { DecodeError } from "#src/codec/decodeError";
import { concatBytes } from "#src/util/bytes";
import { msat } from "#src/util/units";
import {
  type DecodedMessage,
  decodeMessage,
  encodeMessage,
  type LightningMessage,
  type UpdateFailHtlc,
  type UpdateFulfillHtlc,
} from "#src/wire/index";
import { preimageOf } from "../channel/pair.ts";
import { ManagerNet, type ManagerNode } from "./managers.ts";

const amount = msat(20_000_000n);
const preimage = preimageOf(77);
const fulfils = (_: ManagerNode, message: DecodedMessage) => message.type === "update_fulfill_htlc";

type Removing = UpdateFailHtlc | UpdateFulfillHtlc;

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

function isRemoving(message: DecodedMessage): message is Removing {
  return message.type === "update_fail_htlc" || message.type === "update_fulfill_htlc";
}

/** Delivers everything; what `from` says to remove an HTLC is changed on its way. */
function changing(net: ManagerNet, from: ManagerNode, change: (message: Removing) => Removing): void {
  net.settle((node, message) => node === from && isRemoving(message));
  const changed = from.outbox.map(({ to, message }) => ({
    to,
    message: isRemoving(message) ? change(message) : message,
  }));
  from.outbox.splice(0, from.outbox.length, ...changed);
  net.settle();
}

function withReason(message: Removing, change: (reason: Uint8Array) => Uint8Array): Removing {
  return message.type === "update_fail_htlc" ? { ...message, reason: change(message.reason) } : message;
}

function garbled(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
}

function removals(node: ManagerNode): readonly LightningMessage[] {
  return node.outbox.flatMap(({ message }) => (isRemoving(message) ? [message] : []));
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

describe("attribution data of a failed payment", () => {
  it("tells the payer how long each node held it, as far as it came", () => {
    const { net, nodes, pay, wait } = line();
    const [alice, , carol, dave] = nodes;
    const { paymentHash } = pay();
    net.settle();
    wait(700);
    dave.manager.failHtlcBackwards(paymentHash);
    net.settle((from, message) => from === carol && isRemoving(message));
    wait(400);
    net.settle();
    const failed = alice.eventsOf("payment-path-failed")[0];
    assert.deepEqual(failed?.holdTimes, [11, 7, 7]);
    assert.equal(failed?.failureName, "incorrect_or_unknown_payment_details");
  });

  it("comes from the node in the middle at which it failed", () => {
    const { net, nodes, path, pay, wait } = line();
    const [alice, , carol, dave] = nodes;
    net.disconnect(carol, dave);
    pay();
    net.settle((from, message) => from === carol && isRemoving(message));
    wait(200);
    net.settle();
    const failed = alice.eventsOf("payment-path-failed")[0];
    assert.deepEqual(failed?.holdTimes, [2, 0]);
    assert.equal(failed?.shortChannelId, shortChannelIdOf(path[2]));
  });

  it("names the channel at which the packet was garbled", () => {
    for (const [at, expected] of [
      [1, 0],
      [2, 1],
      [3, 2],
    ] as const) {
      const { net, nodes, path, pay } = line();
      const { paymentHash } = pay();
      net.settle();
      nodes[3].manager.failHtlcBackwards(paymentHash);
      changing(net, nodes[at], (message) => withReason(message, garbled));
      const failed = nodes[0].eventsOf("payment-path-failed")[0];
      assert.equal(failed?.shortChannelId, shortChannelIdOf(path[expected]), `node ${at}`);
      assert.equal(failed?.failureCode, undefined);
      assert.equal(failed?.paymentFailedPermanently, false);
      assert.equal(failed?.holdTimes?.length ?? 0, expected);
    }
  });

  it("does without nodes that have none", () => {
    const { net, nodes, pay } = line();
    const { paymentHash } = pay();
    net.settle();
    nodes[3].manager.failHtlcBackwards(paymentHash);
    changing(net, nodes[2], (message) => ({ ...message, tlvs: {} }) as Removing);
    const failed = nodes[0].eventsOf("payment-path-failed")[0];
    assert.deepEqual(failed?.holdTimes, [0]);
    assert.equal(failed?.failureName, "incorrect_or_unknown_payment_details");
  });

  it("does not depend on a restart of the node that passes it on", () => {
    const { net, nodes, pay, wait } = line();
    const [alice, bob, carol, dave] = nodes;
    const { paymentHash } = pay();
    net.settle();
    wait(300);
    dave.manager.failHtlcBackwards(paymentHash);
    // Bob dies when the failure is in his commitment and Carol has not revoked hers: it cannot go back yet.
    net.settle((from, message) => from === carol && isRemoving(message));
    net.settle((from, message) => from === carol && message.type === "revoke_and_ack");
    net.disconnect(alice, bob);
    net.disconnect(bob, carol);
    bob.restart();
    net.connect(bob, carol);
    net.settle();
    net.connect(alice, bob);
    // And again when it is signed and has not arrived: the same bytes are sent once more.
    net.settle((from, message) => from === bob && isRemoving(message));
    const sent = removals(bob);
    assert.equal(sent.length, 1);
    net.disconnect(alice, bob);
    bob.restart();
    net.connect(alice, bob);
    net.settle((from, message) => from === bob && isRemoving(message));
    assert.deepEqual(removals(bob), sent);
    net.settle();
    assert.deepEqual(alice.eventsOf("payment-path-failed")[0]?.holdTimes, [0, 3, 3]);
  });

  it("gives way to a packet that fills the message", () => {
    const largest = 65_535 - 44;
    for (const [length, told] of [
      [largest, 0],
      [largest - 924 + 1, 0],
      [largest - 924, 1],
    ] as const) {
      const { net, nodes, pay } = line();
      const { paymentHash } = pay();
      net.settle();
      nodes[3].manager.failHtlcBackwards(paymentHash);
      const change = (message: Removing): Removing => ({
        ...withReason(message, () => new Uint8Array(length).fill(7)),
        tlvs: {},
      });
      changing(net, nodes[2], change);
      const failed = nodes[0].eventsOf("payment-path-failed")[0];
      assert.equal(failed?.holdTimes?.length ?? 0, told, `${length} bytes`);
      assert.equal(nodes[0].eventsOf("payment-failed").length, 1);
    }
  });
});

describe("update_fulfill_htlc with attribution data", () => {
  it("says what it can after a restart of the node that passes it on", () => {
    const { net, nodes, pay, wait } = line();
    const [alice, bob, , dave] = nodes;
    pay();
    net.settle();
    net.disconnect(alice, bob);
    wait(900);
    dave.manager.claimFunds(preimage);
    net.settle();
    bob.restart();
    net.connect(bob, nodes[2]);
    net.connect(alice, bob);
    net.settle();
    assert.equal(alice.eventsOf("payment-sent").length, 1);
    assert.deepEqual(alice.eventsOf("payment-path-successful")[0]?.holdTimes, [9]);
  });

  it("is as good as without it when it was changed on the way", () => {
    for (const [at, expected] of [
      [1, undefined],
      [2, [0]],
      [3, [0, 0]],
    ] as const) {
      const { net, nodes, pay } = line();
      pay();
      net.settle();
      nodes[3].manager.claimFunds(preimage);
      changing(net, nodes[at], (message) => {
        const { attributionData } = message.tlvs;
        assert.ok(attributionData !== undefined);
        const truncatedHmacs = attributionData.truncatedHmacs.map((byte) => byte ^ 1);
        return { ...message, tlvs: { attributionData: { ...attributionData, truncatedHmacs } } };
      });
      assert.equal(nodes[0].eventsOf("payment-sent").length, 1);
      assert.deepEqual(nodes[0].eventsOf("payment-path-successful")[0]?.holdTimes, expected);
    }
  });

  it("is refused when the data has not its one length", () => {
    const { net, nodes, pay } = line();
    pay();
    net.settle();
    nodes[3].manager.claimFunds(preimage);
    net.settle((_, message) => isRemoving(message));
    const [message] = removals(nodes[3]);
    assert.ok(message !== undefined);
    const bytes = encodeMessage(message);
    assert.deepEqual(decodeMessage(bytes), message);
    // The record: its type, 1, a length in 3 bytes, and 920 bytes.
    const head = bytes.subarray(0, bytes.length - 924);
    assert.equal(bytes[head.length], 1);
    for (const length of [0, 1, 919, 921, 1_840]) {
      const tlv = new Uint8Array(length < 0xfd ? 2 + length : 4 + length);
      tlv.set(length < 0xfd ? [1, length] : [1, 0xfd, length >> 8, length & 0xff]);
      assert.throws(() => decodeMessage(concatBytes(head, tlv)), DecodeError, `${length} bytes`);
    }
  });
});

function shortChannelIdOf(hop: ReturnType<typeof line>["path"][number] | undefined): bigint | undefined {
  return hop?.by.manager.listChannels().find(({ channelId }) => channelId === hop.channelId)?.shortChannelId;
}
