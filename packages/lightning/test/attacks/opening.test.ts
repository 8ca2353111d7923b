import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { UserConfig } from "#src/channel/config";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { Signature } from "#src/util/bytes";
import type { OutPoint, Txid } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat, sat } from "#src/util/units";
import { ManagerNet, type ManagerNode } from "../manager/managers.ts";
import { configFor, signFunding } from "./attackLine.ts";

// What a peer may do with a channel before it has put anything into it.

/** Mallory opens to Bob and signs for any output of any transaction as the funding. */
function fundWith(
  net: ManagerNet,
  from: { readonly mallory: ManagerNode; readonly bob: ManagerNode },
  funding: (real: Transaction) => { readonly transaction: Transaction; readonly index: number },
): Transaction {
  const { mallory, bob } = from;
  const { temporary, transaction: real } = net.offer(mallory, bob);
  const { transaction, index } = funding(real);
  const outPoint: OutPoint = { txid: txid(transaction), index };
  signFunding(mallory, bob, { temporary, outPoint });
  // From here on Mallory is silent.
  net.nodes.splice(net.nodes.indexOf(mallory), 1);
  net.settle();
  return transaction;
}

/** Which nodes, by their places in the net, have sent messages of this type. */
function watchFor(net: ManagerNet, type: string): { readonly from: number[] } {
  const from: number[] = [];
  const settle = net.settle.bind(net);
  net.settle = (held) =>
    settle((node, message) => {
      const index = net.nodes.indexOf(node);
      if (message.type === type && !from.includes(index)) from.push(index);
      return held?.(node, message) ?? false;
    });
  return { from };
}

function withOutputs(real: Transaction, outputs: Transaction["outputs"]): Transaction {
  return { ...real, outputs };
}

const other = { value: sat(1_000_000), script: new Uint8Array(34).fill(0x51) };

describe("fake funding (CVE-2019-12998, -12999, -13000)", () => {
  const frauds: Readonly<
    Record<string, (real: Transaction) => { readonly transaction: Transaction; readonly index: number }>
  > = {
    "less than agreed": (real) => {
      const output = present(real.outputs[0], "an output");
      return { transaction: withOutputs(real, [{ ...output, value: sat(999_999) }]), index: 0 };
    },
    "to another script": (real) => ({ transaction: withOutputs(real, [other]), index: 0 }),
    "at another index": (real) => ({ transaction: withOutputs(real, [other, ...real.outputs]), index: 0 }),
    "at an index that is not there": (real) => ({ transaction: real, index: 7 }),
  };
  for (const [name, fraud] of Object.entries(frauds)) {
    it(`mallory's transaction confirms and pays ${name}: the channel is never ready, others go on`, () => {
      const net = new ManagerNet();
      const [alice, bob, mallory] = [net.add(), net.add(), net.add()];
      net.connect(alice, bob);
      net.connect(mallory, bob);
      const honest = net.open(alice, bob, { push: msat(300_000_000n) });
      const ready = watchFor(net, "channel_ready");
      const fake = fundWith(net, { mallory, bob }, fraud);
      assert.equal(bob.manager.listChannels().length, 2, "Bob took the signature");
      net.mine(1, [fake]);
      net.settle();
      net.mine(12);
      net.settle();
      assert.deepEqual(ready.from, []);
      assert.deepEqual(
        bob.manager.listUsableChannels().map(({ channelId }) => channelId),
        [honest],
      );
      assert.equal(bob.manager.hasChannelWith(mallory.nodeId), false);
      assert.deepEqual(bob.broadcasts, []);
      bob.archive();
      assert.equal([...bob.monitor.monitors()].length, 1, "nothing of it is kept");
    });

    it(`mallory closes the channel before, and the transaction that confirms pays ${name}: it is no stake`, () => {
      const net = new ManagerNet();
      const [bob, mallory] = [net.add(), net.add()];
      net.connect(mallory, bob);
      const fake = fundWith(net, { mallory, bob }, fraud);
      const { channelId } = present(bob.manager.listChannels()[0], "the channel");
      bob.receive(mallory.nodeId, { type: "error", channelId, data: new Uint8Array(3) });
      net.mine(1, [fake]);
      net.settle();
      assert.equal(bob.manager.hasChannelWith(mallory.nodeId), false);
    });
  }

  it("a funding that pays what was agreed is taken: the test's hand-made messages are good", () => {
    const net = new ManagerNet();
    const [bob, mallory] = [net.add(), net.add()];
    net.connect(mallory, bob);
    const ready = watchFor(net, "channel_ready");
    const funding = fundWith(net, { mallory, bob }, (real) => ({ transaction: real, index: 0 }));
    net.mine(1, [funding]);
    net.settle();
    assert.deepEqual(ready.from, [net.nodes.indexOf(bob)]);
  });
});

describe("a channel funded by a coinbase (LDK #1924)", () => {
  it("is not ready before the coinbase can be spent, and is then", () => {
    const net = new ManagerNet();
    const [bob, mallory] = [net.add(), net.add()];
    net.connect(mallory, bob);
    const ready = watchFor(net, "channel_ready");
    const coinbase = fundWith(net, { mallory, bob }, (real) => ({
      transaction: {
        ...real,
        inputs: [
          {
            outPoint: { txid: "00".repeat(32) as Txid, index: 0xffff_ffff },
            scriptSig: Uint8Array.of(1, 101),
            sequence: 0xffff_ffff,
            witness: [new Uint8Array(32)],
          },
        ],
      },
      index: 0,
    }));
    net.mine(1, [coinbase]);
    net.settle();
    net.mine(98);
    net.settle();
    assert.deepEqual(ready.from, [], "99 confirmations");
    net.mine(1);
    net.settle();
    assert.deepEqual(ready.from, [net.nodes.indexOf(bob)], "100 confirmations");
  });
});

describe("a flood of fake channels (disclosed 2023-08-23; LDK #4081, #4851)", () => {
  it("is bounded for a peer and for all of them, honest channels are served, and nothing is left after two weeks", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const honest = net.open(alice, bob, { push: msat(300_000_000n) });
    const before = bytesOf(bob);
    // An attacker has as many node ids as it likes; each asks for as many channels as it gets.
    let signed = 0;
    for (let i = 0; i < 60; i++) {
      const mallory = net.add();
      net.connect(mallory, bob);
      for (let channel = 0; channel < 6; channel++) {
        const requests = bob.eventsOf("open-channel-request").length;
        const temporary = mallory.manager.createChannel({
          counterparty: bob.nodeId,
          funding: sat(1_000_000),
        });
        net.settle();
        if (bob.eventsOf("open-channel-request").length === requests) break;
        bob.manager.acceptInboundChannel(temporary);
        net.settle();
        signed++;
        const fake = { txid: signed.toString(16).padStart(64, "0") as Txid, index: 0 };
        signFunding(mallory, bob, { temporary, outPoint: fake });
        bob.commit();
        bob.outbox.length = 0;
      }
      net.disconnect(mallory, bob);
    }
    net.nodes.length = 2;
    assert.equal(signed, 200, "50 peers with four channels each");
    assert.equal(bob.manager.listChannels().length, 201);
    const each = (bytesOf(bob) - before) / signed;
    assert.ok(each < 8_000, `${each} bytes for a fake channel`);
    net.pay(alice, msat(5_000_000n), [{ to: bob, by: alice, channelId: honest }], {
      preimage: new Uint8Array(32).fill(5),
    });
    net.settle();
    assert.equal(bob.eventsOf("payment-claimable").length, 1);
    bob.manager.failHtlcBackwards(present(bob.eventsOf("payment-claimable")[0], "a payment").paymentHash);
    net.settle();
    net.mine(2_016);
    net.settle();
    net.mine(1);
    net.settle();
    bob.archive();
    assert.deepEqual(
      bob.manager.listChannels().map(({ channelId }) => channelId),
      [honest],
    );
    assert.equal([...bob.monitor.monitors()].length, 1);
    assert.ok(bytesOf(bob) - before < 20_000, `${bytesOf(bob) - before} bytes are left`);
    assert.deepEqual(bob.broadcasts, [], "nobody publishes the commitment of a channel that never was");
    assert.equal(bob.manager.listUsableChannels().length, 1);
  });
});

describe("fake channels that are closed at once", () => {
  // Mallory pushes half of a funding that does not exist, and sends an error. Bob's commitment is worth something then,
  // if it is to be believed; but coins that stand by for real channels must not be spent on it, nor wait for it.
  const closed = (config?: UserConfig) => {
    const net = new ManagerNet();
    const [bob, mallory] = [net.add(config), net.add(config)];
    net.connect(mallory, bob);
    const { temporary, transaction } = net.offer(mallory, bob, { push: msat(500_000_000n) });
    const outPoint = { txid: txid(transaction), index: 0 };
    signFunding(mallory, bob, { temporary, outPoint });
    net.nodes.splice(net.nodes.indexOf(mallory), 1);
    net.settle();
    const { channelId } = present(bob.manager.listChannels()[0], "the channel");
    bob.receive(mallory.nodeId, { type: "error", channelId, data: new Uint8Array(3) });
    net.settle();
    return { net, bob, transaction, channelId };
  };

  for (const format of formatNames) {
    it(`get none of the wallet's coins, ${format}`, () => {
      const { net, bob } = closed(configFor(format));
      net.mine(3);
      net.settle();
      assert.deepEqual(bob.monitor.takeBumpEvents(), []);
      assert.deepEqual(bob.broadcasts, []);
    });

    it(`are ours to take when the funding confirms after all, ${format}`, () => {
      const { net, bob, transaction, channelId } = closed(configFor(format));
      net.mine(1, [transaction]);
      net.settle();
      const commitment = bob.monitor.monitor(channelId)?.holder.commitments[0]?.txid;
      const bumps = bob.monitor.takeBumpEvents();
      const published = [
        ...bob.broadcasts,
        ...bumps.flatMap((one) => (one.kind === "channel-close" ? [one.commitment] : [])),
      ];
      assert.ok(published.some((one) => txid(one) === commitment));
    });
  }

  it("are forgotten after two weeks, and make room for others", () => {
    const { net, bob } = closed();
    net.mine(2_016);
    net.settle();
    bob.archive();
    assert.deepEqual(bob.manager.listChannels(), []);
    assert.equal([...bob.monitor.monitors()].length, 0);
    assert.equal(bytesOf(bob) < 2_000, true, `${bytesOf(bob)} bytes are left`);
  });
});

describe("a fake channel on a funding that Bob is about to broadcast", () => {
  for (const when of ["before", "after"] as const) {
    it(`mallory names it ${when} alice has signed: Bob broadcasts it only for a channel that he watches`, () => {
      const net = new ManagerNet();
      const [alice, bob, mallory] = [net.add(), net.add(), net.add()];
      net.connect(alice, bob);
      net.connect(mallory, bob);
      const { temporary, transaction } = net.offer(bob, alice);
      const outPoint = { txid: txid(transaction), index: 0 };
      const fake = net.offer(mallory, bob).temporary;
      bob.manager.fundingTransactionGenerated(temporary, transaction);
      net.settle((from, { type }) => from === alice && type === "funding_signed");
      if (when === "before") signFunding(mallory, bob, { temporary: fake, outPoint });
      bob.commit();
      net.settle();
      if (when === "after") signFunding(mallory, bob, { temporary: fake, outPoint });
      bob.commit();
      const monitors = [...bob.monitor.monitors()];
      assert.ok(monitors.length <= 1);
      const isBroadcast = bob.broadcasts.some((one) => txid(one) === txid(transaction));
      const isAlices = monitors[0]?.setup.counterparty === alice.nodeId;
      assert.equal(isBroadcast, isAlices, "Bob's money goes to a channel with Alice, or nowhere");
      if (when === "after") assert.ok(isAlices);
      assert.doesNotThrow(() => bob.restart());
    });
  }
});

function bytesOf({ store }: ManagerNode): number {
  let sum = 0;
  for (const [key, value] of store) sum += key.length + value.length;
  return sum;
}

describe("high-S signatures (CVE-2020-26895)", () => {
  /** The same signature with s on the other side: as valid, but not relayed. */
  const highS = (signature: Signature): Signature => {
    const copy = Uint8Array.from(signature);
    copy.set(crypto().scalarNegate(copy.subarray(32)), 32);
    return copy as Signature;
  };

  for (const what of ["commitment", "HTLC"] as const) {
    it(`in commitment_signed, of the ${what}: refused, what was signed before is published`, () => {
      const net = new ManagerNet();
      const [mallory, bob] = [net.add(), net.add()];
      net.connect(mallory, bob);
      const channelId = net.open(mallory, bob, { push: msat(300_000_000n) });
      net.pay(mallory, msat(20_000_000n), [{ to: bob, by: mallory, channelId }]);
      net.settle((_, { type }) => type === "commitment_signed");
      const item = mallory.outbox.shift();
      assert.ok(item?.message.type === "commitment_signed");
      const { signature, htlcSignatures } = item.message;
      const known = bob.monitor.monitor(channelId)?.holder.number;
      bob.receive(mallory.nodeId, {
        ...item.message,
        ...(what === "commitment"
          ? { signature: highS(signature) }
          : { htlcSignatures: htlcSignatures.map(highS) }),
      });
      net.settle();
      const closed = bob.eventsOf("channel-closed")[0]?.reason;
      assert.equal(closed?.kind, "processing-error");
      assert.equal(bob.monitor.monitor(channelId)?.holder.number, known, "nothing of it was taken in");
      const [published] = bob.broadcasts;
      assert.equal(published && txid(published), bob.monitor.monitor(channelId)?.holder.commitments[0]?.txid);
    });
  }

  it("in funding_created: refused", () => {
    const net = new ManagerNet();
    const [mallory, bob] = [net.add(), net.add()];
    net.connect(mallory, bob);
    const { temporary, transaction } = net.offer(mallory, bob);
    mallory.manager.fundingTransactionGenerated(temporary, transaction);
    for (const node of net.nodes) node.commit();
    const item = mallory.outbox.shift();
    assert.ok(item?.message.type === "funding_created");
    bob.receive(mallory.nodeId, { ...item.message, signature: highS(item.message.signature) });
    net.settle();
    assert.deepEqual(bob.manager.listChannels(), []);
    assert.deepEqual([...bob.monitor.monitors()], []);
  });
});
