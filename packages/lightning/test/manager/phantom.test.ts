import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseInvoice } from "#src/invoice/index";
import { createPhantomInvoice, type InvoiceRequest } from "#src/manager/invoices";
import { PhantomKeysManager } from "#src/sign/phantomKeysManager";
import type { Bytes32 } from "#src/util/bytes";
import type { UnixSeconds } from "#src/util/ids";
import { ManagerNet, type ManagerNode } from "./managers.ts";
import { kilosats, PartSender, type PartWish, userHash, userPreimage } from "./parts.ts";

const crossNodeSeed = new Uint8Array(32).fill(99);
/** Of one who makes invoices and is no node. */
const shopKeys = new PhantomKeysManager(new Uint8Array(32).fill(98), crossNodeSeed);
const phantomId = shopKeys.phantom.nodeId;

/** Alice has a channel to each of two nodes, Bob and Carol, which are paid as one. */
function cluster() {
  const net = new ManagerNet();
  const alice = net.add();
  const [bob, carol] = [
    net.add(undefined, undefined, crossNodeSeed),
    net.add(undefined, undefined, crossNodeSeed),
  ];
  const senders = new Map<
    ManagerNode,
    { readonly sender: PartSender; readonly channelId: ReturnType<ManagerNet["open"]> }
  >();
  for (const node of [bob, carol]) {
    net.connect(alice, node);
    senders.set(node, { channelId: net.open(alice, node), sender: new PartSender(net, alice, node) });
  }
  /** Alice pays the phantom by one HTLC to `node`. */
  const pay = (node: ManagerNode, wish: PartWish) => {
    const { sender, channelId } = senders.get(node) ?? assert.fail();
    const part = sender.send(channelId, {
      beyond: [{ nodeId: phantomId, shortChannelId: node.manager.phantomScid() }],
      cltvExpiryDelta: 110,
      onionCltvDelta: 60,
      ...wish,
    });
    sender.settle();
    return { sender, part };
  };
  return { net, alice, bob, carol, pay };
}

function shopInvoice(nodes: readonly ManagerNode[], request: Partial<InvoiceRequest> = {}) {
  const { invoice } = createPhantomInvoice(
    {
      description: "a shop with two nodes",
      ...request,
      routeHints: nodes.map(({ manager }) => structuredClone(manager.phantomRouteHints())),
    },
    {
      nodeSigner: shopKeys,
      entropy: { randomBytes: (length) => new Uint8Array(length).fill(4) },
      network: "regtest",
      now: 1_800_000_000 as UnixSeconds,
    },
  );
  const parsed = parseInvoice(invoice);
  assert.ok(parsed.ok);
  const { paymentHash, paymentSecret, metadata } = parsed.value;
  return {
    invoice: parsed.value,
    paymentHash,
    paymentSecret,
    ...(metadata && { paymentMetadata: metadata }),
  };
}

function claimAt(node: ManagerNode): boolean {
  const [payment] = node.manager.listClaimablePayments();
  return node.manager.claimFunds((payment?.purpose.paymentPreimage ?? userPreimage) as Bytes32);
}

describe("keys of a phantom", () => {
  it("are the same for all nodes with the seed, and the nodes' own are not", () => {
    const [one, other] = [1, 2].map(
      (seed) => new PhantomKeysManager(new Uint8Array(32).fill(seed), crossNodeSeed),
    );
    assert.ok(one && other);
    assert.equal(one.phantom.nodeId, phantomId);
    assert.deepEqual(one.inboundPaymentKey(), other.inboundPaymentKey());
    assert.equal(new Set([one.nodeId, other.nodeId, phantomId]).size, 3);
    assert.notEqual(new PhantomKeysManager(new Uint8Array(32), new Uint8Array(32)).phantom.nodeId, phantomId);
    assert.throws(() => new PhantomKeysManager(new Uint8Array(32), new Uint8Array(31)), /InvariantError/);
  });
});

describe("a phantom invoice", () => {
  it("is of the phantom, in one part, over each node in turn", () => {
    const { bob, carol } = cluster();
    const { invoice } = shopInvoice([bob, carol]);
    assert.equal(invoice.payee, phantomId);
    assert.equal(invoice.features.has("basic_mpp"), false);
    assert.deepEqual(
      invoice.routeHints.map((hint) => hint.at(-1)?.nodeId),
      [bob.nodeId, carol.nodeId],
    );
    const [last] = invoice.routeHints.map((hint) => hint.at(-1));
    assert.deepEqual([last?.feeBase, last?.feeProportionalMillionths, last?.cltvExpiryDelta], [0n, 0, 48]);
    const many = shopInvoice([bob, carol, bob, carol, bob]).invoice;
    assert.equal(many.routeHints.length, 3);
  });

  it("needs a phantom's key, and hints", () => {
    const { bob } = cluster();
    assert.throws(() => shopInvoice([]), /hints/);
    const maker = { ...bob.manager.core.environment, network: "regtest", now: 0 as UnixSeconds } as const;
    const hints = [bob.manager.phantomRouteHints()];
    const nodeSigner = new Proxy(maker.nodeSigner, {
      get: (target, name) => (name === "phantom" ? undefined : Reflect.get(target, name, target)),
    });
    assert.throws(
      () => createPhantomInvoice({ description: "", routeHints: hints }, { ...maker, nodeSigner }),
      /phantom/,
    );
  });
});

describe("a payment to a phantom", () => {
  it("is taken by whichever node it reaches, and claimed by it", () => {
    for (const which of ["bob", "carol"] as const) {
      const all = cluster();
      const node = all[which];
      const paid = shopInvoice([all.bob, all.carol], {
        amount: kilosats(3),
        paymentMetadata: Uint8Array.of(5),
      });
      const { sender, part } = all.pay(node, { ...paid, amount: kilosats(3) });
      const [event] = node.eventsOf("payment-claimable");
      assert.equal(event?.receiverNodeId, phantomId);
      assert.equal(event?.amount, kilosats(3));
      assert.deepEqual(event?.onionFields?.paymentMetadata, Uint8Array.of(5));
      assert.ok(claimAt(node));
      sender.settle();
      assert.ok(sender.isFulfilled(part));
      assert.equal(node.eventsOf("payment-claimed")[0]?.receiverNodeId, phantomId);
    }
  });

  it("is kept over a restart, and claimed or failed then", () => {
    for (const claims of [true, false]) {
      const { net, alice, bob, pay } = cluster();
      const paid = shopInvoice([bob], { paymentHash: userHash });
      const { sender, part } = pay(bob, { ...paid, amount: kilosats(3) });
      net.disconnect(alice, bob);
      bob.restart();
      assert.equal(bob.manager.listClaimablePayments()[0]?.receiverNodeId, phantomId);
      assert.ok(claims ? claimAt(bob) : bob.manager.failHtlcBackwards(userHash));
      bob.commit();
      bob.restart();
      net.connect(alice, bob);
      sender.settle();
      assert.equal(sender.isFulfilled(part), claims);
      const failure = sender.failureOf(part);
      assert.deepEqual(
        [failure?.hop, failure?.failure.type],
        claims ? [undefined, undefined] : [1, "incorrect_or_unknown_payment_details"],
      );
    }
  });

  it("fails at the phantom for all that the phantom does not know", () => {
    const { net, bob, pay } = cluster();
    const paid = shopInvoice([bob], { amount: kilosats(3) });
    for (const wish of [
      { paymentHash: userHash },
      { paymentSecret: new Uint8Array(32) },
      { totalAmount: kilosats(2) },
      { onionCltvDelta: 40 },
    ]) {
      const { sender, part } = pay(bob, { ...paid, amount: kilosats(3), ...wish });
      assert.deepEqual(sender.failureOf(part), {
        hop: 1,
        failure: { type: "incorrect_or_unknown_payment_details", htlcMsat: kilosats(3), height: net.height },
      });
    }
    assert.equal(bob.eventsOf("payment-claimable").length, 0);
  });

  it("fails at the node when the way to the phantom is not paid for, or its layer is not the phantom's", () => {
    const { alice, bob, pay } = cluster();
    const paid = shopInvoice([bob], { amount: kilosats(3) });
    const shortChannelId = bob.manager.phantomScid();
    const cases: readonly (readonly [Partial<PartWish>, string])[] = [
      [{ onionAmount: kilosats(4) }, "fee_insufficient"],
      [{ cltvExpiryDelta: 101, onionCltvDelta: 60 }, "incorrect_cltv_expiry"],
      [{ cltvExpiryDelta: 51, onionCltvDelta: 3 }, "expiry_too_soon"],
      [{ beyond: [{ nodeId: alice.nodeId, shortChannelId }] }, "invalid_onion_hmac"],
    ];
    for (const [wish, type] of cases) {
      const { sender, part } = pay(bob, { ...paid, amount: kilosats(3), ...wish });
      const failure = sender.failureOf(part);
      assert.deepEqual([failure?.hop, failure?.failure.type], [0, type]);
    }
    assert.equal(bob.eventsOf("payment-claimable").length, 0);
  });

  it("goes no further than the phantom", () => {
    const { bob, carol, pay } = cluster();
    const paid = shopInvoice([bob], { amount: kilosats(3) });
    const shortChannelId = bob.manager.phantomScid();
    const beyond = [phantomId, carol.nodeId].map((nodeId) => ({ nodeId, shortChannelId }));
    const { sender, part } = pay(bob, { ...paid, amount: kilosats(3), beyond });
    const failure = sender.failureOf(part);
    assert.deepEqual([failure?.hop, failure?.failure.type], [1, "invalid_onion_payload"]);
  });

  it("is unknown to a node that has no phantom", () => {
    const net = new ManagerNet();
    const [alice, dave] = [net.add(), net.add()];
    net.connect(alice, dave);
    const sender = new PartSender(net, alice, dave);
    const part = sender.send(net.open(alice, dave), {
      paymentHash: userHash,
      paymentSecret: new Uint8Array(32),
      amount: kilosats(3),
      cltvExpiryDelta: 110,
      onionCltvDelta: 60,
      beyond: [{ nodeId: phantomId, shortChannelId: dave.manager.phantomScid() }],
    });
    sender.settle();
    assert.deepEqual(sender.failureOf(part)?.failure, { type: "unknown_next_peer" });
  });
});
