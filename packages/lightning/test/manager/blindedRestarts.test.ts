import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { htlcInterceptionFlags } from "#src/channel/config";
import type { Bytes32 } from "#src/util/bytes";
import type { ChannelId, NodeId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { BlindedLine } from "./blindedLine.ts";
import { type ManagerNode, testConfig } from "./managers.ts";

const amount = msat(20_000_123n);

/** The node dies, and comes back to its peers. */
function restart(line: BlindedLine, node: ManagerNode): void {
  const { net } = line;
  const index = net.nodes.indexOf(node);
  const peers = [net.nodes[index - 1], net.nodes[index + 1]].flatMap((peer) => (peer ? [peer] : []));
  for (const peer of peers) net.disconnect(node, peer);
  node.restart();
  for (const peer of peers) net.connect(peer, node);
  line.settle();
}

function assertBadPath(line: BlindedLine, part: Parameters<BlindedLine["failure"]>[0]): void {
  const failure = line.failure(part);
  assert.ok(failure.kind === "failed" && failure.hop === 0);
  assert.equal(failure.failure.type, "invalid_onion_blinding");
}

describe("a node that restarts while an HTLC of a blinded path is held", () => {
  for (const name of ["bob", "carol", "dave"] as const) {
    it(`still says nothing but that the path is bad (${name})`, () => {
      const line = new BlindedLine();
      const asked = line.request(amount);
      const part = line.pay(line.path(asked.paymentSecret, { dummyHops: 2 }), { ...asked, amount });
      line.settle();
      restart(line, line[name]);
      assert.equal(line.dave.manager.listClaimablePayments().length, 1);
      line.dave.manager.failHtlcBackwards(asked.paymentHash);
      line.settle();
      assertBadPath(line, part);
      assert.equal(line.last(line.carol, "update_fail_htlc"), undefined);
      assert.equal(line.last(line.dave, "update_fail_htlc"), undefined);
    });
  }

  it("still claims", () => {
    const line = new BlindedLine();
    const asked = line.request(amount);
    line.pay(line.path(asked.paymentSecret), { ...asked, amount });
    line.settle();
    for (const node of [line.carol, line.bob, line.dave]) restart(line, node);
    const { purpose } = present(line.dave.manager.listClaimablePayments()[0], "a payment");
    assert.ok(purpose.kind === "bolt11-invoice" && purpose.paymentPreimage);
    assert.ok(line.dave.manager.claimFunds(purpose.paymentPreimage as Bytes32));
    line.settle();
    assert.ok(line.balance(line.dave, line.cd) >= amount);
    assert.deepEqual(line.last(line.carol, "update_fulfill_htlc")?.tlvs, {});
  });
});

describe("an HTLC of a blinded path that waits for the user of a node", () => {
  const config = { ...testConfig, htlcInterceptionFlags: htlcInterceptionFlags.toOnlinePrivateChannels };

  /** As far as Carol, who has restarted meanwhile. */
  function waiting() {
    const line = new BlindedLine(config);
    const asked = line.request(amount);
    const part = line.pay(line.path(asked.paymentSecret), { ...asked, amount });
    line.settle();
    const decide = (node: ManagerNode, channelId: ChannelId, nodeId: NodeId) => {
      const { interceptId, expectedOutboundAmount } = present(
        node.eventsOf("htlc-intercepted").at(-1),
        "an event",
      );
      node.manager.forwardInterceptedHtlc(interceptId, channelId, nodeId, expectedOutboundAmount);
      line.settle();
    };
    restart(line, line.bob);
    decide(line.bob, line.bc, line.carol.nodeId);
    restart(line, line.carol);
    return { line, part, decide };
  }

  it("goes on with its path key", () => {
    const { line, decide } = waiting();
    decide(line.carol, line.cd, line.dave.nodeId);
    assert.equal(line.dave.eventsOf("payment-claimable").length, 1);
  });

  it("is failed without a word about why", () => {
    const { line, part } = waiting();
    const { interceptId } = present(line.carol.eventsOf("htlc-intercepted").at(-1), "an event");
    line.carol.manager.failInterceptedHtlc(interceptId);
    line.settle();
    assertBadPath(line, part);
    assert.equal(line.last(line.carol, "update_fail_htlc"), undefined);
  });
});

describe("the path key", () => {
  for (const [from, to] of [
    ["bob", "carol"],
    ["carol", "dave"],
  ] as const) {
    for (const restarts of [false, true]) {
      it(`is sent again with the HTLC from ${from}, ${restarts ? "also by a node that restarted" : "when the line was cut"}`, () => {
        const line = new BlindedLine();
        const { net } = line;
        const [one, other] = [line[from], line[to]];
        const asked = line.request(amount);
        line.pay(line.path(asked.paymentSecret), { ...asked, amount });
        // Signed and lost on the way.
        line.settle((node, { type }) => node === one && type === "update_add_htlc");
        const kept = one.outbox.find(({ message }) => message.type === "update_add_htlc")?.message;
        assert.ok(kept?.type === "update_add_htlc" && "blindedPath" in kept.tlvs);
        if (restarts) restart(line, one);
        else {
          net.disconnect(one, other);
          net.connect(one, other);
          line.settle();
        }
        assert.deepEqual(line.last(one, "update_add_htlc")?.tlvs, kept.tlvs);
        assert.equal(line.dave.eventsOf("payment-claimable").length, 1);
      });
    }
  }

  it("is kept by a node that has the HTLC and has not decided about it", () => {
    const line = new BlindedLine();
    const asked = line.request(amount);
    line.pay(line.path(asked.paymentSecret), { ...asked, amount });
    // Dave has signed for it; Carol has not revoked what was before.
    line.settle((node, { type }) => node === line.carol && type === "revoke_and_ack");
    restart(line, line.carol);
    restart(line, line.dave);
    assert.equal(line.dave.manager.listClaimablePayments().length, 1);
  });
});

describe("a failure that leaves a blinded path", () => {
  /** Dave has failed what Bob and Carol passed on; both wait for their hosts. */
  function failed() {
    const line = new BlindedLine();
    const { bob, carol, dave } = line;
    const forward = (): void => {
      for (const node of [bob, carol]) node.manager.processPendingHtlcForwards();
      line.settle();
    };
    for (const node of [bob, carol]) node.manager.deferHtlcForwards();
    const asked = line.request(amount);
    const part = line.pay(line.path(asked.paymentSecret), { ...asked, amount });
    line.settle();
    forward();
    forward();
    assert.equal(dave.eventsOf("payment-claimable").length, 1);
    assert.ok(!bob.manager.needsPendingHtlcProcessing());
    dave.manager.failHtlcBackwards(asked.paymentHash);
    line.settle();
    return { line, part };
  }

  it("waits at the introduction node, and nowhere else, until the host lets it go", () => {
    const { line, part } = failed();
    const { bob, carol } = line;
    assert.ok(line.last(carol, "update_fail_malformed_htlc"));
    assert.ok(!carol.manager.needsPendingHtlcProcessing());
    assert.equal(line.last(bob, "update_fail_htlc"), undefined);
    assert.ok(bob.manager.needsPendingHtlcProcessing());
    bob.manager.processPendingHtlcForwards();
    line.settle();
    assertBadPath(line, part);
    assert.ok(!bob.manager.needsPendingHtlcProcessing());
    assert.deepEqual(bob.manager.core.channels.funded(line.ab)?.commitments.htlcs, []);
  });

  it("is stored meanwhile: it goes back after a restart", () => {
    const { line, part } = failed();
    restart(line, line.bob);
    assertBadPath(line, part);
    assert.deepEqual(line.bob.manager.core.channels.funded(line.ab)?.commitments.htlcs, []);
    assert.equal(line.bob.manager.listUsableChannels().length, 2);
  });

  it("goes back once, also when the connection went away while it waited", () => {
    const { line, part } = failed();
    const { alice, bob, net } = line;
    net.disconnect(alice, bob);
    net.connect(alice, bob);
    line.settle();
    assertBadPath(line, part);
    bob.manager.processPendingHtlcForwards();
    line.settle();
    assert.equal(
      line.sent.filter(({ from, message }) => from === bob && message.type === "update_fail_htlc").length,
      1,
    );
    assert.equal(bob.manager.listUsableChannels().length, 2);
  });
});
