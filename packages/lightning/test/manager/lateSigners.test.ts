import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SigningAnswer, SigningRequest } from "#src/sign/channelSigner";
import type { ChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { ManagerNet, type ManagerNode } from "./managers.ts";

function twoNodes() {
  const net = new ManagerNet();
  const [alice, bob] = [net.add(), net.add()];
  net.connect(alice, bob);
  const channelId = net.open(alice, bob, { push: msat(200_000_000n) });
  const pay = (amount: bigint) => net.pay(alice, msat(amount), [{ to: bob, by: alice, channelId }]).paymentId;
  return { net, alice, bob, channelId, pay };
}

/** What the channel's signer would say to a request, whether it is made to wait or not. */
function answerOf(node: ManagerNode, channelId: ChannelId, request: SigningRequest): SigningAnswer {
  const { slow } = node.keys;
  node.keys.slow = false;
  const { channelKeysId } = present(node.monitor.monitor(channelId), "a monitor").setup;
  const answer = node.keys.deriveChannelSigner(channelKeysId).sign(request);
  node.keys.slow = slow;
  return present(answer, "an answer");
}

/** The one request that waits. */
function requestOf(node: ManagerNode): SigningRequest {
  const [pending, ...others] = node.manager.listSigningRequests();
  assert.equal(others.length, 0);
  return present(pending, "a request").request;
}

function htlcs(node: ManagerNode): number | undefined {
  return node.manager.listChannels()[0]?.pendingHtlcs;
}

describe("a signer that answers later", () => {
  it("has its questions listed, and each answered once", () => {
    const { net, alice, channelId, pay } = twoNodes();
    alice.keys.slow = true;
    pay(10_000_000n);
    net.settle();
    const request = requestOf(alice);
    assert.equal(request.kind, "counterparty-commitment");
    const answer = answerOf(alice, channelId, request);
    assert.equal(alice.manager.signerAnswered(channelId, request, answer), true);
    assert.equal(alice.manager.signerAnswered(channelId, request, answer), false);
    alice.keys.slow = false;
    net.settle();
    assert.equal(htlcs(alice), 1);
  });

  it("signs nothing else by an answer from before a disconnection", () => {
    const { net, alice, bob, channelId, pay } = twoNodes();
    alice.keys.slow = true;
    const paymentId = pay(10_000_000n);
    net.settle();
    const old = requestOf(alice);
    alice.manager.abandonPayment(paymentId);
    net.disconnect(alice, bob);
    net.connect(alice, bob);
    net.settle();
    assert.deepEqual(alice.manager.listSigningRequests(), []);
    assert.equal(alice.manager.signerAnswered(channelId, old, answerOf(alice, channelId, old)), false);
    pay(20_000_000n);
    net.settle();
    const request = requestOf(alice);
    assert.ok(old.kind === "counterparty-commitment" && request.kind === old.kind);
    assert.equal(request.number, old.number);
    assert.equal(alice.manager.signerAnswered(channelId, old, answerOf(alice, channelId, old)), false);
    assert.equal(
      alice.manager.signerAnswered(channelId, old, { kind: "refused", reason: "too late" }),
      false,
    );
    alice.manager.signerAnswered(channelId, request, answerOf(alice, channelId, request));
    alice.keys.slow = false;
    net.settle();
    assert.equal(bob.eventsOf("payment-claimable")[0]?.amount, 20_000_000n);
    assert.deepEqual(alice.eventsOf("channel-closed"), []);
  });

  it("gives no secret of a commitment that counts for one of before", () => {
    const { net, alice, bob, channelId, pay } = twoNodes();
    pay(10_000_000n);
    net.settle();
    pay(20_000_000n);
    alice.commit();
    bob.keys.slow = true;
    net.settle();
    const early = requestOf(bob);
    assert.ok(early.kind === "revocation");
    const secret = answerOf(bob, channelId, early);
    net.disconnect(alice, bob);
    net.connect(alice, bob);
    // A peer may say that it has not got the last revocation, though it has signed on.
    for (const item of alice.outbox) {
      if (item.message.type !== "channel_reestablish") continue;
      const { message } = item;
      const nextRevocationNumber = message.nextRevocationNumber - 1n;
      alice.outbox[alice.outbox.indexOf(item)] = { ...item, message: { ...message, nextRevocationNumber } };
    }
    net.settle();
    const now = bob.manager.listSigningRequests()[0]?.request;
    assert.ok(now?.kind === "revocation" && now.number === early.number - 1);
    assert.equal(bob.manager.signerAnswered(channelId, early, secret), false);
    bob.commit();
    assert.ok(!bob.outbox.some(({ message }) => message.type === "revoke_and_ack"));
  });

  it("is asked again when it says that it can answer", () => {
    const { net, alice, bob, pay } = twoNodes();
    alice.keys.slow = true;
    bob.keys.slow = true;
    pay(10_000_000n);
    net.settle();
    alice.manager.signerUnblocked();
    net.settle();
    assert.equal(alice.manager.listSigningRequests().length, 1);
    for (const node of [alice, bob]) node.keys.slow = false;
    for (const node of [alice, bob, alice, bob]) {
      node.manager.signerUnblocked();
      net.settle();
    }
    assert.equal(bob.eventsOf("payment-claimable").length, 1);
  });
});
