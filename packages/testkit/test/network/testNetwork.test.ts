import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat, sat } from "@fulmen/lightning/util";
import { NodeCrash, TestNetwork } from "@fulmen/testkit";
import { TwoHops } from "./twoHops.ts";

function pair(options: ConstructorParameters<typeof TestNetwork>[0] = {}) {
  const network = new TestNetwork(options);
  const a = network.addNode();
  const b = network.addNode();
  const link = network.connect(a, b);
  return { network, a, b, link };
}

describe("a test network", () => {
  it("opens channels of all formats, announces them, and pays over three hops", () => {
    const network = new TestNetwork();
    const nodes = [network.addNode(), network.addNode(), network.addNode(), network.addNode()] as const;
    const [a, b, c, d] = nodes;
    network.connect(a, b);
    network.connect(b, c);
    network.connect(c, d);
    network.openChannel(a, b, { funding: sat(1_000_000n), format: "static-remotekey" });
    network.openChannel(b, c, { funding: sat(1_000_000n), format: "anchors-zero-fee-htlc" });
    network.openChannel(c, d, { funding: sat(1_000_000n), format: "zero-fee-commitments" });
    assert.deepEqual(
      nodes.map(({ graph }) => graph.channelCount),
      [3, 3, 3, 3],
    );
    const paymentHash = network.payInvoice(a, d, msat(10_000_000n));
    const sent = a.eventList.find(({ kind }) => kind === "payment-sent");
    assert.ok(sent?.kind === "payment-sent" && sent.paymentHash === paymentHash);
    assert.equal(d.manager.listChannels()[0]?.localBalance, 10_000_000n);
    assert.deepEqual(
      network.nodes.flatMap(({ broadcaster }) => broadcaster.takeRefused()),
      [],
    );
  });

  it("does the same for the same seed, also when it shuffles", () => {
    const story = (seed: number) => {
      const { network, a, b } = pair({ seed, shuffles: true });
      network.openChannel(a, b, { funding: sat(500_000n) });
      network.payInvoice(a, b, msat(7_000_000n));
      return { entries: [a, b].map(({ store }) => store.entries()), tip: network.chain.tip.hash };
    };
    assert.deepEqual(story(5), story(5));
    assert.notEqual(story(5).tip, story(6).tip);
  });

  it("brings back a node that dies, from its store, and connects it again", () => {
    const { network, a, b } = pair();
    network.openChannel(a, b, { funding: sat(500_000n) });
    const before = a.manager;
    let isDue = true;
    a.onCrashPoint = (_node, point) => {
      if (!isDue || point.kind !== "after-commit") return;
      isDue = false;
      throw new NodeCrash("for the test");
    };
    network.payInvoice(a, b, msat(7_000_000n));
    assert.notEqual(a.manager, before);
    assert.ok(a.eventList.some(({ kind }) => kind === "payment-sent"));
    assert.equal(b.manager.listChannels()[0]?.localBalance, 7_000_000n);
  });

  it("leaves nodes apart that are not to be connected", () => {
    const { network, a, b, link } = pair();
    link.reconnects = false;
    link.cut();
    network.settle();
    assert.deepEqual([a.peers.listPeers().length, b.peers.listPeers().length], [0, 0]);
    link.reconnects = true;
    network.settle();
    assert.deepEqual([a.peers.listPeers().length, b.peers.listPeers().length], [1, 1]);
  });

  it("says so when what is waited for does not come", () => {
    const { network } = pair();
    assert.throws(() => network.until(() => false), /nothing moves any more/);
  });

  it("holds, rejects or claims payments as the node's user is told to", () => {
    const { network, a, b } = pair();
    network.openChannel(a, b, { funding: sat(500_000n) });
    network.claims(b, "hold");
    const paymentHash = network.payInvoice(a, b, msat(7_000_000n));
    assert.equal(b.manager.listClaimablePayments().length, 1);
    network.crash(b);
    network.settle();
    assert.equal(b.manager.listClaimablePayments()[0]?.paymentHash, paymentHash);
    assert.equal(b.manager.failHtlcBackwards(paymentHash), true);
    network.settle();
    const failed = a.eventList.find(({ kind }) => kind === "payment-failed");
    assert.ok(failed?.kind === "payment-failed" && failed.reason === "recipient-rejected");
    network.claims(b, "fail");
    network.payInvoice(a, b, msat(8_000_000n));
    assert.equal(a.eventList.filter(({ kind }) => kind === "payment-failed").length, 2);
    assert.equal(a.manager.listChannels()[0]?.localBalance, 500_000_000n);
  });
});

describe("a forwarder that comes back with an HTLC that it has not passed on", () => {
  /** B dies when it has taken A's HTLC for good and has not decided about it; C stays away. */
  function withoutNextPeer() {
    const hops = new TwoHops({ format: "anchors-zero-fee-htlc", claims: "claim" });
    const { network, a, b, c } = hops;
    const onward = network.link(b, c);
    onward.reconnects = false;
    let isDue = true;
    b.onCrashPoint = (_node, point) => {
      if (!isDue || point.kind !== "after-commit") return;
      isDue = false;
      throw new NodeCrash("for the test");
    };
    network.payInvoice(a, c, msat(5_000_000n));
    assert.equal(isDue, false);
    return { network, a, onward };
  }

  it("passes it on when the next peer is back in time", () => {
    const { network, a, onward } = withoutNextPeer();
    network.passTime(2);
    assert.ok(!a.eventList.some(({ kind }) => kind === "payment-failed"));
    onward.reconnects = true;
    network.settle();
    assert.ok(a.eventList.some(({ kind }) => kind === "payment-sent"));
  });

  it("fails it when the next peer stays away", () => {
    const { network, a } = withoutNextPeer();
    network.passTime(3);
    assert.ok(a.eventList.some(({ kind }) => kind === "payment-failed"));
    assert.equal(a.manager.listChannels()[0]?.pendingHtlcs, 0);
  });
});
