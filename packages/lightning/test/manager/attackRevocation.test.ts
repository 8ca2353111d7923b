import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batch } from "#src/manager/batch";
import type { Bytes32 } from "#src/util/bytes";
import { commitmentNumber } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import type { LightningMessage } from "#src/wire/index";
import { ManagerNet } from "./managers.ts";

describe("a peer that revokes before it was given our signature", () => {
  /** Alice pays Carol by way of Bob; his signature for Alice's commitment with the HTLC is made and not let out. */
  function setUp() {
    const net = new ManagerNet();
    const [alice, bob, carol] = [net.add(), net.add(), net.add()];
    net.connect(alice, bob);
    net.connect(bob, carol);
    const ab = net.open(alice, bob);
    const bc = net.open(bob, carol);
    net.pay(alice, msat(20_000_000n), [
      { to: bob, by: alice, channelId: ab },
      { to: carol, by: bob, channelId: bc },
    ]);
    alice.commit();
    for (const { message } of alice.outbox.splice(0)) bob.receive(alice.nodeId, message);
    const batches: Batch[] = [];
    const take = (): void => {
      for (let batch = bob.manager.takeBatch(); batch !== undefined; batch = bob.manager.takeBatch())
        batches.push(batch);
    };
    take();
    const channel = present(bob.manager.core.channels.funded(ab), "Bob's channel with Alice");
    assert.equal(channel.commitments.remoteNext?.number, 1);
    const { channelKeysId } = present(alice.monitor.monitor(ab), "Alice's monitor").setup;
    const signer = alice.keys.deriveChannelSigner(channelKeysId);
    const request = {
      kind: "revocation",
      number: commitmentNumber(0),
      pointNumber: commitmentNumber(2),
      next: [],
    } as const;
    const answer = signer.sign(request);
    assert.ok(answer?.kind === "revocation");
    const revocation: LightningMessage = {
      type: "revoke_and_ack",
      channelId: ab,
      perCommitmentSecret: answer.secret as Bytes32,
      nextPerCommitmentPoint: answer.point,
    };
    const pending = (): number | undefined =>
      bob.manager.listChannels().find(({ channelId }) => channelId === bc)?.pendingHtlcs;
    const letOut = (): void => {
      take();
      for (const { sequence, writes } of batches.splice(0)) {
        for (const { key, value } of writes)
          value === undefined ? bob.store.delete(key) : bob.store.set(key, value);
        bob.manager.batchCommitted(sequence);
      }
    };
    return { net, alice, bob, carol, ab, revocation, pending, letOut };
  }

  it("gets nothing forwarded for that, and is disconnected", () => {
    const { net, alice, bob, revocation, pending, letOut } = setUp();
    bob.receive(alice.nodeId, revocation);
    assert.equal(pending(), 0);
    letOut();
    bob.commit();
    assert.equal(pending(), 0);
    assert.deepEqual(bob.disconnects, [alice.nodeId]);
    net.disconnect(alice, bob);
    net.connect(alice, bob);
    net.settle();
    assert.equal(pending(), 1);
  });

  it("is one that answers, once it was given it", () => {
    const { alice, bob, revocation, pending, letOut } = setUp();
    letOut();
    bob.receive(alice.nodeId, revocation);
    bob.commit();
    assert.equal(pending(), 1);
    assert.deepEqual(bob.disconnects, []);
  });
});
