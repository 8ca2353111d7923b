import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { signFirstCommitment } from "#src/channel/ops/firstCommitments";
import { coreKey, monitorsPrefix } from "#src/storage/v1/keys";
import { present } from "#src/util/invariant";
import { msat, sat } from "#src/util/units";
import { entriesOf } from "../storage/entriesOf.ts";
import { ManagerNet } from "./managers.ts";

describe("a peer's opening", () => {
  it("is stored before `funding_signed` leaves", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const { temporary, transaction } = net.offer(alice, bob);
    alice.manager.fundingTransactionGenerated(temporary, transaction);
    net.settle();
    const [channel] = alice.manager.listChannels();
    const { channelId } = present(channel, "a channel");
    assert.ok(bob.store.has(coreKey(channelId)), "the acceptor's channel is stored");
    bob.restart();
    assert.equal(bob.manager.listChannels().length, 1);
  });

  it("does not touch the channel whose funding output it names", () => {
    const net = new ManagerNet();
    const [alice, bob, mallory] = [net.add(), net.add(), net.add()];
    net.connect(alice, bob);
    net.connect(mallory, bob);
    const channelId = net.open(alice, bob, { push: msat(400_000_000n) });
    const before = new Map([...bob.store].filter(([key]) => key.includes(channelId)));
    assert.ok(entriesOf(before, monitorsPrefix).length > 0);
    const { outPoint } = present(
      bob.manager.core.channels.funded(channelId)?.commitments.fundings[0],
      "a funding",
    );
    // Mallory signs for the output of Alice's and Bob's channel: anybody sees it in the chain.
    const { temporary } = net.offer(mallory, bob);
    const entry = present(mallory.manager.core.channels.get(temporary), "Mallory's opening");
    assert.ok(entry.state.kind === "wait-for-funding-transaction");
    const request = signFirstCommitment(entry.state.opening, outPoint);
    const answer = present(entry.signer?.sign(request), "an answer");
    assert.ok(answer.kind === "counterparty-commitment");
    bob.receive(mallory.nodeId, {
      type: "funding_created",
      temporaryChannelId: temporary,
      fundingTxid: outPoint.txid,
      fundingOutputIndex: outPoint.index,
      signature: present(answer.signatures[0], "a signature").signature,
    });
    net.settle();
    const after = new Map([...bob.store].filter(([key]) => key.includes(channelId)));
    assert.deepEqual(after, before);
    assert.equal(bob.manager.core.channels.get(temporary), undefined);
    assert.equal(bob.log.filter(({ level }) => level === "error").length, 0);
    bob.restart();
    assert.equal(bob.manager.core.channels.get(channelId)?.counterparty, alice.nodeId);
  });

  it("is refused while four others of the peer have no funding in the chain", () => {
    const net = new ManagerNet();
    const [mallory, bob] = [net.add(), net.add()];
    net.connect(mallory, bob);
    for (let i = 0; i < 4; i++) {
      const { temporary, transaction } = net.offer(mallory, bob);
      mallory.manager.fundingTransactionGenerated(temporary, transaction);
      net.settle();
    }
    net.disconnect(mallory, bob);
    net.connect(mallory, bob);
    net.settle();
    mallory.manager.createChannel({ counterparty: bob.nodeId, funding: sat(1_000_000) });
    net.settle();
    assert.equal(bob.eventsOf("open-channel-request").length, 4);
    assert.equal(bob.manager.listChannels().length, 4);
  });

  it("leaves nothing behind when it comes to nothing", () => {
    const net = new ManagerNet();
    const bob = net.add();
    const { channels } = bob.manager.core;
    for (let i = 0; i < 60; i++) {
      const mallory = net.add();
      net.connect(mallory, bob);
      mallory.manager.createChannel({ counterparty: bob.nodeId, funding: sat(1_000_000) });
      net.settle();
      net.disconnect(mallory, bob);
      assert.ok(!channels.peers.hasLeft(mallory.nodeId));
    }
    assert.equal(bob.eventsOf("open-channel-request").length, 60);
    assert.deepEqual(channels.peers.counterparties(), []);
    assert.equal(channels.takeChanged().size, 0);
  });

  it("does not fill the store with the peer's endless features", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    const channelId = net.open(alice, bob);
    const usual = bob.store.get(coreKey(channelId))?.length ?? 0;
    net.disconnect(alice, bob);
    const known = alice.manager.providedInitFeatures();
    const features = new Uint8Array(60_000).fill(0xaa);
    features.set(known, features.length - known.length);
    const init = { type: "init", globalfeatures: new Uint8Array(0), features, tlvs: {} } as const;
    bob.manager.peerConnected(alice.nodeId, { init, inbound: true, epoch: 99 });
    bob.manager.updateChannelConfig(channelId, bob.config.channelConfig);
    bob.commit();
    assert.ok((bob.store.get(coreKey(channelId))?.length ?? 0) < usual + 100);
  });
});
