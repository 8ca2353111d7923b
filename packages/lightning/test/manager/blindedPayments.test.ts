import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attributionBytes, readFulfillAttribution } from "#src/onion/attribution";
import { blindHops, encodeEncryptedData, type PaymentForwardNode } from "#src/onion/index";
import { pathSecrets } from "#src/onion/sphinx";
import { type Bytes32, fromHex, type Point } from "#src/util/bytes";
import type { BlockHeight } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { failureCodeOf } from "#src/wire/failureCodes";
import { Features } from "#src/wire/features";
import { preimageOf } from "../channel/pair.ts";
import { BlindedLine, type BlindedPart } from "./blindedLine.ts";
import { type ManagerNode, testConfig } from "./managers.ts";

const amount = msat(20_000_123n);
const zeros = new Uint8Array(32) as Bytes32;
const blindingCode = failureCodeOf({ type: "invalid_onion_blinding", sha256OfOnion: zeros });
const unknownSecret = new Uint8Array(32).fill(0x77) as Bytes32;

/** A part that lies at Dave's, neither claimed nor failed. */
function held(line: BlindedLine, dummyHops = 0) {
  const asked = line.request(amount);
  const part = line.pay(line.path(asked.paymentSecret, { dummyHops }), { ...asked, amount });
  line.settle();
  assert.equal(line.dave.eventsOf("payment-claimable").length, 1);
  return { ...asked, part };
}

/** Alice is told that the path of Bob's is bad, and `silent` nodes said no more than that to their peers. */
function assertBlinded(line: BlindedLine, part: BlindedPart, silent: readonly ManagerNode[]): void {
  assert.deepEqual(line.failure(part), {
    kind: "failed",
    hop: 0,
    failure: { type: "invalid_onion_blinding", sha256OfOnion: zeros },
  });
  for (const node of [line.carol, line.dave]) {
    assert.equal(line.last(node, "update_fail_htlc"), undefined);
    const malformed = line.last(node, "update_fail_malformed_htlc");
    assert.equal(malformed !== undefined, silent.includes(node));
    if (malformed === undefined) continue;
    assert.equal(malformed.failureCode, blindingCode);
    assert.deepEqual(malformed.sha256OfOnion, zeros);
  }
  for (const node of line.net.nodes) {
    assert.ok(node.manager.listChannels().every(({ pendingHtlcs }) => pendingHtlcs === 0));
  }
}

describe("a payment to a blinded path", () => {
  it("arrives over two hops behind the introduction node, and is claimed", () => {
    const line = new BlindedLine();
    const { alice, bob, carol, dave, ab, bc, cd } = line;
    const { part } = held(line);
    const adds = line.sent.flatMap(({ from, message }) =>
      message.type === "update_add_htlc" ? [[from, "blindedPath" in message.tlvs]] : [],
    );
    assert.deepEqual(adds, [
      [alice, false],
      [bob, true],
      [carol, true],
    ]);
    const [claimable] = dave.eventsOf("payment-claimable");
    assert.ok(claimable && claimable.amount >= amount && claimable.amount <= amount + 2n);
    assert.equal(claimable.purpose.kind, "bolt11-invoice");
    assert.ok(claimable.purpose.kind === "bolt11-invoice" && claimable.purpose.paymentPreimage);
    const before = [
      line.balance(bob, ab) + line.balance(bob, bc),
      line.balance(carol, bc) + line.balance(carol, cd),
    ];
    assert.ok(dave.manager.claimFunds(claimable.purpose.paymentPreimage as Bytes32));
    line.settle();
    assert.equal(line.balance(dave, cd), claimable.amount);
    const after = [
      line.balance(bob, ab) + line.balance(bob, bc),
      line.balance(carol, bc) + line.balance(carol, cd),
    ];
    for (const [index, balance] of after.entries()) assert.ok(balance > (before[index] ?? 0n));

    // How long the nodes held it, only the introduction node tells (BOLT 4, "Route Blinding").
    assert.deepEqual(line.last(dave, "update_fulfill_htlc")?.tlvs, {});
    assert.deepEqual(line.last(carol, "update_fulfill_htlc")?.tlvs, {});
    const { attributionData } = present(line.last(bob, "update_fulfill_htlc"), "a preimage").tlvs;
    const { sharedSecrets } = pathSecrets(part.sessionKey, part.keys);
    const attribution = attributionBytes(present(attributionData, "attribution data"));
    const read = readFulfillAttribution(attribution, sharedSecrets.slice(0, 1));
    assert.equal(read?.holdTimes.length, 1);
  });

  it("arrives behind dummies, and at a recipient that is the introduction node", () => {
    for (const dummyHops of [1, 3, 8]) {
      const line = new BlindedLine();
      held(line, dummyHops);
    }
    for (const dummyHops of [0, 3]) {
      const line = new BlindedLine();
      const asked = line.request(amount, line.bob);
      const changes = { forwardNodes: [], payee: line.bob.nodeId, dummyHops };
      const path = line.path(asked.paymentSecret, {
        ...changes,
        receiveAuthKey: line.bob.keys.receiveAuthKey(),
      });
      line.pay(path, { ...asked, amount });
      line.settle();
      assert.equal(line.bob.eventsOf("payment-claimable")[0]?.amount, amount);
    }
  });

  it("goes on by a node's id where the path has no channel", () => {
    const line = new BlindedLine();
    const asked = line.request(amount);
    const path = line.path(asked.paymentSecret);
    const last = present(path.blindedHops.at(-1), "a hop");
    const relay = line.forwardNode(line.bob, line.bc).relay;
    const nodes = [line.carol, line.dave].map(({ nodeId }) => fromHex(nodeId) as Point);
    const named = blindHops(preimageOf(0x60), [
      ...[line.bob, line.carol].map(({ nodeId }, index) => ({
        nodeId: fromHex(nodeId) as Point,
        data: encodeEncryptedData({ nextNodeId: present(nodes[index], "a node"), paymentRelay: relay }),
      })),
      {
        nodeId: present(nodes[1], "dave"),
        data: encodeEncryptedData({ pathId: line.pathId(asked.paymentSecret) }),
        additionalData: line.dave.keys.receiveAuthKey(),
      },
    ]);
    assert.notDeepEqual(last, named.blindedHops.at(-1));
    line.pay({ ...path, ...named }, { ...asked, amount });
    line.settle();
    assert.equal(line.dave.eventsOf("payment-claimable").length, 1);
  });

  it("comes in two parts by two paths", () => {
    const line = new BlindedLine();
    const asked = line.request(amount);
    const half = msat(amount / 2n);
    const parts = [half, msat(amount - half)];
    for (const [index, one] of parts.entries()) {
      assert.equal(line.dave.eventsOf("payment-claimable").length, 0);
      line.pay(line.path(asked.paymentSecret, { dummyHops: index }), {
        ...asked,
        amount: one,
        total: amount,
      });
      line.settle();
    }
    const [claimable] = line.dave.eventsOf("payment-claimable");
    assert.ok(claimable && claimable.amount >= amount);
    assert.ok(claimable.purpose.kind === "bolt11-invoice" && claimable.purpose.paymentPreimage);
    assert.ok(line.dave.manager.claimFunds(claimable.purpose.paymentPreimage as Bytes32));
    line.settle();
    assert.equal(line.balance(line.dave, line.cd), claimable.amount);
  });
});

describe("a failure within a blinded path", () => {
  it("of the recipient's own will is told as a bad path", () => {
    const line = new BlindedLine();
    const { paymentHash, part } = held(line);
    line.dave.manager.failHtlcBackwards(paymentHash);
    line.settle();
    assertBlinded(line, part, [line.carol, line.dave]);
  });

  it("of a recipient that does not know the secret, or the path, is told as a bad path", () => {
    for (const changes of [{}, { pathId: new Uint8Array(3) }, { receiveAuthKey: preimageOf(1) }]) {
      const line = new BlindedLine();
      const asked = line.request(amount);
      const secret = "pathId" in changes || "receiveAuthKey" in changes ? asked.paymentSecret : unknownSecret;
      const part = line.pay(line.path(secret, changes), { ...asked, amount });
      line.settle();
      assertBlinded(line, part, [line.carol, line.dave]);
    }
  });

  it("for what does not come in time is told as a bad path, too", () => {
    const line = new BlindedLine();
    const asked = line.request(amount);
    const part = line.pay(line.path(asked.paymentSecret), {
      ...asked,
      amount: msat(amount / 2n),
      total: amount,
    });
    line.settle();
    for (let i = 0; i < 3; i++) line.dave.manager.timerTickOccurred(1_800_000_000);
    line.settle();
    assertBlinded(line, part, [line.carol, line.dave]);
  });

  it("at a node in the middle, and at the introduction node, is told as a bad path", () => {
    const at = (index: number, channel: "bc" | "cd") => {
      const line = new BlindedLine();
      const node = present(line.net.nodes[index], "a node");
      node.manager.core.channels.quarantine(line[channel], "a bug");
      const asked = line.request(amount);
      const part = line.pay(line.path(asked.paymentSecret), { ...asked, amount });
      line.settle();
      return { line, part };
    };
    const middle = at(2, "cd");
    assertBlinded(middle.line, middle.part, [middle.line.carol]);
    const first = at(1, "bc");
    assertBlinded(first.line, first.part, []);
  });

  it("on a channel that nobody knows is told as a bad path", () => {
    const line = new BlindedLine();
    const asked = line.request(amount);
    const named = (node: PaymentForwardNode) => ({ ...node, shortChannelId: 12345n as never });
    const [bob, carol] = [line.forwardNode(line.bob, line.bc), line.forwardNode(line.carol, line.cd)];
    const part = line.pay(line.path(asked.paymentSecret, { forwardNodes: [bob, named(carol)] }), {
      ...asked,
      amount,
    });
    line.settle();
    assertBlinded(line, part, [line.carol]);
    const other = line.pay(line.path(asked.paymentSecret, { forwardNodes: [named(bob), carol] }), {
      ...asked,
      amount,
    });
    line.settle();
    assert.equal(line.failure(other).kind, "failed");
  });

  it("before a peer that does not know of blinding is told as a bad path, and that peer sees nothing", () => {
    const line = new BlindedLine();
    const { carol, dave, net } = line;
    const asked = line.request(amount);
    const path = line.path(asked.paymentSecret);
    net.disconnect(carol, dave);
    const { manager } = dave;
    const features = manager.providedInitFeatures.bind(manager);
    manager.providedInitFeatures = () =>
      Features.fromBytes(features()).set("option_route_blinding", undefined).toBytes();
    net.connect(carol, dave);
    line.settle();
    const part = line.pay(path, { ...asked, amount });
    line.settle();
    assertBlinded(line, part, [carol]);
    assert.equal(line.last(carol, "update_add_htlc"), undefined);
    assert.equal(carol.manager.listUsableChannels().length, 2);
  });

  it("by the chain, long after the HTLC went on, is told as a bad path", () => {
    const line = new BlindedLine();
    const { part } = held(line);
    line.net.disconnect(line.carol, line.dave);
    const htlc = present(line.carol.manager.core.channels.funded(line.cd)?.outgoing[0], "an HTLC");
    const { core } = line.carol.manager;
    core.input(() => core.monitorEvent({ kind: "htlc-timed-out", channelId: line.cd, htlcId: htlc.id }));
    line.settle();
    assert.deepEqual(line.failure(part), {
      kind: "failed",
      hop: 0,
      failure: { type: "invalid_onion_blinding", sha256OfOnion: zeros },
    });
    assert.equal(line.last(line.carol, "update_fail_malformed_htlc")?.failureCode, blindingCode);
  });

  it("is told as it is where the recipient is the only node, and as a bad path before dummies", () => {
    for (const dummyHops of [0, 3]) {
      const line = new BlindedLine();
      const { bob } = line;
      const asked = line.request(amount, bob);
      const receiveAuthKey = bob.keys.receiveAuthKey();
      const changes = { forwardNodes: [], payee: bob.nodeId, dummyHops, receiveAuthKey };
      const part = line.pay(line.path(unknownSecret, changes), { ...asked, amount });
      line.settle();
      const failure = line.failure(part);
      assert.ok(failure.kind === "failed" && failure.hop === 0);
      assert.equal(
        failure.failure.type,
        dummyHops === 0 ? "incorrect_or_unknown_payment_details" : "invalid_onion_blinding",
      );
    }
  });
});

describe("the constraints of a blinded path", () => {
  /** What becomes of a payment that comes `less` msat short of the least amount, or `later` than the last block. */
  function outcome(less: bigint, later: number) {
    const channelConfig = {
      ...testConfig.channelConfig,
      forwardingFeeBase: msat(0),
      forwardingFeeProportionalMillionths: 0,
    };
    const line = new BlindedLine({ ...testConfig, channelConfig });
    const asked = line.request(msat(1n));
    const wanted = msat(1_000_000n);
    const path = line.path(asked.paymentSecret, {
      htlcMinimum: wanted,
      maxCltvExpiry: (line.net.height + 1 - later) as BlockHeight,
    });
    const part = line.pay(path, { ...asked, amount: wanted }, { less });
    line.settle();
    const arrived = line.dave.eventsOf("payment-claimable").length === 1;
    if (!arrived) assertBlinded(line, part, []);
    return arrived;
  }

  it("hold to the millisatoshi and to the block", () => {
    assert.ok(outcome(0n, 0));
    assert.equal(outcome(1n, 0), false);
    assert.equal(outcome(0n, 1), false);
  });
});
